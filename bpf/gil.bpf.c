// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* Copyright (c) 2026 gilscope contributors */
/*
 * The probes. Each sits on a call of pthread_cond_signal or pthread_cond_timedwait that CPython
 * makes while it holds gil->mutex, so for one GIL they run one after the other, on whatever CPUs:
 *
 *	wait	take_gil: timedwait(&gil->cond)		it is taken; again after each switch interval
 *	acquire	take_gil: signal(&gil->switch_cond)	just after locked = 1
 *	release	drop_gil: signal(&gil->cond)		just after locked = 0
 *
 * (CPython: Python/ceval_gil.h up to 3.11, Python/ceval_gil.c from 3.12.)
 */
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>

#include "state.bpf.h"
#include "emit.bpf.h"
#include "aggregate.bpf.h"
#include "forced.bpf.h"
#include "tasks.bpf.h"

/* So many events of each GIL are checked against its memory. */
#define CHECKED_EVENTS 16

struct probe {
	struct pt_regs *ctx;
	struct process *process;
	const struct code *code;
	const struct site *site;
	__u64 now;
	__u64 arg;
	bool emit;
	__u32 tid;
	__u32 index; /* of the GIL */
};

static __always_inline void hit(struct gil_slot *gil, const struct site *site)
{
	gil->hits[site->index & (STATE_MAX_SITES - 1)]++;
}

/*
 * A site is not what it was taken for: everything stops here and now for this process, the reader
 * detaches and says so.
 */
static __always_inline bool refuse(const struct probe *p, enum stop_reason reason, __u64 got)
{
	p->process->stop.site = p->site->index;
	p->process->stop.arg = p->arg;
	p->process->stop.got = got;
	stop(p->process, reason, p->now);
	return false;
}

/*
 * The first events prove the site: `locked` is what it must be there, and somebody is or was the
 * holder.
 */
static __always_inline bool check_memory(const struct probe *p, __u64 address, __u32 want_locked)
{
	__u64 last_holder = 0;
	__u32 locked = 0;

	if (bpf_probe_read_user(&locked, sizeof(locked), (void *)(address + p->code->off_locked)) ||
	    bpf_probe_read_user(&last_holder, sizeof(last_holder),
				(void *)(address + p->code->off_last_holder)))
		return refuse(p, STOP_FAULT, 0);
	if (locked != want_locked)
		return refuse(p, STOP_LOCKED, locked);
	return last_holder ? true : refuse(p, STOP_LAST_HOLDER, 0);
}

static __always_inline bool check(const struct probe *p, struct gil_slot *gil, __u32 want_locked)
{
	if (gil->checked >= CHECKED_EVENTS)
		return true;
	gil->checked++;
	return check_memory(p, gil->address, want_locked);
}

/*
 * The GIL of a call inside take_gil, which nothing but a GIL reaches: one not seen before is a new
 * one. That the address follows from either condition variable by its own offset proves the
 * distance of the two: a wrong one makes a second "GIL", whose `locked` fails the check.
 */
static __always_inline struct gil_slot *gil_of_take(struct probe *p, __u64 address)
{
	p->index = find_gil(p->process, address);
	if (p->index != NONE)
		return check(p, gil_at(p->index), 1) ? gil_at(p->index) : NULL;
	if (!check_memory(p, address, 1))
		return NULL;
	p->index = claim_gil(p->process, address, p->now);
	return p->index == NONE ? NULL : gil_at(p->index);
}

/* The GIL of a call that may also concern other condition variables: one that is known, or none. */
static __always_inline struct gil_slot *known_gil(struct probe *p, __u64 address)
{
	p->index = find_gil(p->process, address);
	return p->index == NONE ? NULL : gil_at(p->index);
}

static __always_inline void begin_request(const struct probe *p, struct gil_slot *gil)
{
	struct request fresh = {.request_ns = p->now, .slot = p->index};
	struct request *request = bpf_map_lookup_elem(&requests, &p->tid);

	if (request && request->request_ns) {
		if (request->request_ns > gil_at(request->slot)->off_ns)
			return; /* its first timed wait, or the forced release before it, began the
				   wait */
		end_at_turn_off(p->process->id, p->tid, request, p->emit);
	}
	if (request)
		*request = fresh;
	else if (bpf_map_update_elem(&requests, &p->tid, &fresh, BPF_ANY)) {
		count_loss(LOSS_request_lost);
		return;
	}
	__sync_fetch_and_add(&gil->waiters, 1);
}

/* Ends the thread's request; when it began, or 0 if it had none. */
static __always_inline __u64 end_request(const struct probe *p)
{
	struct request *request = bpf_map_lookup_elem(&requests, &p->tid);
	__u64 begin = request ? request->request_ns : 0;

	if (!begin)
		return 0;
	if (begin <= gil_at(request->slot)->off_ns) {
		end_at_turn_off(p->process->id, p->tid, request, p->emit);
		return 0;
	}
	request->request_ns = 0;
	__sync_fetch_and_add(&gil_at(request->slot)->waiters, -1);
	if (request->slot != p->index) {
		count_loss(LOSS_request_stale);
		return 0;
	}
	return begin;
}

/*
 * In a free-threaded build the GIL can be turned off while threads wait for it: take_gil then gives
 * up, signals the next waiter as a release does, and returns without the GIL (Python/ceval_gil.c,
 * 3.13 and later). Whoever waited cannot be the holder, nor, once events have told who holds,
 * anybody else than the one they name.
 */
static __always_inline bool gives_up(const struct probe *p, struct gil_slot *gil)
{
	__u64 begin;

	if (!p->code->free_threaded || gil->holder == p->tid)
		return false;
	begin = end_request(p);
	if (begin && p->emit)
		emit_wait_end(p->process->id, p->index, p->tid, begin, p->now, gil->waiters + 1);
	return begin || gil->events;
}

/*
 * When the GIL is turned off, its holder releases it for good (_PyEval_DisableGIL). Who waits then
 * goes on without it, some of them without passing a probe: a thread that was forced to drop it
 * finds it off. gil->enabled is its first member (Include/internal/pycore_gil.h).
 */
static __always_inline void see_turn_off(const struct probe *p, struct gil_slot *gil)
{
	__u32 enabled = 1;

	if (!p->code->free_threaded ||
	    bpf_probe_read_user(&enabled, sizeof(enabled), (void *)gil->address) || enabled)
		return;
	gil->off_ns = p->now;
	gil->waiters = 0;
}

static __always_inline void on_wait(const struct probe *p, struct gil_slot *gil)
{
	begin_request(p, gil);
	gil->hold_flags |= HOLD_CONTENDED;
	if (gil->waiters > gil->waiters_max)
		gil->waiters_max = gil->waiters;
}

static __always_inline void on_acquire(const struct probe *p, struct gil_slot *gil)
{
	__u64 request_ns = 0;
	__u32 flags = 0;

	if (gil->holder &&
	    p->emit) /* no probe saw its release: how long it was held is not known */
		emit_hold(gil, p->index, gil->holder, gil->acquire_ns, 0,
			  gil->hold_flags | HOLD_RELEASE_MISSED);
	/* A forked child makes the GIL, which it was born with, anew. */
	if (!gil->events && gil->held_at_start && p->emit)
		emit_hold(gil, p->index, p->tid, 0, p->now, HOLD_FROM_ATTACH | HOLD_EXITED);
	if (gil->waiters) {
		flags |= HOLD_GAP_WAITED;
		request_ns = end_request(p);
		if (gil->waiters)
			flags |= HOLD_CONTENDED;
	}
	if (gil->left) {
		gil->left = 0;
		flags |= HOLD_GAP_LEFT;
	}
	gil->waiters_max = gil->waiters;
	gil->request_ns = request_ns;
	gil->acquire_ns = p->now;
	gil->hold_flags = flags;
	gil->holder = p->tid;
	gil->events++;
}

static __always_inline void on_release(const struct probe *p, struct gil_slot *gil)
{
	__u32 flags = gil->hold_flags;
	__u64 acquire_ns = gil->acquire_ns;

	if (gil->holder != p->tid) {
		acquire_ns = 0;
		gil->request_ns = 0;
		if (!gil->events)
			flags |= HOLD_FROM_ATTACH;
		else if (!gil->holder)
			flags |= HOLD_ACQUIRE_MISSED;
		else
			flags |= HOLD_ACQUIRE_MISSED | HOLD_WRONG_RELEASER;
	}
	if (gil->waiters && is_forced(p->ctx, p->process, p->site)) {
		flags |= HOLD_FORCED;
		begin_request(p, gil);
	}
	if (p->emit && (flags || !count_short_hold(p->process, gil, p->index, p->tid, p->now)))
		emit_hold(gil, p->index, p->tid, acquire_ns, p->now, flags);
	gil->holder = 0;
	gil->hold_flags = 0;
	gil->waiters_max = 0;
	gil->events++;
	see_turn_off(p, gil);
}

/* A signal on a condition variable of no GIL: code that was linked into the same file. Harmless,
 * but it costs, so it is counted. */
static __always_inline void foreign(const struct probe *p)
{
	__sync_fetch_and_add(&p->process->foreign_hits[p->site->index & (STATE_MAX_SITES - 1)], 1);
}

/*
 * glibc calls its own pthread_cond_signal too: a timed wait that times out after it was signalled
 * passes the signal on (__condvar_cancel_waiting in nptl/pthread_cond_wait.c), without the mutex.
 * That is no release.
 */
static __always_inline bool called_by_python(const struct probe *p)
{
	__u64 caller = 0, cfa = PT_REGS_SP(p->ctx) + p->site->cfa_offset;

	if (!read_return(p->ctx, cfa, p->site->return_below, &caller))
		return false;
	caller -= p->process->python_bias;
	return caller >= p->code->python_begin && caller < p->code->python_end;
}

/*
 * libc's own entries see every condition variable of the process, so only GILs that are known
 * count. One function serves acquire and release: which it is follows from which of the two
 * condition variables it signals.
 */
static __always_inline void on_libc_entry(struct probe *p)
{
	struct gil_slot *gil = known_gil(p, p->arg - p->code->off_cond);
	bool is_wait = p->site->role == SITE_LIBC_WAIT;

	if (gil) {
		if (!called_by_python(p)) {
			foreign(p);
			return;
		}
		hit(gil, p->site);
		if (!is_wait && gives_up(p, gil))
			return;
		if (!check(p, gil, is_wait))
			return;
		if (is_wait)
			on_wait(p, gil);
		else
			on_release(p, gil);
		return;
	}
	gil = is_wait ? NULL : known_gil(p, p->arg - p->code->off_switch_cond);
	if (!gil) {
		foreign(p);
		return;
	}
	if (!check(p, gil, 1))
		return;
	hit(gil, p->site);
	on_acquire(p, gil);
}

static __always_inline void on_call_site(struct probe *p)
{
	struct gil_slot *gil;

	if (p->site->role == SITE_RELEASE) {
		gil = known_gil(p, p->arg - p->code->off_cond);
		if (!gil) {
			foreign(p);
			return;
		}
		hit(gil, p->site);
		if (!gives_up(p, gil) && check(p, gil, 0))
			on_release(p, gil);
	} else if (p->site->role == SITE_ACQUIRE) {
		gil = gil_of_take(p, p->arg - p->code->off_switch_cond);
		if (!gil)
			return;
		hit(gil, p->site);
		on_acquire(p, gil);
	} else {
		gil = gil_of_take(p, p->arg - p->code->off_cond);
		if (!gil)
			return;
		hit(gil, p->site);
		on_wait(p, gil);
	}
}

static __always_inline int run_probe(struct pt_regs *ctx, bool libc)
{
	const __u64 ids = current_ids();
	struct probe p = {.ctx = ctx, .process = find_process(ids >> 32), .tid = (__u32)ids};
	struct moment moment;
	__u64 vaddr;

	if (!p.process)
		return 0;
	moment = this_moment(p.process);
	if (!moment.track)
		return 0;
	p.code = code_of(p.process);
	vaddr = PT_REGS_IP(ctx) - p.process->site_bias;
	p.site = site_at(p.code, vaddr);
	if (p.site->vaddr != vaddr)
		return 0;
	p.now = moment.now;
	p.emit = moment.emit;
	p.arg = PT_REGS_PARM1(ctx);
	if (libc)
		on_libc_entry(&p);
	else
		on_call_site(&p);
	return 0;
}

SEC("uprobe")
int gil_call_site(struct pt_regs *ctx)
{
	return run_probe(ctx, false);
}

SEC("uprobe")
int gil_libc_entry(struct pt_regs *ctx)
{
	return run_probe(ctx, true);
}

/* Each hit writes a record, as a release does where each hold is one. */
__u32 calibrate_records;

/*
 * The tool probes a call of its own with this one: what the programs above cost without a target,
 * and which PID namespace the tool lives in.
 */
SEC("uprobe")
int calibrate(struct pt_regs *ctx)
{
	struct process *process = find_process(current_ids() >> 32);
	struct ev_hold *ev;

	if (!own_pid_namespace)
		learn_own_namespace((const struct task_struct *)bpf_get_current_task());
	if (process || site_at(&codes[0], PT_REGS_IP(ctx))->vaddr == PT_REGS_IP(ctx) ||
	    !bpf_ktime_get_ns() || !calibrate_records)
		return 0;
	ev = bpf_ringbuf_reserve(&events, sizeof(*ev), 0);
	if (ev)
		bpf_ringbuf_discard(ev, BPF_RB_NO_WAKEUP);
	return 0;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
