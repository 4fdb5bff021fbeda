/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 gilscope contributors */
/*
 * Memory that the BPF programs and the collector share (the .bss of gil.bpf.c): what to watch, and
 * the state of each GIL. The stream itself is events.h.
 */
#ifndef GILSCOPE_STATE_H
#define GILSCOPE_STATE_H

#ifndef __VMLINUX_H__
#include <linux/types.h>
#endif

#define STATE_MAX_PROCESSES 512
#define STATE_MAX_GILS 1024 /* of all processes together */
#define STATE_MAX_CODES 32
#define STATE_MAX_SITES 64
#define STATE_MAX_RETURNS 32
#define STATE_SITE_TABLE_BITS 7
#define STATE_SITE_TABLE (1 << STATE_SITE_TABLE_BITS)
#define STATE_MAX_THREADS 16384
#define STATE_MAX_FOLLOWED 8192
#define STATE_MIN_HOLD_SLOTS 4096 /* threads whose short holds are counted; powers of two */
#define STATE_MAX_HOLD_SLOTS 16384
#define STATE_PROCESS_GILS 64
#define STATE_NO_GIL ((__u32)-1)

/*
 * One flag for each process decides what the programs do. It changes for all probes at once, which
 * makes the knowledge about a GIL exact from that moment on: everything below happens under
 * gil->mutex, so a first event "release" means that it was held until then, a first event "acquire"
 * that it was free, and no event that nothing has changed.
 */
enum capture_state {
	STATE_OFF = 0, /* attaching: hits are ignored */
	STATE_ARMED,   /* track, emit nothing */
	STATE_EMIT,    /* track and emit */
	STATE_STOPPED, /* hits are ignored, the state stands still */
};

/*
 * Why the programs stopped by themselves. It stands here and not in the ring buffer, which may be
 * full.
 */
enum stop_reason {
	STOP_NONE = 0,
	STOP_EXEC,   /* the process executed another program: addresses mean something else now */
	STOP_EXIT,   /* its last thread exited */
	STOP_LOCKED, /* gil->locked is not what it must be at this site */
	STOP_LAST_HOLDER, /* gil->last_holder is NULL */
	STOP_FAULT,	  /* the first argument does not point to readable memory */
};

struct stop_notice {
	__u32 reason; /* enum stop_reason */
	__u32 site;   /* index into the probe plan, where a site is not what it was taken for */
	__u64 at_ns;
	__u64 arg; /* first argument at the site */
	__u64 got; /* what was read */
};

enum site_role { SITE_WAIT, SITE_ACQUIRE, SITE_RELEASE, SITE_LIBC_WAIT, SITE_LIBC_SIGNAL };

/* A probed instruction. The table is a perfect hash of the addresses: see site_slot(). */
struct site {
	__u64 vaddr;	  /* in the file; 0: empty */
	__u32 index;	  /* into the probe plan */
	__u32 cfa_offset; /* where the return address is: user/probe/plan.h */
	__u8 role;	  /* enum site_role */
	__u8 forced;	  /* a release here is a forced one */
	__u8 has_cfa;	  /* cfa_offset and return_below are known */
	__u8 pad;
	__u32 return_below;
};

static inline __u32 site_slot(__u64 vaddr, __u64 multiplier)
{
	return (__u32)((vaddr * multiplier) >> (64 - STATE_SITE_TABLE_BITS));
}

/* A return address between the eval loop and a release (user/probe/plan.h). */
struct return_site {
	__u64 vaddr;
	__u32 cfa_offset;
	__u32 return_below;
	__u32 forced;
	__u32 pad;
};

/* What one probe plan says, shared by all processes that run this code. Addresses are those of the
 * file. */
struct code {
	__u64 multiplier;
	/* Offsets inside struct _gil_runtime_state, from the target's version. */
	__u32 off_last_holder;
	__u32 off_locked;
	__u32 off_cond;
	__u32 off_switch_cond;
	__u32 free_threaded; /* its GIL can be off, and go on and off */
	__u32 pad;
	/* Where the interpreter's own code stands. */
	__u64 python_begin;
	__u64 python_end;
	struct site sites[STATE_SITE_TABLE];
	struct return_site returns[STATE_MAX_RETURNS];
};

/* One process that is attached to. */
struct process {
	__u32 id;	   /* of its records; 0: free */
	__u32 tgid;	   /* 0: free, or ended */
	__u32 state;	   /* enum capture_state */
	__u32 code;	   /* index into codes */
	__u64 site_bias;   /* address in the process = vaddr in the probed file + bias */
	__u64 python_bias; /* the same for the interpreter's file */
	__u32 slot;	   /* its own */
	__u32 pad;
	/* Slots of its GILs, plus 1, in the order in which they were met; 0: none. */
	__u32 gils[STATE_PROCESS_GILS];
	/* Short holds that begin from then on are counted and not told one by one; 0: none are. */
	__u64 aggregate_from_ns;
	struct stop_notice stop;
	__u64 foreign_hits[STATE_MAX_SITES];
};

/*
 * One GIL. Written by the probes under gil->mutex of that GIL, so without locks of our own; only
 * `waiters` also changes when a thread exits, and is therefore changed by atomic additions.
 */
struct gil_slot {
	__u64 address; /* 0: free */
	__u64 first_ns;
	__u32 process; /* slot of its process */
	__u32 holder;  /* tid; 0: not held, or nothing known (no event yet) */
	__u64 acquire_ns;
	__u64 request_ns; /* of the holder's wait; 0: it did not wait */
	__u64 seq;	  /* releases since STATE_EMIT */
	__u32 hold_flags; /* enum ev_hold_flags of the open hold */
	__u32 waiters;
	__u32 waiters_max;   /* during the open hold */
	__u32 checked;	     /* events whose site was confirmed against the GIL's memory */
	__u64 events;	     /* acquires and releases since STATE_ARMED */
	__u32 held_at_start; /* its memory said so when it had had no event */
	__u32 left;	     /* a wait ended without an acquire since the last acquire */
	/* Short holds that no record has told yet: their time, the last release (0: there are none). */
	__u64 short_ns;
	__u64 short_end_ns;
	__u64 off_ns; /* when it was turned off last: requests of before ended then */
	__u64 hits[STATE_MAX_SITES];
};

/* Who counts in a slot for short holds. */
struct hold_slot_owner {
	__u32 process; /* its number */
	__u32 tid;
};

/* A place in the list of a process's GILs. */
struct gil_place {
	__u32 process; /* slot */
	__u32 place;
};

/* Where the slot of a GIL is looked up, if it is not its process's first one. */
struct gil_key {
	__u64 address;
	__u32 process; /* slot */
	__u32 pad;
};

/* A thread's request: it wants the GIL in `slot` since request_ns; 0: it wants none. */
struct request {
	__u64 request_ns;
	__u32 slot;
	__u32 pad;
};

#endif
