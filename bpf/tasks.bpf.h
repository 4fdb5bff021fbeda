/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Copyright (c) 2026 gilscope contributors */
/*
 * The beginnings and ends of threads and processes: what is open is closed by them, and the
 * processes to follow are found by them.
 */
#ifndef GILSCOPE_TASKS_BPF_H
#define GILSCOPE_TASKS_BPF_H

#include "aggregate.bpf.h"
#include "emit.bpf.h"

/* Closes the hold of one GIL, if it is the thread's (`tid` 0: anybody's). Global for the same reason
 * as take_place. */
__noinline int close_hold(__u32 index, __u32 tid, __u64 now, bool emit)
{
	struct gil_slot *gil = gil_at(index);

	if (!gil->holder || (tid && gil->holder != tid))
		return 0;
	if (emit)
		emit_hold(gil, index, gil->holder, gil->acquire_ns, now,
			  gil->hold_flags | HOLD_EXITED);
	gil->holder = 0;
	gil->events++;
	return 0;
}

__noinline int close_all_holds(__u32 process_slot, __u32 tid, __u64 now, bool emit)
{
	const struct process *process = &processes[process_slot & (STATE_MAX_PROCESSES - 1)];

	for (__u32 i = 0; i < STATE_PROCESS_GILS; i++)
		if (process->gils[i])
			close_hold(process->gils[i] - 1, tid, now, emit);
	return 0;
}

/* Closes the holds that end with their thread (`tid`), or all of the process (`tid` 0). */
static __always_inline void close_holds(const struct process *process, __u32 tid,
					const struct moment *moment)
{
	if (process->gils[1])
		close_all_holds(process->slot, tid, moment->now, moment->emit);
	else if (process->gils[0])
		close_hold(process->gils[0] - 1, tid, moment->now, moment->emit);
}

/* An exiting thread takes its wait with it: up to 3.13, threads may end inside take_gil. */
static __always_inline void drop_request(const struct process *process, __u32 tid,
					 const struct moment *moment)
{
	struct request *request = bpf_map_lookup_elem(&requests, &tid);

	if (!request)
		return;
	if (request->request_ns && request->request_ns <= gil_at(request->slot)->off_ns) {
		end_at_turn_off(process->id, tid, request, moment->emit);
	} else if (request->request_ns) {
		if (moment->emit)
			emit_wait_end(process->id, request->slot, tid, request->request_ns,
				      moment->now, gil_at(request->slot)->waiters);
		/* Before it is counted down: who then sees nobody wait sees this too. */
		gil_at(request->slot)->left = 1;
		__sync_fetch_and_add(&gil_at(request->slot)->waiters, -1);
	}
	bpf_map_delete_elem(&requests, &tid);
}

static __always_inline bool is_followed(__u32 tgid)
{
	return bpf_map_lookup_elem(&followed, &tgid) != NULL;
}

static __always_inline void end_thread(const struct process *process, __u32 tid)
{
	struct moment moment = this_moment(process);

	if (!moment.track)
		return;
	drop_request(process, tid, &moment);
	close_holds(process, tid, &moment);
	tell_thread_holds(process->id, tid);
	if (moment.emit)
		emit_thread(EV_THREAD_EXIT, process->id, tid, moment.now, NULL);
}

/* do_exit() in kernel/exit.c counts signal->live down before it tells of the exit. */
static __always_inline bool is_last_thread(const struct task_struct *task)
{
	return BPF_CORE_READ(task, signal, live.counter) == 0;
}

SEC("raw_tp/sched_process_exit")
int task_exit(void *ctx __attribute__((unused)))
{
	const struct task_struct *task = (const struct task_struct *)bpf_get_current_task();
	const __u64 ids = current_ids();
	const __u32 tgid = ids >> 32;
	struct process *process = find_process(tgid);
	const bool member = is_followed(tgid);
	__u64 now;

	if (process)
		end_thread(process, (__u32)ids);
	if ((!process && !member && !(watch_all && tgid)) || !is_last_thread(task))
		return 0;
	now = bpf_ktime_get_ns();
	emit_process(EV_PROCESS_EXIT, process ? process->id : 0, tgid, 0, member, now);
	if (process)
		stop(process, STOP_EXIT, now);
	if (member)
		bpf_map_delete_elem(&followed, &tgid);
	return 0;
}

static __always_inline void start_thread(struct task_struct *child, __u32 tgid, __u32 tid)
{
	const struct process *process = find_process(tgid);
	struct moment moment;

	if (!process)
		return;
	moment = this_moment(process);
	if (moment.emit)
		emit_thread(EV_THREAD_START, process->id, tid, moment.now, child);
}

/*
 * A child that shares its parent's memory (vfork, posix_spawn) runs none of the interpreter's code
 * before its exec, which is told.
 */
static __always_inline void start_process(const struct task_struct *parent,
					  const struct task_struct *child, __u32 ppid, __u32 pid)
{
	const bool member = is_followed(ppid);
	const __u32 one = 1;

	if (!member && !watch_all)
		return;
	if (member && bpf_map_update_elem(&followed, &pid, &one, BPF_ANY))
		count_loss(LOSS_process_slots_full);
	if (BPF_CORE_READ(parent, mm) != BPF_CORE_READ(child, mm))
		emit_process(EV_PROCESS_FORK, 0, pid, ppid, member, bpf_ktime_get_ns());
}

/* TP_PROTO(struct task_struct *parent, struct task_struct *child) */
SEC("raw_tp/sched_process_fork")
int task_start(struct bpf_raw_tracepoint_args *ctx)
{
	const struct task_struct *parent = (const struct task_struct *)ctx->args[0];
	struct task_struct *child = (struct task_struct *)ctx->args[1];
	const __u32 ppid = task_ids(parent) >> 32;
	const __u64 ids = task_ids(child);

	if (!ids)
		return 0;
	if (ids >> 32 == ppid)
		start_thread(child, ppid, (__u32)ids);
	else
		start_process(parent, child, ppid, ids >> 32);
	return 0;
}

/* Whatever the state is: what was attached to is gone. */
SEC("raw_tp/sched_process_exec")
int process_exec(void *ctx __attribute__((unused)))
{
	const __u32 tgid = current_ids() >> 32;
	struct process *process = find_process(tgid);
	const bool member = is_followed(tgid);
	struct moment moment;

	if (process && process->state != STATE_STOPPED) {
		moment = this_moment(process);
		if (moment.track)
			close_holds(process, 0, &moment);
		emit_process(EV_PROCESS_EXEC, process->id, tgid, 0, member, moment.now);
		stop(process, STOP_EXEC, moment.now);
	} else if (member || (watch_all && tgid)) {
		emit_process(EV_PROCESS_EXEC, 0, tgid, 0, member, bpf_ktime_get_ns());
	}
	return 0;
}

#endif
