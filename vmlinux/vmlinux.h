/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 gilscope contributors */
/* The kernel types that the BPF programs use, and no others. See README.md beside this file. */
#ifndef __VMLINUX_H__
#define __VMLINUX_H__

#include <linux/types.h>
#include <linux/bpf.h>
#include <stdbool.h>

#if defined(__TARGET_ARCH_x86)
#include "pt_regs_x86.h"
#elif defined(__TARGET_ARCH_arm64)
#include "pt_regs_arm64.h"
#else
#error "no pt_regs for this architecture"
#endif

/* Internal to the kernel: read through CO-RE, so only names and types count here, not the order. */
#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

struct pid_namespace;
struct mm_struct;

struct upid {
	int nr;
	struct pid_namespace *ns;
};

struct pid {
	unsigned int level;
	struct upid numbers[1]; /* level + 1 of them */
};

typedef struct {
	int counter;
} atomic_t;

struct signal_struct {
	atomic_t live;
};

struct task_struct {
	int pid;
	int tgid;
	char comm[16];
	struct mm_struct *mm;
	struct pid *thread_pid;
	struct task_struct *group_leader;
	struct signal_struct *signal;
};

#pragma clang attribute pop

#endif
