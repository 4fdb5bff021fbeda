/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Copyright (c) 2026 gilscope contributors */
/* From the state to records in the ring buffer. */
#ifndef GILSCOPE_EMIT_BPF_H
#define GILSCOPE_EMIT_BPF_H

#include "state.bpf.h"

/*
 * The reader is woken by a record in which, or at whose end, the ring buffer's memory reaches a
 * multiple of `wakeup_bytes`: a wake-up a record would cost the target more than the probe. Each of
 * these places is in one record alone, whatever other CPUs do and wherever the reader is, so that
 * none is jumped over; and should one be in a record that wakes nobody, the next place makes good
 * for it long before the ring buffer is full.
 */
static __always_inline __u64 wakeup_flags(const void *record, __u64 size)
{
	/* The position but for a constant: the verifier lets pointers only be subtracted. */
	__u64 at = (__u64)record - (__u64)losses;

	barrier_var(at);
	return ((at + size) & (wakeup_bytes - 1)) < BPF_RINGBUF_HDR_SZ + size ? BPF_RB_FORCE_WAKEUP
									      : BPF_RB_NO_WAKEUP;
}

/*
 * The short holds since the GIL's last record, if there are any. False: there is no room, and they
 * are told before a later record.
 */
static __always_inline bool emit_short_holds(struct gil_slot *gil, __u32 index)
{
	struct ev_short_holds *ev;

	if (!gil->short_end_ns)
		return true;
	ev = bpf_ringbuf_reserve(&events, sizeof(*ev), 0);
	if (!ev)
		return false;
	ev->head.kind = EV_SHORT_HOLDS;
	ev->head.size = sizeof(*ev);
	ev->head.process = processes[gil->process & (STATE_MAX_PROCESSES - 1)].id;
	ev->gil = index;
	ev->pad = 0;
	ev->seq = ++gil->seq;
	ev->held_ns = gil->short_ns;
	ev->end_ns = gil->short_end_ns;
	bpf_ringbuf_submit(ev, wakeup_flags(ev, sizeof(*ev)));
	gil->short_ns = 0;
	gil->short_end_ns = 0;
	return true;
}

/*
 * The record of the hold that is open in `gil`; its sequence number counts also when there is no
 * room for it, so that the reader sees the gap. `tid` and `acquire_ns` are arguments since they are
 * not the slot's when something was missed.
 */
static __always_inline void emit_hold(struct gil_slot *gil, __u32 index, __u32 tid,
				      __u64 acquire_ns, __u64 release_ns, __u32 flags)
{
	const bool in_order = emit_short_holds(gil, index);
	struct ev_hold *ev;

	gil->seq++;
	ev = in_order ? bpf_ringbuf_reserve(&events, sizeof(*ev), 0) : NULL;
	if (!ev) {
		count_loss(LOSS_ring_full);
		return;
	}
	ev->head.kind = EV_HOLD;
	ev->head.size = sizeof(*ev);
	ev->head.process = processes[gil->process & (STATE_MAX_PROCESSES - 1)].id;
	ev->gil = index;
	ev->tid = tid;
	ev->seq = gil->seq;
	ev->request_ns = gil->request_ns;
	ev->acquire_ns = acquire_ns;
	ev->release_ns = release_ns;
	ev->waiters = gil->waiters;
	ev->waiters_max = gil->waiters_max;
	ev->flags = flags;
	bpf_ringbuf_submit(ev, wakeup_flags(ev, sizeof(*ev)));
}

static __always_inline void emit_wait_end(__u32 process, __u32 index, __u32 tid, __u64 request_ns,
					  __u64 now, __u32 waiters)
{
	struct ev_wait *ev;

	ev = bpf_ringbuf_reserve(&events, sizeof(*ev), 0);
	if (!ev) {
		count_loss(LOSS_thread_event);
		return;
	}
	ev->head.kind = EV_WAIT_END;
	ev->head.size = sizeof(*ev);
	ev->head.process = process;
	ev->gil = index;
	ev->tid = tid;
	ev->request_ns = request_ns;
	ev->end_ns = now;
	ev->waiters = waiters;
	ev->pad = 0;
	bpf_ringbuf_submit(ev, wakeup_flags(ev, sizeof(*ev)));
}

/* A request that was open when its GIL was turned off ended there; nobody counts it any more. */
static __always_inline void end_at_turn_off(__u32 process, __u32 tid, struct request *request,
					    bool emit)
{
	if (emit)
		emit_wait_end(process, request->slot, tid, request->request_ns,
			      gil_at(request->slot)->off_ns, 1);
	request->request_ns = 0;
}

/* `task` NULL: the current one. */
static __always_inline void emit_thread(enum ev_kind kind, __u32 process, __u32 tid, __u64 now,
					struct task_struct *task)
{
	struct ev_thread *ev;

	ev = bpf_ringbuf_reserve(&events, sizeof(*ev), 0);
	if (!ev) {
		count_loss(LOSS_thread_event);
		return;
	}
	ev->head.kind = kind;
	ev->head.size = sizeof(*ev);
	ev->head.process = process;
	ev->tid = tid;
	ev->pad = 0;
	ev->at_ns = now;
	if (task)
		bpf_core_read_str(ev->comm, sizeof(ev->comm), &task->comm);
	else
		bpf_get_current_comm(ev->comm, sizeof(ev->comm));
	bpf_ringbuf_submit(ev, wakeup_flags(ev, sizeof(*ev)));
}

/*
 * `process`: its number if it is attached to, else 0. The reader is woken: a process that began is
 * to be attached to at once.
 */
static __always_inline void emit_process(enum ev_kind kind, __u32 process, __u32 pid, __u32 ppid,
					 bool is_followed, __u64 now)
{
	struct ev_process *ev;

	ev = bpf_ringbuf_reserve(&events, sizeof(*ev), 0);
	if (!ev) {
		count_loss(LOSS_process_event);
		return;
	}
	ev->head.kind = kind;
	ev->head.size = sizeof(*ev);
	ev->head.process = process;
	ev->pid = pid;
	ev->ppid = ppid;
	ev->followed = is_followed;
	ev->pad = 0;
	ev->at_ns = now;
	bpf_get_current_comm(ev->comm, sizeof(ev->comm));
	bpf_ringbuf_submit(ev, BPF_RB_FORCE_WAKEUP);
}

#endif
