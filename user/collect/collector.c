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
static enum capture_state read_state(const struct collector *c)
{
	return (enum capture_state)__atomic_load_n(&c->skel->bss->capture_state, __ATOMIC_SEQ_CST);
}

/* The programs stop by themselves on an exec or a wrong site, and that must never be undone. */
static bool advance(struct collector *c, enum capture_state from, enum capture_state to)
{
	uint32_t expected = from;

	return __atomic_compare_exchange_n(&c->skel->bss->capture_state, &expected, (uint32_t)to,
					   false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
}

static void stop_programs(struct collector *c)
{
	__atomic_store_n(&c->skel->bss->capture_state, (uint32_t)STATE_STOPPED, __ATOMIC_SEQ_CST);
}

static int on_ring_record(void *ctx, void *data, size_t size)
{
	struct collector *c = ctx;
	const struct ev_head *ev = data;

	if (size < sizeof(*ev))
		return 0;
	if (ev->kind == EV_HOLD && ((const struct ev_hold *)data)->gil >= c->announced)
		gils_announce(c);
	else if (ev->kind == EV_THREAD_EXIT)
		c->last_exit_ns = ((const struct ev_thread *)data)->at_ns;
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
	free(c->tids);
	free(c->requests);
	free(c);
}

bool target_ended(const struct collector *c)
{
	struct pollfd fd = {.fd = c->pid_fd, .events = POLLIN};

	return poll(&fd, 1, 0) > 0;
}

bool wait_for_events(struct collector *c, uint64_t until_ns)
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

/* Why the programs stopped by themselves, if it was not the end of a capture. */
static int explain_stop(const struct collector *c)
{
	static const char *const what[] = {
		[STOP_LOCKED] = "the GIL is not locked as it must be there",
		[STOP_LAST_HOLDER] = "the GIL has no holder there",
		[STOP_FAULT] = "its argument points to no GIL",
	};
	const struct stop_notice *notice = &c->skel->bss->stop_notice;

	/* An exec takes the memory away before it is told. */
	if (notice->reason == STOP_EXEC || notice->reason == STOP_NONE)
		return log_err(
			-ESRCH,
			"process %d executed another program while it was attached to: try again",
			c->target->pid);
	return log_err(
		-EPROTO,
		"probe %u (of CPython %s, build-id %s) is not what the analysis took it for: %s (argument "
		"0x%llx, read %llu); "
		"detached; please report it, and try --probes libc",
		notice->site, c->target->version.text, elf_image_build_id(c->target->python.image),
		what[notice->reason], (unsigned long long)notice->arg,
		(unsigned long long)notice->got);
}

/*
 * The memory of a process is gone a moment before its end or its exec can be seen: waits for
 * either. True: it has ended.
 */
static bool has_ended_for_good(const struct collector *c)
{
	struct pollfd fd = {.fd = c->pid_fd, .events = POLLIN};

	for (int i = 0; i < 1000 && read_state(c) != STATE_STOPPED; i++)
		if (poll(&fd, 1, 1) > 0)
			return true;
	return target_ended(c);
}

/* Tracks without emitting until what goes on at the GILs is known. */
static int arm(struct collector *c)
{
	drain(c); /* calibration leaves discarded records, which would keep the ring buffer readable */
	int err = c->options.from_birth ? 0 : gils_prepare(c);
	if (!err && !advance(c, STATE_OFF, STATE_ARMED))
		return explain_stop(c);
	if (!err && !c->options.from_birth)
		err = await_waiters(c);
	if (err == -ESRCH && has_ended_for_good(c))
		return log_err(err, "process %d ended before the capture began", c->target->pid);
	if (err == -ESRCH || read_state(c) == STATE_STOPPED)
		return explain_stop(c);
	if (err == -EINTR)
		return log_err(err, "interrupted before the capture began");
	return err;
}

static uint64_t count_hits(const struct collector *c, size_t index)
{
	uint64_t hits = 0;

	for (size_t i = 0; i < STATE_MAX_GILS && c->skel->bss->gils[i].address; i++)
		hits += c->skel->bss->gils[i].hits[index];
	return hits;
}

/* What was hit while the programs were only armed is not part of the capture. */
static void note_hits_before(struct collector *c)
{
	for (size_t i = 0; i < STATE_MAX_SITES; i++) {
		c->hits_before[i] = count_hits(c, i);
		c->foreign_before[i] = c->skel->bss->foreign_hits[i];
	}
}

static int start(struct collector *c)
{
	gils_read_at_start(c);
	if (!advance(c, STATE_ARMED, STATE_EMIT))
		return explain_stop(c);
	c->start_ns = clock_mono_ns();
	note_hits_before(c);
	c->start_unix_ns = clock_unix_ns();
	record_mark(c, EV_CAPTURE_START, c->start_ns, END_NONE);
	gils_announce(c);
	record_threads(c);
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

static void end_capture(struct collector *c, enum ev_end end, uint64_t at_ns)
{
	c->end = end;
	c->end_ns = at_ns;
}

/* Decides whether the capture is over, and when it was. */
static bool is_over(struct collector *c, uint64_t deadline, bool stop_requested)
{
	if (read_state(c) == STATE_STOPPED && c->skel->bss->stop_notice.reason == STOP_EXEC) {
		end_capture(c, END_EXEC, c->skel->bss->stop_notice.at_ns);
	} else if (target_ended(c)) {
		drain(c);
		end_capture(c, END_TARGET_EXIT,
			    c->last_exit_ns ? c->last_exit_ns : clock_mono_ns());
	} else if (stop_requested) {
		end_capture(c, END_SIGNAL, clock_mono_ns());
	} else if (clock_mono_ns() >= deadline) {
		/* Not the deadline: how long was observed is what it was, also if we were late. */
		end_capture(c, END_DURATION, clock_mono_ns());
	}
	return c->end != END_NONE;
}

static int follow(struct collector *c)
{
	const uint64_t deadline =
		c->options.duration_ns ? c->start_ns + c->options.duration_ns : UINT64_MAX;
	bool stop = false;

	while (!is_over(c, deadline, stop)) {
		if (read_state(c) == STATE_STOPPED && c->skel->bss->stop_notice.reason != STOP_EXEC)
			return explain_stop(c);
		const uint64_t next = interval_end(c) < deadline ? interval_end(c) : deadline;
		stop = wait_for_events(c, next) && c->options.on_stop(c->options.ctx);
		gils_announce(c);
		drain(c);
		stop |= !run_interval(c);
	}
	return 0;
}

int collector_start(struct collector *c)
{
	int err = arm(c);

	return err ? err : start(c);
}

int collector_follow(struct collector *c)
{
	int err = follow(c);

	stop_programs(c);
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

uint64_t collector_start_unix_ns(const struct collector *c)
{
	return c->start_unix_ns;
}

uint64_t collector_hits(const struct collector *c, size_t index)
{
	return count_hits(c, index) - c->hits_before[index];
}

uint64_t collector_foreign_hits(const struct collector *c, size_t index)
{
	return c->skel->bss->foreign_hits[index] - c->foreign_before[index];
}
