/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Copyright (c) 2026 gilscope contributors */
/*
 * Short holds that nobody waited for are counted here, by thread, instead of being told one by one:
 * neither the ring buffer nor its reader has work with them, and nothing of the totals is lost.
 *
 * A thread counts in the slot that its id leads to without a search. Whose slot is another's is not
 * counted but told hold by hold, so that collisions, and more threads than there are slots, cost
 * time and no exactness. Only the thread itself writes to its slot.
 */
#ifndef GILSCOPE_AGGREGATE_BPF_H
#define GILSCOPE_AGGREGATE_BPF_H

#include "emit.bpf.h"

/* Slots of thread_holds, a power of two, less one. */
const volatile __u32 hold_slot_mask;

/* What is counted is told after so many holds, long before a bucket could run over. */
#define TELL_AFTER (1 << 20)

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, STATE_MIN_HOLD_SLOTS);
	__type(key, __u32);
	__type(value, struct ev_thread_holds);
} thread_holds SEC(".maps");

/* Slot -> the thread that has it: an insert that fails if another thread was faster. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, STATE_MAX_HOLD_SLOTS);
	__type(key, __u32);
	__type(value, struct hold_slot_owner);
} hold_slot_owners SEC(".maps");

/* What a slot is set to when it is told. */
static struct ev_thread_holds no_holds;

static __always_inline struct ev_thread_holds *thread_holds_at(__u32 slot)
{
	return bpf_map_lookup_elem(&thread_holds, &slot);
}

/* Takes a free slot for the thread. */
static __always_inline bool claim_hold_slot(struct ev_thread_holds *holds, __u32 slot,
					    __u32 process, __u32 gil, __u32 tid)
{
	const struct hold_slot_owner owner = {.process = process, .tid = tid};

	if (bpf_map_update_elem(&hold_slot_owners, &slot, &owner, BPF_NOEXIST))
		return false;
	holds->head.kind = EV_THREAD_HOLDS;
	holds->head.size = sizeof(*holds);
	holds->head.process = process;
	holds->gil = gil;
	holds->min_ns = SHORT_HOLD_NS;
	holds->tid = tid;
	return true;
}

/*
 * Puts what the thread has counted into the stream and frees its slot. Where the ring buffer has no
 * room the slot keeps it, for the reader to find at the end.
 */
__noinline int tell_thread_holds(__u32 process, __u32 tid)
{
	const __u32 slot = tid & hold_slot_mask;
	struct ev_thread_holds *holds = thread_holds_at(slot), *ev;

	if (!holds || holds->tid != tid || holds->head.process != process)
		return 0;
	ev = bpf_ringbuf_reserve(&events, sizeof(*ev), 0);
	if (!ev)
		return 0;
	bpf_probe_read_kernel(ev, sizeof(*ev), holds);
	bpf_map_update_elem(&thread_holds, &slot, &no_holds, BPF_ANY);
	bpf_map_delete_elem(&hold_slot_owners, &slot);
	/* Last: what the reader has is not in the slot any more. */
	bpf_ringbuf_submit(ev, wakeup_flags(ev, sizeof(*ev)));
	return 0;
}

/* The thread's slot, which it may have to take; NULL: it has none. */
static __always_inline struct ev_thread_holds *own_hold_slot(const struct process *process,
							     __u32 gil, __u32 tid)
{
	const __u32 slot = tid & hold_slot_mask;
	struct ev_thread_holds *holds = thread_holds_at(slot);

	if (!holds)
		return NULL;
	if (!holds->tid && !claim_hold_slot(holds, slot, process->id, gil, tid))
		return NULL;
	if (holds->tid != tid || holds->gil != gil || holds->head.process != process->id)
		return NULL;
	return holds;
}

/*
 * Counts the hold of `gil` that the thread ends now, if it is short and began when short holds were
 * counted already. The reader ends the counting before it takes the time of the end, and `now` is
 * taken before the flag is read, so what is counted lies within the capture. Called only for a hold
 * without flags: nobody has waited since the release before it.
 */
static __always_inline bool count_short_hold(const struct process *process, struct gil_slot *gil,
					     __u32 index, __u32 tid, __u64 now)
{
	const __u64 from_ns = *(const volatile __u64 *)&process->aggregate_from_ns;
	const __u64 ns = now - gil->acquire_ns;
	struct ev_thread_holds *holds;
	__u32 bucket;

	if (!from_ns || gil->acquire_ns < from_ns || ns >= SHORT_HOLD_NS)
		return false;
	holds = own_hold_slot(process, index, tid);
	bucket = short_hold_bucket(ns);
	if (!holds || bucket >= SHORT_HOLD_BUCKETS)
		return false;
	holds->buckets[bucket]++;
	holds->total_ns += ns;
	if (ns < holds->min_ns)
		holds->min_ns = ns;
	if (ns > holds->max_ns)
		holds->max_ns = ns;
	gil->short_ns += ns;
	gil->short_end_ns = now;
	if (++holds->count >= TELL_AFTER)
		tell_thread_holds(process->id, tid);
	return true;
}

#endif
