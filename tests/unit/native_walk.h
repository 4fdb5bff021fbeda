/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 gilscope contributors */
/* The walk of bpf/pystack.bpf.h in user space: over the memory of another process, or our own. */
#ifndef GILSCOPE_TEST_NATIVE_WALK_H
#define GILSCOPE_TEST_NATIVE_WALK_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "target/process.h"

static pid_t walk_pid;		/* whose memory is read */
static unsigned walk_reads;	/* how often */
static void (*walk_hook)(void); /* called before each read; NULL: nothing is */

static inline long walk_read(void *to, size_t size, uint64_t from)
{
	walk_reads++;
	if (walk_hook)
		walk_hook();
	return process_read(walk_pid, from, to, size);
}

#define py_read_user(to, size, from) walk_read(to, size, from)
#include "bpf/pystack.bpf.h"

static inline void native_walk(pid_t pid, const struct py_layout *layout, uint64_t tstate,
			       struct py_walk *walk)
{
	walk_pid = pid;
	walk_reads = 0;
	py_walk_stack(layout, tstate, walk);
}

#endif
