/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 gilscope contributors */
/*
 * The stream: every record that the model reads. Kinds below 32 come from the BPF programs through
 * the ring buffer, the others are added by the collector, so that the model learns everything from
 * one ordered stream and a recording of it can be replayed. Each record belongs to one process, and
 * the records of one process, taken out of the stream, are a stream by themselves.
 *
 * All times are CLOCK_MONOTONIC nanoseconds. Records of one GIL are in the order of their events:
 * BPF reserves them while the thread holds gil->mutex. Process and thread ids are those of the PID
 * namespace that gilscope runs in.
 */
#ifndef GILSCOPE_EVENTS_H
#define GILSCOPE_EVENTS_H

#ifndef __VMLINUX_H__
#include <linux/types.h>
#endif

#define EV_COMM_LEN 16
#define EV_NAME_LEN 128

enum ev_kind {
	/* from BPF */
	EV_HOLD = 1,	     /* ev_hold: a hold that ended */
	EV_WAIT_END = 2,     /* ev_wait: a wait that ended without an acquire: its thread exited */
	EV_THREAD_START = 3, /* ev_thread */
	EV_THREAD_EXIT = 4,  /* ev_thread */
	EV_SHORT_HOLDS = 5,  /* ev_short_holds: of a GIL, between two of its other records */
	EV_THREAD_HOLDS = 6, /* ev_thread_holds: of a thread, since its last such record */

	/* from BPF for the collector, which decides what to follow; no model sees them */
	EV_PROCESS_FORK = 16, /* ev_process: a process with memory of its own began */
	EV_PROCESS_EXEC = 17, /* ev_process: a process executed a program */
	EV_PROCESS_EXIT = 18, /* ev_process: the last thread of a process exited */

	/* from the collector */
	EV_CAPTURE_START = 32, /* ev_mark: what happened before at_ns is clipped off */
	EV_CAPTURE_END = 33,   /* ev_mark: closes everything, comes last */
	EV_GIL = 34,	       /* ev_gil: a GIL that exists or appeared; the last one counts */
	EV_GIL_END = 35,       /* ev_gil_end: a GIL's state at the end, after its open hold */
	EV_WAIT_OPEN = 36,     /* ev_wait: a wait still open at the end */
	EV_THREAD_NAME = 37,   /* ev_thread: a thread that exists; the last one counts */
	EV_LOSS = 38,	       /* ev_loss */
	EV_CAPTURE_STOP = 39,  /* ev_mark: what happened after at_ns is clipped off */
	EV_PYTHON_NAME = 40,   /* ev_python_name: a thread's name in Python; the last one counts */
};

struct ev_head {
	__u16 kind;
	__u16 size; /* of the whole record, head included */
	/* Number of the process, from 1 on: each run of a program is one, so that a PID which comes
	 * back, or executes another program, is another process. 0: none. */
	__u32 process;
};
_Static_assert(sizeof(struct ev_head) == 8, "ev_head is part of the stream");

/* What is known of a hold besides its times. */
enum ev_hold_flags {
	/* Somebody waited during it. */
	HOLD_CONTENDED = 1 << 0,
	/* Its release was forced: the eval loop gave the GIL up on request. */
	HOLD_FORCED = 1 << 1,
	/* Somebody, maybe its own thread, waited between the release before it and its acquire:
	 * that time is handoff, else idle. */
	HOLD_GAP_WAITED = 1 << 2,
	/* Not released at the end of the capture, which is release_ns (from the collector). */
	HOLD_OPEN = 1 << 3,
	/* Acquired before the probes were there: acquire_ns is 0. */
	HOLD_FROM_ATTACH = 1 << 4,
	/* acquire_ns is 0 although the probes were there: a loss. */
	HOLD_ACQUIRE_MISSED = 1 << 5,
	/* release_ns is 0, another acquire came first: a loss. */
	HOLD_RELEASE_MISSED = 1 << 6,
	/* It ended without a release: the thread exited (release_ns is its exit), or is a forked
	 * process's, which takes its GIL once more. */
	HOLD_EXITED = 1 << 7,
	/* With HOLD_ACQUIRE_MISSED: another thread's hold was open at this release. */
	HOLD_WRONG_RELEASER = 1 << 8,
	/* In the gap before it, or the hold before that, a wait ended without an acquire: its
	 * EV_WAIT_END tells how much of the gap is handoff, so such a hold is never aggregated. */
	HOLD_GAP_LEFT = 1 << 9,
};

/* One hold, emitted at its release. */
struct ev_hold {
	struct ev_head head;
	__u32 gil; /* slot number, dense from 0 */
	__u32 tid;
	/* For each GIL 1, 2, 3, ... from the start on, in this and in ev_short_holds; a gap is a
	 * lost record. */
	__u64 seq;
	__u64 request_ns; /* begin of the wait that this acquire ended; 0: it did not wait */
	__u64 acquire_ns;
	__u64 release_ns;
	__u16 waiters;	   /* threads that wait just after the release, with a forced dropper */
	__u16 waiters_max; /* largest number of threads that waited at a time during the hold */
	__u32 flags;	   /* enum ev_hold_flags */
};
_Static_assert(sizeof(struct ev_hold) == 56, "ev_hold is part of the stream");

/*
 * Where the programs aggregate, holds that nobody will look at one by one have no ev_hold: those
 * with no flag (nobody waited during nor before them) and shorter than SHORT_HOLD_NS. They are told
 * twice: as time of their GIL, in this record, which stands before the next ev_hold of the GIL (if
 * that is lost, before a later one); and
 * as holds of their thread, in ev_thread_holds, which come when they come.
 */
struct ev_short_holds {
	struct ev_head head;
	__u32 gil;
	__u32 pad;
	__u64 seq;     /* as in ev_hold */
	__u64 held_ns; /* together; the rest since the last record of the GIL was idle, or is
			* not known if the sequence has a gap */
	__u64 end_ns;  /* release of the last one */
};
_Static_assert(sizeof(struct ev_short_holds) == 40, "ev_short_holds is part of the stream");

/*
 * The buckets of ev_thread_holds are those of the report's histograms (user/model/hist.h): 32 of
 * each power of two, and as many of [0, 64).
 */
#define SHORT_HOLD_BITS 16
#define SHORT_HOLD_NS (1 << SHORT_HOLD_BITS)
#define SHORT_HOLD_SUB_BITS 5
#define SHORT_HOLD_BUCKETS ((SHORT_HOLD_BITS - SHORT_HOLD_SUB_BITS) << SHORT_HOLD_SUB_BITS)

/* The bucket of a time below SHORT_HOLD_NS. */
static inline __u32 short_hold_bucket(__u32 ns)
{
	__u32 shift = 1;

	for (__u32 step = 8; step; step /= 2)
		if (ns >> (shift + step + SHORT_HOLD_SUB_BITS))
			shift += step;
	return ((shift - 1) << SHORT_HOLD_SUB_BITS) + (ns >> shift);
}

struct ev_thread_holds {
	struct ev_head head;
	__u32 gil;
	__u32 tid;
	__u64 total_ns;
	__u32 count;
	__u32 min_ns;
	__u32 max_ns;
	__u32 pad;
	__u32 buckets[SHORT_HOLD_BUCKETS];
};
_Static_assert(sizeof(struct ev_thread_holds) == 1448, "ev_thread_holds is part of the stream");

struct ev_wait {
	struct ev_head head;
	__u32 gil;
	__u32 tid;
	__u64 request_ns;
	__u64 end_ns;
	__u32 waiters; /* EV_WAIT_END: threads that waited until then, this one included */
	__u32 pad;
};
_Static_assert(sizeof(struct ev_wait) == 40, "ev_wait is part of the stream");

struct ev_thread {
	struct ev_head head;
	__u32 tid;
	__u32 pad;
	__u64 at_ns;
	char comm[EV_COMM_LEN];
};
_Static_assert(sizeof(struct ev_thread) == 40, "ev_thread is part of the stream");

/* Of a thread that other records tell of: else nobody knows whose name it was. */
struct ev_python_name {
	struct ev_head head;
	__u32 tid;
	__u32 pad;
	__u64 at_ns;		/* the thread had it then or a moment later */
	char name[EV_NAME_LEN]; /* UTF-8, with its final zero; control characters as they are */
};
_Static_assert(sizeof(struct ev_python_name) == 152, "ev_python_name is part of the stream");

struct ev_process {
	struct ev_head head; /* the process, if it is attached to */
	__u32 pid;
	__u32 ppid;	/* EV_PROCESS_FORK: its parent */
	__u32 followed; /* it is in the map `followed` */
	__u32 pad;
	__u64 at_ns;
	char comm[EV_COMM_LEN];
};
_Static_assert(sizeof(struct ev_process) == 48, "ev_process is part of the stream");

struct ev_mark {
	struct ev_head head;
	__u64 at_ns;
	__u32 end; /* enum ev_end; 0 at the start */
	__u32 pid; /* of the process, which is its main thread's id too; 0: not told */
};
_Static_assert(sizeof(struct ev_mark) == 24, "ev_mark is part of the stream");

enum ev_end { END_NONE, END_DURATION, END_SIGNAL, END_TARGET_EXIT, END_EXEC };

struct ev_gil {
	struct ev_head head;
	__u32 gil;
	__u32 interpreters; /* how many of interp_id are set */
	__u64 from_ns;	    /* when it was first seen; at most the start: it was there before */
	__u64 address;
	__u64 switch_interval_ns;
	__s64 interp_id[4]; /* interpreters that share it; at most the first four are named */
};
_Static_assert(sizeof(struct ev_gil) == 72, "ev_gil is part of the stream");

struct ev_gil_end {
	struct ev_head head;
	__u32 gil;
	__u32 waiters; /* threads that wait at the end */
	__u64 seq;     /* of the last hold that ended, lost or not; an open hold has the next one */
	__u64 at_ns;
};
_Static_assert(sizeof(struct ev_gil_end) == 32, "ev_gil_end is part of the stream");

struct ev_loss {
	struct ev_head head;
	__u32 loss; /* enum loss_kind */
	__u32 pad;
	__u64 count;
};
_Static_assert(sizeof(struct ev_loss) == 24, "ev_loss is part of the stream");

/* Every way to lose or distrust data: one name, one counter, one line in each report. */
enum loss_kind {
#define LOSS(name, text) LOSS_##name,
#include "loss.def"
#undef LOSS
	LOSS_KINDS
};

#endif
