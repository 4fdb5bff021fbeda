/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 gilscope contributors */
/* What every backend reads: the result with its strings made safe, its threads in order, and sums.
 */
#ifndef GILSCOPE_VIEW_H
#define GILSCOPE_VIEW_H

#include "report/result.h"

struct view_thread {
	const struct model_thread *thread;
	/* Safe to print, owned; "" of several together. */
	char *name, *comm, *group;
};

/* Clipped holds or waits of all threads together. */
struct view_clipped {
	uint64_t count, ns;
};

/* Sums of one process, or of all. */
struct view_sums {
	uint64_t observed_ns, unobserved_ns; /* of processes */
	/* of GILs; gil_observed_ns is the sum of the next four */
	uint64_t gil_observed_ns, held_ns, handoff_ns, idle_ns, unknown_ns;
	uint64_t wait_ns; /* of threads */
	uint64_t holds, contended_holds, short_holds, forced_releases, voluntary_releases;
	bool forced_known; /* the last two are, everywhere */
	struct view_clipped hold_clipped, wait_clipped;
	uint64_t hits, foreign_hits;  /* of probes; `hits` includes the foreign ones */
	size_t sites, single_stepped; /* probes, and those that the kernel does not emulate */
};

struct view_process {
	const struct view *view;
	const struct result_process *process;
	size_t number; /* from 1, in the result's order */
	/* Safe to print, owned. */
	char *version, *exe, *cmdline, *python_file, *libc_file;
	char **notes; /* process->plan->note_count */
	/* What hurts comes first: by time waited, then by time held. */
	struct view_thread *threads;
	size_t thread_count;
	/* For each GIL the threads that exited and are in no other entry, together; nameless. */
	struct view_thread *exited;
	size_t exited_count;
	/* With --group the rows of threads that are called alike; their sums are kept here. */
	struct view_thread *groups;
	struct model_thread *group_sums;
	size_t group_count;
	size_t all_threads; /* each once, whether it used a GIL or not */
	struct view_sums sums;
	uint64_t losses; /* of this process, of all kinds */
	/* CPUs: what its hits cost it, by the time that it was observed: what a short life paid does
	 * not shrink with the capture's length. */
	double paid_cpus;
	bool quiet; /* no thread held a GIL nor waited for one, as far as is known */
};

struct view {
	const struct result *result;
	const struct report_options *options;
	/* Safe to print, owned. */
	char *kernel, *arch, *note;
	struct view_process *processes;	    /* result->process_count */
	const struct view_process *dearest; /* of these the one that paid most */
	bool several;			    /* the report is one of several processes */
	struct view_sums sums;
	struct hist hold, wait; /* of all threads */
	uint64_t losses;	/* of all kinds */
};

/* `ascii`: the strings hold ASCII only. `out` refers to both arguments and must stay where it is;
 * free it with view_free. */
void view_init(struct view *out, const struct result *result, const struct report_options *options,
	       bool ascii);
void view_free(struct view *view);

/* Compares two struct view_thread: what hurts comes first. */
int view_compare_threads(const void *a, const void *b);

/* ns from the capture's start to `at_ns`; 0 if that is earlier. */
uint64_t view_since_start(const struct view *view, uint64_t at_ns);

/* The backends. Errors stay in `out` (ferror); a negative errno is an error of another kind. */
int report_text(FILE *out, const struct view *view);
int report_json(FILE *out, const struct view *view);
int report_csv(FILE *out, const struct view *view);

#endif
