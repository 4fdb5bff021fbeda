/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 gilscope contributors */
/*
 * The threads. A tid is used again after its thread's exit, so the times belong to lives: one
 * thread from its start to its exit. A life has one entry for each GIL that it held or waited for.
 * Lives that are over are forgotten, and their entries go to `exited`, so that memory is taken for
 * the threads that live and a bounded number of others.
 */
#ifndef GILSCOPE_THREADS_H
#define GILSCOPE_THREADS_H

#include "model/exited.h"
#include "base/id_map.h"
#include "model/model.h"
#include "model/timeline.h"

struct life {
	bool used;	 /* else its place is free */
	bool from_start; /* it was there at the capture's start */
	char comm[EV_COMM_LEN + 1];
	char *name; /* in Python; NULL: not told */
	uint32_t process, tid;
	uint64_t from_ns; /* its start; 0: before the capture */
	uint64_t exit_ns; /* UINT64_MAX: not yet */
	uint32_t entries; /* the first one of its list, ID_NONE: has none */
	uint32_t entry;	  /* of these the one used last */
	uint32_t next;	  /* the next free place, ID_NONE: none */
};

struct entry {
	struct model_thread thread;
	uint32_t gil;  /* index of its GIL */
	uint32_t next; /* of the same life, or the next free place; ID_NONE: none */
};

struct thread_table {
	uint64_t start_ns, stop_ns; /* of the capture, as far as they are known: 0, UINT64_MAX */
	uint32_t main_tid;	    /* 0: not known */
	char main_comm[EV_COMM_LEN + 1];
	struct {
		struct life *items;
		size_t count, cap;
		uint32_t free;	     /* the first free place, ID_NONE: none */
		struct id_map index; /* (process, tid) -> the latest life */
	} lives;
	struct {
		struct entry *items;
		size_t count, cap;
		uint32_t free; /* the first free place, ID_NONE: none */
	} entries;
	/* Lives that are over, of which a record may still come: the oldest stands at `begin`. */
	struct {
		uint32_t *items;
		size_t begin, count, cap;
	} recent;
	struct exited exited;
	uint64_t entries_made;
	size_t on_gil, off_gil; /* lives that were forgotten, with and without an entry */
	/* Once closed: the entries in the order of their numbers. */
	struct {
		struct model_thread *items;
		size_t count, cap;
	} closed;
};

void threads_init(struct thread_table *t, const struct model_options *options);

void threads_start(struct thread_table *t, const struct ev_thread *e);
void threads_exit(struct thread_table *t, const struct ev_thread *e);
void threads_name(struct thread_table *t, const struct ev_thread *e);
/* False: the record has no end of its name. */
bool threads_python_name(struct thread_table *t, const struct ev_python_name *e);

/* When the latest thread of that tid exited; UINT64_MAX: it lives, as far as is known. */
uint64_t threads_exit_ns(const struct thread_table *t, uint32_t process, uint32_t tid);

/* The entry of a thread and a GIL (`gil`: its index), made if need be; valid until the next call.
 */
struct model_thread *threads_entry(struct thread_table *t, uint32_t process, uint32_t tid,
				   uint32_t gil, uint32_t gil_id);

/* What names an entry, and the entry that it names, if that is not forgotten; see exited_of. */
struct thread_ref threads_ref(const struct thread_table *t, const struct model_thread *entry);
struct model_thread *threads_by_ref(struct thread_table *t, struct thread_ref ref);

/*
 * After the last record, the start and the stop being known: fills what the entries owe to their
 * lives, and what the result says of the threads.
 */
void threads_close(struct thread_table *t, struct model_result *result);

void threads_free(struct thread_table *t);

#endif
