/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 gilscope contributors */
/* The capture from its start to its end: one loop for all processes. */
#define _GNU_SOURCE
#include <errno.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "collect/collector_state.h"
#include "collect/detaching.h"
#include "collect/overhead.h"
#include "collect/waiting.h"
#include "gil.skel.h"

/*
 * The programs wake the reader for what is new and whenever the ring buffer has taken a part of its
 * size; it looks by itself only for what it counts in the shared memory.
 */
#define LOOK_NS NSEC_PER_SEC

/* How soon a record is looked at again that was not complete: when its writer runs, it is. */
#define CUT_NS NSEC_PER_MSEC

static void drain(struct collector *c)
{
	c->cut = !ring_consume(c->ring);
}

/* Ends the streams of processes that have ended, after their last records. */
static int reap(struct collector *c)
{
	const size_t count = c->traced.count;
	int err = 0;

	for (size_t i = c->oldest; i < count; i++)
		if (traced_is_live(c->traced.items[i]))
			c->traced.items[i]->ending = traced_has_ended(c->traced.items[i]);
	drain(c);
	if (c->cut) /* among those that could not be read may be their last ones */
		return 0;
	for (size_t i = c->oldest; i < count && !err; i++) {
		struct traced *t = c->traced.items[i];

		if (!traced_is_live(t) || !t->ending)
			continue;
		if (t->shared->stop.reason > STOP_EXIT)
			err = traced_give_up(c, t);
		else
			traced_end(c, t);
	}
	return err;
}

/* When to look at a process again, without news. */
static uint64_t next_look(const struct traced *t)
{
	if (t->phase == TRACED_RUNNING)
		return t->attend_ns < t->naming.due_ns ? t->attend_ns : t->naming.due_ns;
	return t->phase == TRACED_ARMED && !t->ready ? t->next_look_ns : UINT64_MAX;
}

static uint64_t next_look_at_any(const struct collector *c)
{
	uint64_t next = UINT64_MAX;

	for (size_t i = c->oldest; i < c->traced.count; i++)
		if (next_look(c->traced.items[i]) < next)
			next = next_look(c->traced.items[i]);
	return next;
}

/*
 * Whether a process has to be looked at. There may be hundreds, so this is asked before they are
 * gone through: most wake-ups are for the ring buffer alone.
 */
static bool is_due(struct collector *c)
{
	const uint32_t news = __atomic_load_n(&c->skel->bss->news, __ATOMIC_SEQ_CST);
	const bool due = news != c->news || clock_mono_ns() >= c->due_ns;

	c->news = news;
	return due;
}

/* Sleeps until something happens, at most until `until_ns`; true if stop_fd is readable. */
static bool wait_for_events(struct collector *c, uint64_t until_ns)
{
	const uint64_t times[] = {pending_next_ns(c), c->due_ns, clock_mono_ns() + LOOK_NS};

	for (size_t i = 0; i < ARRAY_SIZE(times); i++)
		if (times[i] < until_ns)
			until_ns = times[i];
	return waiting_sleep(c, until_ns);
}

/* True if every process that is armed may start. */
static bool all_armed(struct collector *c)
{
	bool done = true;

	for (size_t i = c->oldest; i < c->traced.count; i++) {
		struct traced *t = c->traced.items[i];
		if (t->phase == TRACED_ARMED && !arming_is_done(c, t))
			done = false;
	}
	return done;
}

/* A process that began meanwhile joins the capture. */
static void start_new(struct collector *c)
{
	for (size_t i = c->oldest; i < c->traced.count; i++) {
		struct traced *t = c->traced.items[i];
		if (t->phase == TRACED_ARMED && arming_is_done(c, t) && traced_emit(c, t))
			traced_begin(c, t, clock_mono_ns());
	}
}

/* All at the same instant. */
static void start_all(struct collector *c)
{
	for (size_t i = c->oldest; i < c->traced.count; i++)
		if (c->traced.items[i]->phase == TRACED_ARMED)
			traced_emit(c, c->traced.items[i]);
	c->start_ns = clock_mono_ns();
	c->start_unix_ns = clock_unix_ns();
	for (size_t i = c->oldest; i < c->traced.count; i++) {
		struct traced *t = c->traced.items[i];
		if (t->phase == TRACED_ARMED && traced_state(t) == STATE_EMIT)
			traced_begin(c, t, c->start_ns);
	}
}

/* Somebody is there, or may come. */
static bool has_work(const struct collector *c)
{
	return collector_is_live(c) || pending_is_open(c);
}

static int nobody_left(void)
{
	return log_err(-ESRCH,
		       "nothing is left to capture: check what was to be profiled, and try again");
}

static bool has_captured(const struct collector *c)
{
	for (size_t i = 0; i < c->traced.count; i++)
		if (c->traced.items[i]->phase == TRACED_CLOSED)
			return true;
	return false;
}

int collector_start(struct collector *c)
{
	int err = 0;

	while (!all_armed(c)) {
		c->due_ns = next_look_at_any(c);
		if (wait_for_events(c, UINT64_MAX) && c->options.on_stop(c->options.ctx))
			return log_err(-EINTR, "interrupted before the capture began");
		err = reap(c);
		if (err)
			return err;
		pending_step(c);
		if (!has_work(c))
			return nobody_left();
	}
	if (!has_work(c))
		return nobody_left();
	start_all(c);
	wait_for_events(c, 0); /* to be told who is gone; an end that was asked for is told again */
	err = reap(c);
	if (err || (!has_work(c) && !has_captured(c)))
		return err ? err : nobody_left();
	c->started = true;
	if (c->options.on_start)
		c->options.on_start(c->options.ctx);
	return 0;
}

static uint64_t interval_end(const struct collector *c)
{
	if (!c->options.interval_ns)
		return UINT64_MAX;
	return c->start_ns + (c->interval + 1) * c->options.interval_ns;
}

/* One at a time: what ends the capture is looked at in between. */
static bool run_interval(struct collector *c)
{
	if (clock_mono_ns() < interval_end(c))
		return true;
	return c->options.on_interval(c->options.ctx, c->interval++);
}

/* Decides whether the capture is over, and when it was. */
static bool is_over(struct collector *c, uint64_t deadline, bool stop_requested)
{
	if (!has_work(c))
		return true; /* the last end is the capture's */
	if (!stop_requested && clock_mono_ns() < deadline)
		return false;
	for (size_t i = c->oldest; i < c->traced.count; i++)
		if (traced_is_live(c->traced.items[i]))
			thread_holds_end(c->traced.items[i]);
	/* Not the deadline: how long was observed is what it was, also if we were late. */
	c->end_ns = clock_mono_ns();
	c->end = stop_requested ? END_SIGNAL : END_DURATION;
	return true;
}

static void attend(struct collector *c)
{
	for (size_t i = c->oldest; i < c->traced.count; i++) {
		struct traced *t = c->traced.items[i];

		if (t->phase != TRACED_RUNNING)
			continue;
		t->attend_ns = gils_attend(c, t);
		naming_attend(c, t);
	}
}

static void tell_names(struct collector *c)
{
	for (size_t i = c->oldest; i < c->traced.count; i++)
		if (c->traced.items[i]->phase == TRACED_RUNNING)
			naming_tell(c, c->traced.items[i]);
}

/* All that is to be done now. */
static int work(struct collector *c)
{
	int err = 0;

	/* Before the news are looked at: their records wake us, and are none. */
	drain(c);
	const bool due = is_due(c);
	if (due) {
		attend(c);
		err = reap(c);
		tell_names(c);
	}
	if (err)
		return err;
	overhead_check(c);
	pending_step(c);
	/* A process may have come, or a GIL been met, just now. */
	if (due || !c->due_ns) {
		start_new(c);
		c->due_ns = min_ns(next_look_at_any(c), clock_mono_ns() + LOOK_NS);
	}
	if (c->cut)
		c->due_ns = min_ns(c->due_ns, clock_mono_ns() + CUT_NS);
	return 0;
}

static int follow(struct collector *c)
{
	const uint64_t deadline =
		c->options.duration_ns ? c->start_ns + c->options.duration_ns : UINT64_MAX;
	bool stop = false;

	while (!is_over(c, deadline, stop)) {
		const uint64_t until = min_ns(interval_end(c), deadline);

		stop = wait_for_events(c, until) && c->options.on_stop(c->options.ctx);
		int err = work(c);
		if (err)
			return err;
		stop |= !run_interval(c);
	}
	return 0;
}

int collector_follow(struct collector *c)
{
	const int err = follow(c);

	for (size_t i = c->oldest; i < c->traced.count; i++)
		if (traced_is_live(c->traced.items[i]))
			traced_stop_programs(c->traced.items[i]);
	for (size_t i = c->oldest; i < c->traced.count && !err; i++) {
		struct traced *t = c->traced.items[i];

		if (t->phase == TRACED_RUNNING && traced_is_over(t))
			traced_finish(c, t, traced_own_end(t), t->shared->stop.at_ns);
		else if (t->phase == TRACED_RUNNING)
			traced_finish(c, t, c->end, c->end_ns);
		else if (t->phase == TRACED_ARMED)
			traced_drop(c, t, c->end_ns);
	}
	if (!err)
		pending_end(c);
	for (size_t i = 0; i < c->traced.count; i++)
		attachment_move(&c->traced.items[i]->attached, &c->attached);
	attachment_detach(&c->attached);
	detaching_wait(&c->detaching);
	return err;
}

void collector_finish(struct collector *c)
{
	drain(c);
	const size_t requests = requests_read(c);
	for (size_t i = 0; i < c->traced.count; i++)
		if (c->traced.items[i]->phase == TRACED_STOPPED)
			traced_close(c, c->traced.items[i], requests);
	record_losses(c);
}
