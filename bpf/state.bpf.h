/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Copyright (c) 2026 gilscope contributors */
/* The programs' memory: configuration, sites, GILs, requests; and how to find one. */
#ifndef GILSCOPE_STATE_BPF_H
#define GILSCOPE_STATE_BPF_H

#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>
#include <bpf/bpf_core_read.h>

#include "events.h"
#include "state.h"

/* Offsets inside struct _gil_runtime_state, from the target's version. */
const volatile __u32 off_last_holder;
const volatile __u32 off_locked;
const volatile __u32 off_cond;
const volatile __u32 off_switch_cond;
const volatile __u32 target_tgid;
/* Where the interpreter's code stands in the process. */
const volatile __u64 python_begin;
const volatile __u64 python_end;
/* Bytes in the ring buffer at which the reader is woken; until then it polls. */
const volatile __u32 wakeup_bytes;

__u32 capture_state;
struct stop_notice stop_notice;
__u64 site_multiplier;
struct site sites[STATE_SITE_TABLE];
struct return_site returns[STATE_MAX_RETURNS];
struct gil_slot gils[STATE_MAX_GILS];
__u64 foreign_hits[STATE_MAX_SITES];
__u64 losses[LOSS_KINDS];

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 8 * 1024 * 1024);
} events SEC(".maps");

/* tid -> what the thread waits for. Looked at only when somebody waits. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, STATE_MAX_THREADS);
	__type(key, __u32);
	__type(value, struct request);
} requests SEC(".maps");

/* slot -> address of the GIL that took it: an insert that fails if another CPU was faster, which
 * makes the claim atomic. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, STATE_MAX_GILS);
	__type(key, __u32);
	__type(value, __u64);
} claims SEC(".maps");

static __always_inline void count_loss(enum loss_kind kind)
{
	__sync_fetch_and_add(&losses[kind], 1);
}

static __always_inline __u32 read_state(void)
{
	return *(volatile __u32 *)&capture_state;
}

/* When an event happened, and what is to be done with it. */
struct moment {
	__u64 now;
	bool track; /* else it is ignored */
	bool emit;
};

/*
 * The reader takes the time of the start just after it has set STATE_EMIT, and that of the end just
 * before it sets STATE_STOPPED, and a program may be preempted anywhere. The state is therefore
 * read before and after the time, once for the whole event: what happened between the two times is
 * emitted in each case, and what is emitted beside them is clipped off later.
 */
static __always_inline bool is_tracking(__u32 state)
{
	return state == STATE_ARMED || state == STATE_EMIT;
}

static __always_inline struct moment this_moment(void)
{
	__u32 before = read_state();
	__u64 now = bpf_ktime_get_ns();
	__u32 after = read_state();

	return (struct moment){
		.now = now,
		.track = is_tracking(before) || is_tracking(after),
		.emit = before == STATE_EMIT || after == STATE_EMIT,
	};
}

static __always_inline void stop(enum stop_reason reason, __u64 now)
{
	stop_notice.at_ns = now;
	stop_notice.reason = reason;
	*(volatile __u32 *)&capture_state = STATE_STOPPED;
}

/* The only place where a site at `ip` can be; the caller compares (the verifier loses a pointer
 * that is compared here). */
static __always_inline struct site *site_at(__u64 ip)
{
	return &sites[site_slot(ip, site_multiplier) & (STATE_SITE_TABLE - 1)];
}

/*
 * Loops stand in global functions: the verifier checks those once and by themselves, instead of the
 * rest of the program for each turn, which made loading take most of a second.
 */
#define NONE ((__u32)-1)

static __always_inline bool is_gil(__u32 index, __u64 address, __u32 tgid)
{
	return gils[index].address == address && gils[index].tgid == tgid;
}

/* Slots are taken in order and never given back, so the first free one ends the search. */
__noinline __u32 search_gil(__u64 address, __u32 tgid)
{
	for (__u32 i = 0; i < STATE_MAX_GILS; i++) {
		if (is_gil(i, address, tgid))
			return i;
		if (!gils[i].address)
			break;
	}
	return NONE;
}

/* Takes a slot for a GIL that was not there at the start (an interpreter with its own GIL, or a
 * process just begun). */
__noinline __u32 claim_gil(__u64 address, __u32 tgid, __u64 now)
{
	for (__u32 i = 0; i < STATE_MAX_GILS; i++) {
		__u32 key = i;

		if (gils[i].address || bpf_map_update_elem(&claims, &key, &address, BPF_NOEXIST))
			continue;
		gils[i].first_ns = now;
		gils[i].tgid = tgid;
		gils[i].address = address;
		return i;
	}
	count_loss(LOSS_gil_slots_full);
	return NONE;
}

/* Nearly always it is slot 0. */
static __always_inline __u32 find_gil(__u64 address, __u32 tgid)
{
	return is_gil(0, address, tgid) ? 0 : search_gil(address, tgid);
}

static __always_inline struct gil_slot *gil_at(__u32 index)
{
	return &gils[index & (STATE_MAX_GILS - 1)];
}

#endif
