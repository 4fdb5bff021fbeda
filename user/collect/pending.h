/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 gilscope contributors */
/* Processes that began, or executed a program, and may become ours: they are looked at until it is
 * clear. */
#ifndef GILSCOPE_PENDING_H
#define GILSCOPE_PENDING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct collector;
struct ev_process;

struct pending {
	pid_t pid;
	pid_t ppid;	  /* its parent, if it was forked and has executed nothing since; else 0 */
	uint64_t born_ns; /* of the fork or exec */
	bool python;	  /* it is known to run an interpreter */
	uint64_t next_ns; /* when it is looked at next */
	uint64_t give_up_ns;
	unsigned tries; /* to attach */
};

struct pending_list {
	struct pending *items;
	size_t count, cap;
	/* Processes that cannot be captured, which was told. */
	struct {
		pid_t *items;
		size_t count, cap;
	} refused;
};

/* Finds the processes that are there already and attaches to those that fit. 0 or a negative errno
 * after a message. */
int pending_begin(struct collector *c);

/* Takes a notice of the programs. */
void pending_notice(struct collector *c, const struct ev_process *ev);

/* Looks at those that are due. */
void pending_step(struct collector *c);

/* When the next one is due; UINT64_MAX: never. */
uint64_t pending_next_ns(const struct collector *c);

/* Whether processes may still come: some are looked at, followed, or waited for by name. */
bool pending_is_open(const struct collector *c);

/* The capture is over: the time of those that are left is told. */
void pending_end(struct collector *c);
void pending_free(struct collector *c);

#endif
