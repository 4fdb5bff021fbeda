/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 gilscope contributors */
/* What gilscope doctor found out, and its two backends. */
#ifndef GILSCOPE_DOCTOR_REPORT_H
#define GILSCOPE_DOCTOR_REPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "probe/plan.h"
#include "report/result.h"
#include "target/surroundings.h"
#include "target/target.h"

enum check_status { CHECK_OK, CHECK_WARNING, CHECK_FAILED };
const char *check_status_name(enum check_status status); /* "ok", "warning", "failed" */

struct doctor_check {
	const char *id;	   /* for programs: lower case, "-" between words */
	const char *title; /* for people */
	enum check_status status;
	char *detail; /* what was found; owned */
	char *advice; /* what to do about it, "" if nothing; owned */
};

struct doctor_checks {
	struct doctor_check *items;
	size_t count, cap;
};

/* Appends a check; it takes over `detail` and `advice` (NULL: none). */
void doctor_checks_add(struct doctor_checks *checks, const char *id, const char *title,
		       enum check_status status, char *detail, char *advice);
size_t doctor_checks_count(const struct doctor_checks *checks, enum check_status status);
void doctor_checks_free(struct doctor_checks *checks);

/* A process that was looked at. */
struct doctor_process {
	pid_t pid;
	struct doctor_checks checks;
	bool resolved;	      /* the rest is known */
	struct target target; /* owned */
	struct surroundings surroundings;
	struct probe_plan plan; /* owned; without sites if there is no plan */
	struct gil_info gils[TARGET_MAX_GILS];
	size_t gil_count;
};

struct doctor_result {
	char kernel[128], arch[32];
	uint64_t hit_ns, stepped_hit_ns; /* cost of a probe, 0: not known */
	struct doctor_checks machine;
	bool has_process;
	struct doctor_process process;
};

/* Whether a capture would work (of the process, if there is one): no check failed. */
bool doctor_works(const struct doctor_result *result);

/* Writes it as text or JSON (options->format). 0, or a negative errno after a message. */
int doctor_write(FILE *out, const struct doctor_result *result,
		 const struct report_options *options);

/* The backends. Errors stay in `out` (ferror); a negative errno is an error of another kind. */
int doctor_text(FILE *out, const struct doctor_result *result,
		const struct report_options *options);
int doctor_json(FILE *out, const struct doctor_result *result,
		const struct report_options *options);

#endif
