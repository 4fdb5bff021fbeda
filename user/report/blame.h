/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 gilscope contributors */
/* Who waited for whom, as the backends show it: what is small is summed up, the sums stay exact. */
#ifndef GILSCOPE_REPORT_BLAME_H
#define GILSCOPE_REPORT_BLAME_H

#include "report/view.h"

/* Why a thread waited. */
enum blame_kind {
	BLAME_THREAD,  /* another thread held */
	BLAME_EXITED,  /* one of those that exited and are told together */
	BLAME_OTHERS,  /* several threads, each for a small part */
	BLAME_HANDOFF, /* nobody held: the wait for the CPU, and for being woken */
	BLAME_UNKNOWN, /* records were lost */
};

/* A part of a thread's waits. */
struct blame_row {
	const struct view_thread *waiter; /* NULL: threads that exited, which are told together */
	uint32_t gil;
	enum blame_kind kind;
	const struct view_thread *holder; /* BLAME_THREAD */
	uint64_t ns;
	uint64_t waits; /* so many waits, of a single holder; else 0 */
};

struct blame_rows {
	struct blame_row *items;
	size_t count, cap;
};

/*
 * All rows of a process, the longest first. Per waiter they sum up to its waits' total_ns; holders of
 * less than a thousandth of that are among the others. Owned by the caller: blame_rows_free.
 */
struct blame_rows blame_rows(const struct view_process *process);
void blame_rows_free(struct blame_rows *rows);

#endif
