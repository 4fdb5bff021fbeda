/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Copyright (c) 2026 gilscope contributors */
/*
 * Process and thread ids as gilscope itself sees them. The kernel's helper gives those of the initial
 * PID namespace; from inside a container every id that the user or /proc names is another one.
 */
#ifndef GILSCOPE_IDS_BPF_H
#define GILSCOPE_IDS_BPF_H

#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>

/* The namespace of gilscope: how deep it is nested, and its address in the kernel. 0: the initial
 * one. */
__u32 own_pid_level;
__u64 own_pid_namespace;

static __always_inline const struct upid *number_at(const struct pid *pid, __u32 level)
{
	return (const void *)pid + bpf_core_field_offset(pid->numbers) +
	       level * bpf_core_type_size(struct upid);
}

/* The id in our namespace; 0: it has none there, it belongs to another container or the host. */
static __always_inline __u32 own_number(const struct pid *pid)
{
	const struct upid *number = number_at(pid, own_pid_level);

	if (BPF_CORE_READ(pid, level) < own_pid_level ||
	    (__u64)BPF_CORE_READ(number, ns) != own_pid_namespace)
		return 0;
	return (__u32)BPF_CORE_READ(number, nr);
}

/* tgid << 32 | tid of a task; 0: it is not visible from our namespace. */
static __always_inline __u64 task_ids(const struct task_struct *task)
{
	__u64 tgid, tid;

	if (!own_pid_level)
		return (__u64)BPF_CORE_READ(task, tgid) << 32 | (__u32)BPF_CORE_READ(task, pid);
	tgid = own_number(BPF_CORE_READ(task, group_leader, thread_pid));
	tid = own_number(BPF_CORE_READ(task, thread_pid));
	return tgid && tid ? tgid << 32 | tid : 0;
}

static __always_inline __u64 current_ids(void)
{
	if (!own_pid_level)
		return bpf_get_current_pid_tgid();
	return task_ids((const struct task_struct *)bpf_get_current_task());
}

/* Learns our namespace from a task of ours. */
static __always_inline void learn_own_namespace(const struct task_struct *own)
{
	const struct pid *pid = BPF_CORE_READ(own, thread_pid);
	__u32 level = BPF_CORE_READ(pid, level);
	const struct upid *number = number_at(pid, level);

	own_pid_namespace = (__u64)BPF_CORE_READ(number, ns);
	own_pid_level = level;
}

#endif
