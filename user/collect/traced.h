/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 gilscope contributors */
/* One run of one interpreter under capture, from its attach to its end. */
#ifndef GILSCOPE_TRACED_H
#define GILSCOPE_TRACED_H

#include <stdbool.h>
#include <stdint.h>

#include "bpf/events.h"
#include "bpf/state.h"
#include "collect/codes.h"
#include "collect/naming.h"
#include "collect/overhead.h"
#include "probe/attach.h"
#include "target/target.h"

enum traced_phase {
	TRACED_ARMED,	/* tracked, nothing is emitted: who waits already is not known yet */
	TRACED_RUNNING, /* captured: its stream has begun */
	TRACED_STOPPED, /* its stream has its end mark, and is still to be closed */
	TRACED_CLOSED,	/* its stream is complete */
	TRACED_DROPPED, /* it ended or failed before its stream was complete; there is no report of
			   it */
};

/* One of its GILs. */
struct traced_gil {
	uint32_t slot;
	bool announced;	 /* it has an EV_GIL in the stream */
	bool informed;	 /* with what the interpreter says of it */
	uint64_t met_ns; /* when it was announced first */
	uint64_t ask_ns; /* when the interpreter is asked again, if not informed */
	/* What the process's memory said at the start, if the GIL had had no event. */
	bool held_at_start;
	uint32_t holder_at_start; /* tid; 0: it could not be told */
};

struct traced {
	uint32_t id; /* of its records: 1, 2, 3, ... */
	struct target target;
	const struct code_plan *code;
	struct attachment attached;
	struct process *shared; /* with the programs; NULL once it is closed */
	int pid_fd;
	enum traced_phase phase;
	bool gone;	   /* its pidfd said so */
	bool ending;	   /* its end was seen, its last records may not have been read */
	bool from_birth;   /* it has not run yet: nothing can be going on */
	uint64_t born_ns;  /* 0: before the capture, or not known */
	uint64_t armed_ns; /* since when the programs track it */
	unsigned clear_looks;
	bool ready; /* who waits is known: it may start */
	uint64_t next_look_ns;
	uint64_t attend_ns; /* once it is captured: see gils_attend */
	struct overhead_watch overhead;
	struct py_naming naming;
	struct {
		uint64_t next_ns, step_ns; /* see gils_attend; libc's entries only */
		uint64_t hits;		   /* when it was looked at last */
	} learning;
	uint64_t start_ns, end_ns; /* of its stream */
	enum ev_end end;
	struct {
		struct traced_gil *items;
		size_t count, cap;
	} gils;
	/* During its stream, by site; complete once it is closed. */
	uint64_t hits[STATE_MAX_SITES], foreign_hits[STATE_MAX_SITES];
};

/* A traced for a resolved target, which becomes its own. Never NULL. */
struct traced *traced_new(struct target *target, uint32_t id);

/*
 * Attaches and arms: from here on the programs track it. `before` is what the process ran before an
 * exec, NULL: nothing that is known; its links are taken over, or detached, since the kernel still
 * counts the process as theirs. 0, or a negative errno after a message; in either case free it with
 * traced_free.
 */
int traced_attach(struct traced *t, struct gil_bpf *skel, struct codes *codes,
		  struct traced *before);

/* Detaches, if that was not done yet. */
void traced_free(struct traced *t);

static inline bool traced_is_live(const struct traced *t)
{
	return t->phase == TRACED_ARMED || t->phase == TRACED_RUNNING;
}

/*
 * Whether the process has ended, or executed another program, or was given up by the programs, as
 * far as was told. They stop by themselves then; the memory of a process is gone a moment before
 * that can be seen, and its pidfd tells its end last.
 */
bool traced_has_ended(const struct traced *t);

/* Whether the process has ended by now. */
bool traced_is_gone(const struct traced *t);

/* Whether the programs have seen its end, or its exec. */
static inline bool traced_is_over(const struct traced *t)
{
	return t->shared->stop.reason == STOP_EXIT || t->shared->stop.reason == STOP_EXEC;
}

static inline enum ev_end traced_own_end(const struct traced *t)
{
	return t->shared->stop.reason == STOP_EXEC ? END_EXEC : END_TARGET_EXIT;
}

static inline enum capture_state traced_state(const struct traced *t)
{
	return (enum capture_state)__atomic_load_n(&t->shared->state, __ATOMIC_SEQ_CST);
}

/*
 * Goes from one state to the next. False: the programs stopped by themselves, on an exec, the end of
 * the process or a wrong site, and that must never be undone.
 */
bool traced_advance(struct traced *t, enum capture_state from, enum capture_state to);

/* The programs ignore its hits from here on. */
void traced_stop_programs(struct traced *t);

#endif
