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

struct task_struct {
	int pid;
	int tgid;
	char comm[16];
};

#pragma clang attribute pop

#endif
