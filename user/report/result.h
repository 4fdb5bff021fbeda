/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 gilscope contributors */
/* The one immutable result that every report backend reads. */
#ifndef GILSCOPE_RESULT_H
#define GILSCOPE_RESULT_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "model/model.h"
#include "probe/plan.h"
#include "target/target.h"

struct result_capture {
	uint64_t start_ns; /* CLOCK_MONOTONIC, as in the models */
	uint64_t start_unix_ns;
	uint64_t duration_ns;
	enum ev_end end;
	char kernel[128]; /* uname -r */
	char arch[32];
	const char *mode;   /* "exact", or "aggregate": short holds were counted in the kernel */
	double coverage;    /* share of the processes' time that was probed */
	uint64_t missed_ns; /* time of processes that were never attached to */
	const char *note;   /* what was not seen before the attach, or NULL; a sentence */
};

struct result_overhead {
	uint64_t probe_hits;
	uint64_t ns_per_hit;	    /* measured on ourselves, 0: not known */
	double target_cpu_fraction; /* CPUs: what all hits cost, by the capture's time */
	uint64_t tool_cpu_ns;
	uint64_t tool_max_rss_bytes;
};

/* One run of an interpreter, from its attach (or the capture's start) to its end (or the
 * capture's). A process that executes another Python is two of them. */
struct result_process {
	const struct target *target;
	const struct probe_plan *plan;
	/* Begin, end and its reason, GILs, threads, and the losses of this process alone. */
	const struct model_result *model;
	uint64_t unobserved_ns; /* it ran so long, during the capture, before it was attached to */
	uint64_t site_hits[PLAN_MAX_SITES];    /* at a GIL */
	uint64_t foreign_hits[PLAN_MAX_SITES]; /* at other condition variables */
	uint64_t probe_cost_ns;		       /* what all of them cost it */
};

struct result {
	struct result_capture capture;
	struct result_overhead overhead;
	uint64_t losses[LOSS_KINDS]; /* of all together */
	bool several; /* more than one process was asked for, even if there was only one */
	/* In the order in which they were attached to; at least one. */
	const struct result_process *processes;
	size_t process_count;
};

enum report_format { FORMAT_TEXT, FORMAT_JSON, FORMAT_CSV };

struct report_options {
	enum report_format format;
	/* No character beyond ASCII in the text report; JSON escapes them; CSV is UTF-8 always. */
	bool ascii;
	bool color;   /* terminal escapes are wanted (a terminal, NO_COLOR not set) */
	int width;    /* columns of the terminal, or what is assumed when piped */
	bool group;   /* threads that are called alike are told together */
	bool verbose; /* probe list in the text report, all notes */
};

/* Writes the report. 0, or a negative errno after a message (a full disk, a closed pipe). */
int report_write(FILE *out, const struct result *result, const struct report_options *options);

/* Name and meaning of each column of the CSV report, one a line. */
void report_list_columns(FILE *out);

/* Line for one interval, and its heading, for -i. */
void report_interval_header(FILE *out, const struct report_options *options);
void report_interval(FILE *out, const struct model_bin *bin, const struct report_options *options);

#endif
