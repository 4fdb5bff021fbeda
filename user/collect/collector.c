/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 gilscope contributors */
#define _GNU_SOURCE
#include "collect/collector.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "collect/collector_state.h"
#include "gil.skel.h"

/* How often the ring buffer is emptied when it fills slowly; more often until the first GIL is
 * known, since a command may be short. */
#define POLL_NS (50 * NSEC_PER_MSEC)
#define FIRST_POLL_NS (2 * NSEC_PER_MSEC)
/* Waiters pass their probe once a switch interval; a longer interval than this is not waited for.
 */
#define MAX_ARMING_NS (2 * NSEC_PER_SEC)

static void set_state(struct collector *c, enum capture_state state)
{
	__atomic_store_n(&c->skel->bss->capture_state, (uint32_t)state, __ATOMIC_SEQ_CST);
}

static int on_ring_record(void *ctx, void *data, size_t size)
{
	struct collector *c = ctx;
	const struct ev_head *ev = data;

	if (size < sizeof(*ev))
		return 0;
	switch (ev->kind) {
	case EV_HOLD:
		if (((const struct ev_hold *)data)->gil >= c->announced)
			gils_announce(c);
		break;
	case EV_THREAD_EXIT:
		c->last_exit_ns = ((const struct ev_thread *)data)->at_ns;
		break;
	case EV_EXEC:
		c->end = END_EXEC;
		c->end_ns = ((const struct ev_thread *)data)->at_ns;
		break;
	case EV_VIOLATION:
		c->violated = true;
		memcpy(&c->violation, data, sizeof(c->violation));
		return 0;
	}
	c->options.on_record(c->options.ctx, data, size);
	return 0;
}

static void drain(struct collector *c)
{
	ring_buffer__consume(c->ring);
}

int collector_new(const struct target *target, struct gil_bpf *skel,
		  const struct collector_options *options, struct collector **out)
{
	struct collector *c = xcalloc(1, sizeof(*c));

	*out = c;
	c->target = target;
	c->skel = skel;
	c->options = *options;
	c->pid_fd = (int)syscall(SYS_pidfd_open, target->pid, 0);
	if (c->pid_fd < 0)
		return log_err(-errno, "cannot watch process %d: %s", target->pid, strerror(errno));
	c->ring = ring_buffer__new(bpf_map__fd(skel->maps.events), on_ring_record, c, NULL);
	if (!c->ring)
		return log_err(-errno, "cannot map the ring buffer: %s", strerror(errno));
	return 0;
}

void collector_free(struct collector *c)
{
	if (!c)
		return;
	ring_buffer__free(c->ring);
	if (c->pid_fd >= 0)
		close(c->pid_fd);
	free(c);
}

static bool target_ended(const struct collector *c)
{
	struct pollfd fd = {.fd = c->pid_fd, .events = POLLIN};

	return poll(&fd, 1, 0) > 0;
}

/* Sleeps until something happens, at most until `until_ns`; true if stop_fd is readable. */
static bool wait_for_events(struct collector *c, uint64_t until_ns)
{
	struct pollfd fds[] = {
		{.fd = ring_buffer__epoll_fd(c->ring), .events = POLLIN},
		{.fd = c->pid_fd, .events = POLLIN},
		{.fd = c->options.stop_fd, .events = POLLIN},
	};
	const uint64_t longest = c->informed ? POLL_NS : FIRST_POLL_NS;
	const uint64_t now = clock_mono_ns();
	uint64_t sleep = until_ns > now ? until_ns - now : 0;

	if (sleep > longest)
		sleep = longest;
	const struct timespec timeout = {.tv_nsec = (long)sleep};
	if (ppoll(fds, ARRAY_SIZE(fds), &timeout, NULL) <= 0)
		return false;
	return fds[2].revents != 0;
}

/* Tracks without emitting until every waiter must have passed its probe once. */
static int arm(struct collector *c)
{
	int err = c->options.from_birth ? 0 : gils_prepare(c);

	if (err)
		return err;
	set_state(c, STATE_ARMED);
	if (c->options.from_birth)
		return 0;

	uint64_t arming = 2 * gils_longest_interval(c);
	if (arming > MAX_ARMING_NS) {
		log_warn(
			"the switch interval is %.1f s: waits that began before the capture may be seen late",
			(double)arming / 2e9);
		arming = MAX_ARMING_NS;
	}
	const uint64_t until = clock_mono_ns() + arming;
	while (clock_mono_ns() < until && !target_ended(c))
		wait_for_events(c, until);
	return 0;
}

static void start(struct collector *c)
{
	gils_read_at_start(c);
	drain(c); /* calibration leaves discarded records */
	set_state(c, STATE_EMIT);
	c->start_ns = clock_mono_ns();
	c->start_unix_ns = clock_unix_ns();
	record_mark(c, EV_CAPTURE_START, c->start_ns, END_NONE);
	gils_announce(c);
	record_threads(c);
	if (c->options.on_start)
		c->options.on_start(c->options.ctx);
}

static int explain_violation(const struct collector *c)
{
	static const char *const what[] = {
		[VIOLATION_LOCKED] = "the GIL is not locked as it must be there",
		[VIOLATION_LAST_HOLDER] = "the GIL has no holder there",
		[VIOLATION_FAULT] = "its argument points to no GIL",
	};
	const uint32_t kind = c->violation.what;

	return log_err(
		-EPROTO,
		"probe %u (of CPython %s, build-id %s) is not what the analysis took it for: %s (argument 0x%llx, read %llu); "
		"detached; please report it, and try --probes libc",
		c->violation.site, c->target->version.text,
		elf_image_build_id(c->target->python.image),
		kind < ARRAY_SIZE(what) && what[kind] ? what[kind] : "unknown",
		(unsigned long long)c->violation.arg, (unsigned long long)c->violation.got);
}

static uint64_t interval_end(const struct collector *c)
{
	if (!c->options.interval_ns)
		return UINT64_MAX;
	return c->start_ns + (c->interval + 1) * c->options.interval_ns;
}

static void run_intervals(struct collector *c)
{
	while (clock_mono_ns() >= interval_end(c))
		c->options.on_interval(c->options.ctx, c->interval++);
}

/* Decides whether the capture is over, and when it was. */
static bool is_over(struct collector *c, uint64_t deadline, bool stop_requested)
{
	if (c->end == END_EXEC)
		return true;
	if (target_ended(c)) {
		drain(c);
		c->end = END_TARGET_EXIT;
		c->end_ns = c->last_exit_ns ? c->last_exit_ns : clock_mono_ns();
		return true;
	}
	if (stop_requested && c->options.on_stop(c->options.ctx)) {
		c->end = END_SIGNAL;
		c->end_ns = clock_mono_ns();
		return true;
	}
	if (clock_mono_ns() >= deadline) {
		c->end = END_DURATION;
		/* Not the deadline: how long was observed is what it was, also if we were late. */
		c->end_ns = clock_mono_ns();
		return true;
	}
	return false;
}

static int follow(struct collector *c)
{
	const uint64_t deadline =
		c->options.duration_ns ? c->start_ns + c->options.duration_ns : UINT64_MAX;

	for (;;) {
		const uint64_t next = interval_end(c) < deadline ? interval_end(c) : deadline;
		bool stop = wait_for_events(c, next);

		gils_announce(c);
		drain(c);
		if (c->violated)
			return explain_violation(c);
		run_intervals(c);
		if (is_over(c, deadline, stop))
			return 0;
	}
}

int collector_start(struct collector *c)
{
	int err = arm(c);

	if (!err)
		start(c);
	return err;
}

int collector_follow(struct collector *c)
{
	int err = follow(c);

	set_state(c, STATE_STOPPED);
	if (err)
		return err;
	if (c->end != END_TARGET_EXIT && c->end != END_EXEC) {
		/* Names and switch intervals may have changed since the start. */
		gils_announce_again(c);
		record_threads(c);
	}
	record_mark(c, EV_CAPTURE_STOP, c->end_ns, c->end);
	return 0;
}

void collector_finish(struct collector *c)
{
	drain(c);
	gils_close(c);
	record_losses(c);
	record_mark(c, EV_CAPTURE_END, c->end_ns, c->end);
}

uint64_t collector_start_ns(const struct collector *c)
{
	return c->start_ns;
}

uint64_t collector_start_unix_ns(const struct collector *c)
{
	return c->start_unix_ns;
}

uint64_t collector_hits(const struct collector *c, size_t index)
{
	uint64_t hits = 0;

	for (size_t i = 0; i < STATE_MAX_GILS && c->skel->bss->gils[i].address; i++)
		hits += c->skel->bss->gils[i].hits[index];
	return hits;
}

uint64_t collector_foreign_hits(const struct collector *c, size_t index)
{
	return c->skel->bss->foreign_hits[index];
}
