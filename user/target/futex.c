/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 gilscope contributors */
#define _GNU_SOURCE
#include "target/futex.h"

#include <inttypes.h>
#include <stdio.h>
#include <sys/syscall.h>

#include "target/process.h"

struct search {
	pid_t pid;
	uint64_t lo, hi;
	void (*each)(void *ctx, pid_t tid);
	void *ctx;
};

/*
 * /proc/PID/task/TID/syscall: the number, then the arguments; "running" for a thread that is not in
 * a call.
 */
static void look_at(void *ctx, pid_t tid, const char *comm)
{
	const struct search *search = ctx;
	char path[64];
	uint64_t address = 0;
	long number = -1;

	(void)comm;
	snprintf(path, sizeof(path), "/proc/%d/task/%d/syscall", search->pid, tid);
	FILE *f = fopen(path, "re");
	if (!f)
		return;
	const int fields = fscanf(f, "%ld %" SCNx64, &number, &address);
	fclose(f);
	if (fields == 2 && number == SYS_futex && address >= search->lo && address < search->hi)
		search->each(search->ctx, tid);
}

void futex_each_sleeper(pid_t pid, uint64_t lo, uint64_t hi, void (*each)(void *ctx, pid_t tid),
			void *ctx)
{
	struct search search = {.pid = pid, .lo = lo, .hi = hi, .each = each, .ctx = ctx};

	process_each_thread(pid, look_at, &search);
}
