// SPDX-License-Identifier: BSD-2-Clause
/* Copyright (c) 2026 gilscope contributors */
/*
 * Preloaded into gilscope: a kernel without uprobe_multi links, which answers EINVAL to the type of
 * link that it does not know. All other system calls are passed on.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <linux/bpf.h>
#include <stdarg.h>
#include <stdint.h>
#include <sys/syscall.h>

#define UPROBE_MULTI 48 /* enum bpf_attach_type from Linux 6.6 on */

enum { ARGUMENTS = 6 };

long syscall(long number, ...)
{
	long args[ARGUMENTS];
	va_list list;

	va_start(list, number);
	for (int i = 0; i < ARGUMENTS; i++)
		args[i] = va_arg(list, long);
	va_end(list);
	const uint32_t *link = (const uint32_t *)args[1]; /* program, target, type */
	if (number == SYS_bpf && args[0] == BPF_LINK_CREATE && link[2] == UPROBE_MULTI) {
		errno = EINVAL;
		return -1;
	}
	long (*libc)(long, ...) = (long (*)(long, ...))dlsym(RTLD_NEXT, "syscall");
	return libc(number, args[0], args[1], args[2], args[3], args[4], args[5]);
}
