/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 gilscope contributors */
#ifndef GILSCOPE_FUTEX_H
#define GILSCOPE_FUTEX_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/*
 * Calls `each` for every thread of the process that sleeps now in a futex call on an address from
 * `lo` to `hi` (exclusive). Threads that run are not told. Costs some 20 us a thread. Needs the
 * right to trace the process, else there are none.
 */
void futex_each_sleeper(pid_t pid, uint64_t lo, uint64_t hi, void (*each)(void *ctx, pid_t tid),
			void *ctx);

#endif
