// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* Copyright (c) 2026 gilscope contributors */
/* The walk by itself, at a uprobe: does the verifier take it, and what does it find? */
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>

#include "pystack.bpf.h"
#include "walk.h"

struct walk_shared shared;

__noinline int walk_thread(__u64 tstate)
{
	py_walk_stack(&shared.layout, tstate, &shared.walk);
	return shared.walk.stack.count;
}

SEC("uprobe")
int walk(void *ctx __attribute__((unused)))
{
	__u64 start;

	if ((__u32)bpf_get_current_pid_tgid() != shared.hit_by)
		return 0;
	start = bpf_ktime_get_ns();
	walk_thread(shared.tstate);
	shared.ns += bpf_ktime_get_ns() - start;
	shared.hits++;
	return 0;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
