/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 gilscope contributors */
/* What every backend reads: the result with its strings made safe and its threads in order. */
#ifndef GILSCOPE_VIEW_H
#define GILSCOPE_VIEW_H

#include "report/result.h"

struct view_thread {
	const struct model_thread *thread;
	char *comm;
};

/* Clipped holds or waits of all threads together. */
struct view_clipped {
	uint64_t count, ns;
};

struct view {
	const struct result *result;
	const struct report_options *options;
	/* Safe to print, owned. */
	char *version, *exe, *cmdline, *python_file, *libc_file, *kernel, *arch, *note;
	char **notes; /* result->plan->note_count */
	/* What hurts comes first: by time waited, then by time held. */
	struct view_thread *threads;
	size_t thread_count;
	struct view_clipped hold_clipped, wait_clipped;
	uint64_t hits, foreign_hits; /* of all probes; `hits` includes the foreign ones */
	size_t single_stepped;	     /* probes that the kernel does not emulate */
	uint64_t losses;	     /* of all kinds */
};

/* `ascii`: the strings hold ASCII only. `out` refers to both arguments; free it with view_free. */
void view_init(struct view *out, const struct result *result, const struct report_options *options,
	       bool ascii);
void view_free(struct view *view);

/* The backends. Errors stay in `out` (ferror); a negative errno is an error of another kind. */
int report_text(FILE *out, const struct view *view);
int report_json(FILE *out, const struct view *view);
int report_csv(FILE *out, const struct view *view);

#endif
