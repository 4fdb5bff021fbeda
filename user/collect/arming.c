/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 gilscope contributors */
/* The time between the first hit and the start, in which those who wait already are met. */
#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "collect/collector_state.h"
#include "gil.skel.h"
#include "target/futex.h"
#include "target/process.h"

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
static size_t unknown_waiters(struct collector *c, const struct traced *t)
{
	const struct py_offsets *off = &t->target.off;
	struct look look = {.c = c, .known = requests_read(c)};

	qsort(c->tids, look.known, sizeof(*c->tids), compare_tids);
	for (size_t i = 0; i < t->gils.count; i++) {
		const uint64_t gil = c->skel->bss->gils[t->gils.items[i].slot].address;

		futex_each_sleeper(t->target.pid, gil + off->gil_cond, gil + off->gil_switch_cond,
				   count_unknown, &look);
	}
	return look.unknown;
}

/* Nobody else is there whom it could wait for; one that begins now meets the probes. */
static bool is_alone(const struct traced *t)
{
	struct process_status status;

	return !process_status(t->target.pid, &status) && status.threads == 1;
}

/* True: done; else when to look again. */
static bool look_again(struct collector *c, struct traced *t, uint64_t now)
{
	const size_t unknown = unknown_waiters(c, t);

	t->clear_looks = unknown ? 0 : t->clear_looks + 1;
	if (t->clear_looks >= CLEAR_LOOKS)
		return true;
	if (unknown && now >= t->armed_ns + LIMIT_NS) {
		log_warn(
			"%zu threads of process %d wait for the GIL since before the start and could not be seen yet: "
			"their waits come out too short",
			unknown, t->target.pid);
		return true;
	}
	t->next_look_ns = now + (unknown ? STEP_NS : STEP_NS / 10);
	return false;
}

static bool ask(struct collector *c, struct traced *t)
{
	const uint64_t now = clock_mono_ns();

	if (!t->next_look_ns) { /* the first time */
		const uint64_t usual = 2 * gils_longest_interval(t);

		if (t->from_birth || is_alone(t))
			return true;
		t->next_look_ns = t->armed_ns + (usual < LIMIT_NS ? usual : LIMIT_NS);
	}
	return now >= t->next_look_ns && look_again(c, t, now);
}

bool arming_is_done(struct collector *c, struct traced *t)
{
	t->ready = t->ready || ask(c, t);
	return t->ready;
}
