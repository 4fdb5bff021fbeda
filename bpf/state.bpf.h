/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Copyright (c) 2026 gilscope contributors */
/* The programs' memory: code, processes, GILs, requests; and how to find one. */
#ifndef GILSCOPE_STATE_BPF_H
#define GILSCOPE_STATE_BPF_H

#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>
#include <bpf/bpf_core_read.h>

#include "events.h"
#include "ids.bpf.h"
#include "state.h"

/* The reader is woken whenever the ring buffer has taken so many bytes; a power of two. */
const volatile __u32 wakeup_bytes;

/* Every process of the machine is told of, not only those that are attached to or followed. */
__u32 watch_all;
struct code codes[STATE_MAX_CODES];
struct process processes[STATE_MAX_PROCESSES];
struct gil_slot gils[STATE_MAX_GILS];
__u64 losses[LOSS_KINDS];
/* How often something happened that stands in this memory alone: a GIL was met, a process was
 * stopped. */
__u32 news;

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

/* tgid -> slot in `processes`. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, STATE_MAX_PROCESSES);
	__type(key, __u32);
	__type(value, __u32);
} process_slots SEC(".maps");

/* -> slot in `gils`. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, STATE_MAX_GILS);
	__type(key, struct gil_key);
	__type(value, __u32);
} gil_slots SEC(".maps");

/* Slots in `gils` that are free. */
struct {
	__uint(type, BPF_MAP_TYPE_QUEUE);
	__uint(max_entries, STATE_MAX_GILS);
	__uint(key_size, 0);
	__uint(value_size, sizeof(__u32));
} free_gils SEC(".maps");

/* Place in a process's list -> slot in `gils`: an insert that fails if another CPU was faster, which
 * makes taking a place atomic. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, STATE_MAX_GILS);
	__type(key, struct gil_place);
	__type(value, __u32);
} places SEC(".maps");

/* tgids whose children are told of; the children join. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, STATE_MAX_FOLLOWED);
	__type(key, __u32);
	__type(value, __u32);
} followed SEC(".maps");

static __always_inline void count_loss(enum loss_kind kind)
{
	__sync_fetch_and_add(&losses[kind], 1);
}

/* Wakes the reader for news, by a record that is none. */
__noinline int tell_news(void)
{
	__u64 *nothing;

	__sync_fetch_and_add(&news, 1);
	nothing = bpf_ringbuf_reserve(&events, sizeof(*nothing), 0);
	if (nothing) /* else it is full, and the reader at work */
		bpf_ringbuf_discard(nothing, BPF_RB_FORCE_WAKEUP);
	return 0;
}

static __always_inline __u32 read_state(const struct process *process)
{
	return *(const volatile __u32 *)&process->state;
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

static __always_inline struct moment this_moment(const struct process *process)
{
	__u32 before = read_state(process);
	__u64 now = bpf_ktime_get_ns();
	__u32 after = read_state(process);

	return (struct moment){
		.now = now,
		.track = is_tracking(before) || is_tracking(after),
		.emit = before == STATE_EMIT || after == STATE_EMIT,
	};
}

/* For good; the first reason counts. */
static __always_inline void stop(struct process *process, enum stop_reason reason, __u64 now)
{
	if (!process->stop.reason) {
		process->stop.at_ns = now;
		process->stop.reason = reason;
	}
	*(volatile __u32 *)&process->state = STATE_STOPPED;
	tell_news();
}

/* Nearly always it is the only one. */
static __always_inline struct process *find_process(__u32 tgid)
{
	const __u32 *slot;

	if (!tgid) /* not visible from our PID namespace */
		return NULL;
	if (processes[0].tgid == tgid)
		return &processes[0];
	slot = bpf_map_lookup_elem(&process_slots, &tgid);
	return slot ? &processes[*slot & (STATE_MAX_PROCESSES - 1)] : NULL;
}

static __always_inline const struct code *code_of(const struct process *process)
{
	return &codes[process->code & (STATE_MAX_CODES - 1)];
}

/* The only place where a site at an address of the file can be; the caller compares (the verifier
 * loses a pointer that is compared here). */
static __always_inline const struct site *site_at(const struct code *code, __u64 vaddr)
{
	return &code->sites[site_slot(vaddr, code->multiplier) & (STATE_SITE_TABLE - 1)];
}

static __always_inline struct gil_slot *gil_at(__u32 index)
{
	return &gils[index & (STATE_MAX_GILS - 1)];
}

#define NONE STATE_NO_GIL

/* Nearly always it is the process's first one. */
static __always_inline __u32 find_gil(const struct process *process, __u64 address)
{
	struct gil_key key = {.address = address, .process = process->slot};
	const __u32 first = process->gils[0] - 1;
	const __u32 *slot;

	if (gil_at(first)->address == address && gil_at(first)->process == process->slot)
		return first & (STATE_MAX_GILS - 1);
	slot = bpf_map_lookup_elem(&gil_slots, &key);
	return slot ? *slot : NONE;
}

/*
 * Enters a slot into the list of its process. Loops stand in global functions: the verifier checks
 * those once and by themselves, instead of the rest of the program for each turn, which made
 * loading take most of a second.
 */
__noinline int take_place(__u32 process_slot, __u32 slot)
{
	struct process *process = &processes[process_slot & (STATE_MAX_PROCESSES - 1)];

	for (__u32 i = 0; i < STATE_PROCESS_GILS; i++) {
		struct gil_place place = {.process = process_slot, .place = i};

		if (process->gils[i] || bpf_map_update_elem(&places, &place, &slot, BPF_NOEXIST))
			continue;
		process->gils[i] = slot + 1;
		return 1;
	}
	return 0;
}

/* Takes a slot for a GIL that was not there when the process was attached to. */
static __always_inline __u32 claim_gil(const struct process *process, __u64 address, __u64 now)
{
	struct gil_key key = {.address = address, .process = process->slot};
	struct gil_slot *gil;
	__u32 slot;

	if (bpf_map_pop_elem(&free_gils, &slot)) {
		count_loss(LOSS_gil_slots_full);
		return NONE;
	}
	gil = gil_at(slot);
	gil->first_ns = now;
	gil->process = process->slot;
	gil->address = address;
	if (!take_place(process->slot, slot)) {
		gil->address = 0;
		bpf_map_push_elem(&free_gils, &slot, 0);
		count_loss(LOSS_gil_slots_full);
		return NONE;
	}
	bpf_map_update_elem(&gil_slots, &key, &slot, BPF_ANY);
	tell_news();
	return slot;
}

#endif
