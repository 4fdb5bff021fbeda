/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 gilscope contributors */
/* Thread ids of a process in a PID namespace of its own, as the ids that we see. */
#ifndef GILSCOPE_NS_TIDS_H
#define GILSCOPE_NS_TIDS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct ns_tids {
	pid_t pid;
	bool asked;  /* whether the ids differ */
	bool differ; /* if not, nothing is kept */
	bool fresh;  /* the list is from after the last ns_tids_expire */
	struct {
		struct ns_tid {
			pid_t outer, inner;
			bool there; /* seen when the list was made */
		} * items;
		size_t count, cap;
	} known;
};

/* A zeroed one with its pid set is empty; release what it holds with ns_tids_free. */
void ns_tids_free(struct ns_tids *t);

/* Threads may have come and gone: the list is made again when an id is not in it. What was known of
 * those that are still there is not asked for again. */
void ns_tids_expire(struct ns_tids *t);

/* Our id of the thread that is `inner` in its own namespace; 0: there is none. */
pid_t ns_tids_find(struct ns_tids *t, pid_t inner);

/* The id of the process's main thread in its own namespace; 0: the process is gone. */
pid_t ns_tids_main(struct ns_tids *t);

#endif
