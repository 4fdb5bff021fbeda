/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 gilscope contributors */
/* The capture from its start to its end: one loop for all processes. */
#define _GNU_SOURCE
#include <errno.h>
#include <poll.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "collect/collector_state.h"
#include "collect/detaching.h"

/* How often the ring buffer is emptied when it fills slowly; more often until the first GIL of each
 * process is known, since a command may be short. */
#define POLL_NS (50 * NSEC_PER_MSEC)
#define FIRST_POLL_NS (2 * NSEC_PER_MSEC)
#define NEW_NS NSEC_PER_SEC

static void drain(struct collector *c)
{
	ring_consume(c->ring);
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

static uint64_t next_look(const struct collector *c)
{
	uint64_t next = pending_next_ns(c);

	for (size_t i = c->oldest; i < c->traced.count; i++) {
		const struct traced *t = c->traced.items[i];
		if (t->phase == TRACED_ARMED && !t->ready && t->next_look_ns < next)
			next = t->next_look_ns;
	}
	return next;
}

/* True until each GIL that runs is in the stream. */
static bool is_new(const struct traced *t)
{
	if (t->phase != TRACED_RUNNING || clock_mono_ns() > t->start_ns + NEW_NS)
		return false;
	for (size_t i = 0; i < t->gils.count; i++)
		if (!t->gils.items[i].informed)
			return true;
	return !t->gils.count;
}

/* Sleeps until something happens, at most until `until_ns`; true if stop_fd is readable. */
static bool wait_for_events(struct collector *c, uint64_t until_ns)
{
	const size_t live = c->traced.count - c->oldest;
	struct pollfd *fds = xcalloc(2 + live, sizeof(*fds));
	uint64_t longest = POLL_NS;
	nfds_t count = 0;

	fds[count++] = (struct pollfd){.fd = c->options.stop_fd, .events = POLLIN};
	fds[count++] = (struct pollfd){.fd = ring_fd(c->ring), .events = POLLIN};
	for (size_t i = c->oldest; i < c->traced.count; i++) {
		const struct traced *t = c->traced.items[i];

		if (traced_is_live(t))
			fds[count++] = (struct pollfd){.fd = t->pid_fd, .events = POLLIN};
		if (is_new(t))
			longest = FIRST_POLL_NS;
	}
	const uint64_t now = clock_mono_ns();
	uint64_t sleep = until_ns > now ? until_ns - now : 0;
	if (sleep > longest)
		sleep = longest;
	const struct timespec timeout = {.tv_nsec = (long)sleep};
	const bool stop = ppoll(fds, count, &timeout, NULL) > 0 && fds[0].revents;
	free(fds);
	return stop;
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
	return collector_live(c) || pending_is_open(c);
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
		if (wait_for_events(c, next_look(c)) && c->options.on_stop(c->options.ctx))
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

static void announce_new(struct collector *c)
{
	for (size_t i = c->oldest; i < c->traced.count; i++) {
		struct traced *t = c->traced.items[i];

		if (t->phase != TRACED_RUNNING)
			continue;
		gils_discover(t);
		gils_learn(c, t);
		gils_announce(c, t);
	}
}

static int follow(struct collector *c)
{
	const uint64_t deadline =
		c->options.duration_ns ? c->start_ns + c->options.duration_ns : UINT64_MAX;
	bool stop = false;

	while (!is_over(c, deadline, stop)) {
		uint64_t until = next_look(c);

		if (interval_end(c) < until)
			until = interval_end(c);
		if (deadline < until)
			until = deadline;
		stop = wait_for_events(c, until) && c->options.on_stop(c->options.ctx);
		announce_new(c);
		int err = reap(c);
		if (err)
			return err;
		pending_step(c);
		start_new(c);
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
