/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 gilscope contributors */
/* The time between the first hit and the start, in which those who wait already are met. */
#include <errno.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "collect/collector_state.h"
#include "gil.skel.h"
#include "target/futex.h"

/* A waiter passes its probe once a switch interval, or later where many share the CPUs. */
#define STEP_NS (10 * NSEC_PER_MSEC)
#define LIMIT_NS (5 * NSEC_PER_SEC)
/*
 * Threads that sleep there for a moment only, to lock the GIL's mutex, are not told from waiters by
 * one look.
 */
#define CLEAR_LOOKS 2

struct look {
	const struct collector *c;
	size_t known; /* in c->tids, sorted */
	size_t unknown;
};

static int compare_tids(const void *a, const void *b)
{
	const uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return x < y ? -1 : x > y;
}

static void count_unknown(void *ctx, pid_t tid)
{
	struct look *look = ctx;
	const uint32_t key = (uint32_t)tid;

	if (!bsearch(&key, look->c->tids, look->known, sizeof(key), compare_tids))
		look->unknown++;
}

/* Threads that sleep for a GIL and that no probe has seen begin to wait. */
static size_t unknown_waiters(struct collector *c)
{
	const struct py_offsets *off = &c->target->off;
	struct look look = {.c = c, .known = requests_read(c)};

	qsort(c->tids, look.known, sizeof(*c->tids), compare_tids);
	for (size_t i = 0; i < STATE_MAX_GILS && c->skel->bss->gils[i].address; i++) {
		const uint64_t gil = c->skel->bss->gils[i].address;

		futex_each_sleeper(c->target->pid, gil + off->gil_cond, gil + off->gil_switch_cond,
				   count_unknown, &look);
	}
	return look.unknown;
}

/* Sleeps, and sees whether there is still something to wait for. */
static int pause_until(struct collector *c, uint64_t until)
{
	bool stop = false;

	while (!stop && clock_mono_ns() < until && !target_ended(c))
		stop = wait_for_events(c, until) && c->options.on_stop(c->options.ctx);
	if (target_ended(c))
		return -ESRCH;
	return stop ? -EINTR : 0;
}

int await_waiters(struct collector *c)
{
	const uint64_t begin = clock_mono_ns(), limit = begin + LIMIT_NS;
	const uint64_t usual = begin + 2 * gils_longest_interval(c);
	size_t unknown;

	int err = pause_until(c, usual < limit ? usual : limit);
	for (int clear = 0; !err && clear < CLEAR_LOOKS;) {
		unknown = unknown_waiters(c);
		clear = unknown ? 0 : clear + 1;
		const uint64_t now = clock_mono_ns();
		if (unknown && now >= limit) {
			log_warn(
				"%zu threads wait for the GIL since before the start and could not be seen yet: their "
				"waits come out too short",
				unknown);
			return 0;
		}
		if (clear < CLEAR_LOOKS)
			err = pause_until(c, now + (unknown ? STEP_NS : STEP_NS / 10));
	}
	return err;
}
