// SPDX-License-Identifier: BSD-2-Clause
/* Copyright (c) 2026 gilscope contributors */
/*
 * Preloaded into gilscope: it stops itself (SIGSTOP) each time that it has made a link or a perf
 * event, so that a test can look at what they did to others.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <linux/bpf.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <sys/syscall.h>

enum { ARGUMENTS = 6 };

long syscall(long number, ...)
{
	long args[ARGUMENTS];
	va_list list;

	va_start(list, number);
	for (int i = 0; i < ARGUMENTS; i++)
		args[i] = va_arg(list, long);
	va_end(list);
	long (*libc)(long, ...) = (long (*)(long, ...))dlsym(RTLD_NEXT, "syscall");
	long result = libc(number, args[0], args[1], args[2], args[3], args[4], args[5]);
	bool probes =
		number == SYS_perf_event_open || (number == SYS_bpf && args[0] == BPF_LINK_CREATE);
	if (probes && result >= 0)
		raise(SIGSTOP);
	return result;
}
