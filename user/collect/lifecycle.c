/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 gilscope contributors */
/* The stream of one process: how it begins, and the ways in which it ends. */
#include <errno.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "collect/collector_state.h"
#include "collect/detaching.h"
#include "gil.skel.h"
#include "probe/tables.h"

bool traced_emit(struct collector *c, struct traced *t)
{
	gils_read_at_start(c, t);
	return traced_advance(t, STATE_ARMED, STATE_EMIT);
}

void traced_begin(struct collector *c, struct traced *t, uint64_t at_ns)
{
	t->start_ns = at_ns;
	t->phase = TRACED_RUNNING;
	gils_count_hits(c, t, -1);
	thread_holds_begin(c, t, at_ns);
	record_mark(c, t, EV_CAPTURE_START, at_ns, END_NONE);
	gils_announce(c, t);
	record_threads(c, t);
	naming_begin(c, t);
	log_info("process %d is captured", t->target.pid);
}

/* Why the programs gave a process up. */
static int explain_stop(const struct traced *t)
{
	static const char *const what[] = {
		[STOP_LOCKED] = "the GIL is not locked as it must be there",
		[STOP_LAST_HOLDER] = "the GIL has no holder there",
		[STOP_FAULT] = "its argument points to no GIL",
	};
	const struct stop_notice *notice = &t->shared->stop;

	return log_err(
		-EPROTO,
		"probe %u (of CPython %s, build-id %s) is not what the analysis took it for: %s (argument "
		"0x%llx, read %llu); "
		"detached; please report it, and try --probes libc",
		notice->site, t->target.version.text, elf_image_build_id(t->target.python.image),
		what[notice->reason], (unsigned long long)notice->arg,
		(unsigned long long)notice->got);
}

/* The links of a process that lives on, perhaps as another program, are kept until it is clear
 * which; see traced_attach. */
static void leave(struct collector *c, struct traced *t, enum traced_phase phase)
{
	const enum stop_reason reason = t->shared->stop.reason;
	/* It may have ended before the programs could see that. */
	const bool gone = reason == STOP_NONE && traced_is_gone(t);

	t->phase = phase;
	naming_free(&t->naming);
	tables_remove_process(c->skel, t->shared, gone || traced_is_over(t));
	t->shared = NULL;
	close(t->pid_fd);
	t->pid_fd = -1;
	if (reason != STOP_EXEC)
		detaching_start(&c->detaching, &t->attached);
	collector_put_aside(c, t);
}

void traced_finish(struct collector *c, struct traced *t, enum ev_end end, uint64_t at_ns)
{
	t->end = end;
	t->end_ns = at_ns;
	t->phase = TRACED_STOPPED;
	gils_discover(t);
	if (end != END_TARGET_EXIT && end != END_EXEC) {
		/* Names and switch intervals may have changed since the start. */
		gils_announce_again(c, t);
		record_threads(c, t);
		naming_end(t);
	}
	record_mark(c, t, EV_CAPTURE_STOP, at_ns, end);
}

void traced_close(struct collector *c, struct traced *t, size_t requests)
{
	gils_discover(t);
	gils_announce(c, t);
	thread_holds_take(c, t);
	gils_close(c, t, requests);
	gils_count_hits(c, t, 1);
	naming_tell(c, t);
	record_mark(c, t, EV_CAPTURE_END, t->end_ns, t->end);
	leave(c, t, TRACED_CLOSED);
}

void traced_drop(struct collector *c, struct traced *t, uint64_t end_ns)
{
	const uint64_t from = collector_since(c, t->born_ns);

	if (c->started && end_ns > from)
		c->missed_ns += end_ns - from;
	leave(c, t, TRACED_DROPPED);
}

/* It ended before its stream began. */
static void lose(struct collector *c, struct traced *t)
{
	const struct stop_notice *notice = &t->shared->stop;
	const char *what = notice->reason == STOP_EXEC ? "executed another program" : "ended";

	if (c->started)
		c->losses[LOSS_process_missed]++;
	else
		log_warn("process %d %s before the capture began", t->target.pid, what);
	traced_drop(c, t, notice->at_ns ? notice->at_ns : clock_mono_ns());
}

void traced_end(struct collector *c, struct traced *t)
{
	const struct stop_notice *notice = &t->shared->stop;

	if (t->phase == TRACED_ARMED) {
		lose(c, t);
		return;
	}
	c->end = traced_own_end(t);
	traced_finish(c, t, c->end, notice->reason ? notice->at_ns : clock_mono_ns());
	if (t->end_ns > c->end_ns)
		c->end_ns = t->end_ns;
	traced_close(c, t, requests_read(c));
}

int traced_give_up(struct collector *c, struct traced *t)
{
	const int err = explain_stop(t);

	thread_holds_drop(c, t);
	leave(c, t, TRACED_DROPPED);
	return collector_is_live(c) || pending_is_open(c) ? 0 : err;
}
