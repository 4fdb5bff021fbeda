/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 gilscope contributors */
/*
 * The threads. A tid is used again after its thread's exit, so the times belong to lives: one
 * thread from its start to its exit. A life has one entry for each GIL that it held or waited for.
 */
#ifndef GILSCOPE_THREADS_H
#define GILSCOPE_THREADS_H

#include "model/id_map.h"
#include "model/model.h"

struct life {
	uint32_t process, tid;
	uint64_t from_ns; /* its start; 0: before the capture */
	uint64_t exit_ns; /* UINT64_MAX: not yet */
	char comm[EV_COMM_LEN + 1];
	uint32_t entry; /* the entry used last, ID_NONE: has none */
	uint32_t gil;	/* index of that entry's GIL */
};

struct lives {
	struct life *items;
	size_t count, cap;
	struct id_map index; /* (process, tid) -> the latest life */
};

struct thread_table {
	struct lives lives;
	struct model_thread *items; /* the entries, in the order of their first use */
	size_t count, cap;
	struct id_map index; /* (life, GIL) -> entry */
};

void threads_start(struct thread_table *t, const struct ev_thread *e);
void threads_exit(struct thread_table *t, const struct ev_thread *e);
void threads_name(struct thread_table *t, const struct ev_thread *e);

/* When the latest thread of that tid exited; UINT64_MAX: it lives, as far as is known. */
uint64_t threads_exit_ns(const struct thread_table *t, uint32_t process, uint32_t tid);

/* The entry of a thread and a GIL (`gil`: its index), made if need be; valid until the next call.
 */
struct model_thread *threads_entry(struct thread_table *t, uint32_t process, uint32_t tid,
				   uint32_t gil, uint32_t gil_id);

/*
 * Fills what the entries owe to their lives, cut to [start, end]. Returns the number of threads
 * without an entry that lived in that time.
 */
size_t threads_close(struct thread_table *t, uint64_t start, uint64_t end);

void threads_free(struct thread_table *t);

#endif
