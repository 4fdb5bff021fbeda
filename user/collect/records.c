/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 gilscope contributors */
/* The records that the collector adds to the stream. */
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "collect/collector_state.h"
#include "gil.skel.h"
#include "target/process.h"

/* `t` NULL: of no process. */
static struct ev_head head(const struct traced *t, enum ev_kind kind, size_t size)
{
	return (struct ev_head){.kind = (__u16)kind, .size = (__u16)size, .process = t ? t->id : 0};
}

static void feed(struct collector *c, const void *record, size_t size)
{
	c->options.on_record(c->options.ctx, record, size);
}

void record_mark(struct collector *c, const struct traced *t, enum ev_kind kind, uint64_t at_ns,
		 enum ev_end end)
{
	const struct ev_mark ev = {.head = head(t, kind, sizeof(ev)),
				   .at_ns = at_ns,
				   .end = (__u32)end,
				   .pid = (__u32)t->target.pid};

	feed(c, &ev, sizeof(ev));
}

void record_gil(struct collector *c, const struct traced *t, uint32_t slot,
		const struct gil_info *info)
{
	const struct gil_slot *gil = &c->skel->bss->gils[slot];
	struct ev_gil ev = {
		.head = head(t, EV_GIL, sizeof(ev)),
		.gil = slot,
		.from_ns = gil->first_ns,
		.address = gil->address,
	};

	if (info) {
		const size_t named = ARRAY_SIZE(ev.interp_id);

		ev.switch_interval_ns = info->switch_interval_ns;
		ev.interpreters = (__u32)info->interp_count;
		for (size_t i = 0; i < named && i < info->interp_count; i++)
			ev.interp_id[i] = info->interp_ids[i];
	}
	feed(c, &ev, sizeof(ev));
}

void record_hold(struct collector *c, const struct traced *t, const struct ev_hold *hold)
{
	struct ev_hold ev = *hold;

	ev.head = head(t, EV_HOLD, sizeof(ev));
	feed(c, &ev, sizeof(ev));
}

void record_short_holds(struct collector *c, const struct traced *t, uint32_t slot)
{
	const struct gil_slot *gil = &c->skel->bss->gils[slot];
	const struct ev_short_holds ev = {
		.head = head(t, EV_SHORT_HOLDS, sizeof(ev)),
		.gil = slot,
		.seq = gil->seq + 1,
		.held_ns = gil->short_ns,
		.end_ns = gil->short_end_ns,
	};

	feed(c, &ev, sizeof(ev));
}

void record_gil_end(struct collector *c, const struct traced *t, uint32_t slot)
{
	const struct gil_slot *gil = &c->skel->bss->gils[slot];
	const struct ev_gil_end ev = {
		.head = head(t, EV_GIL_END, sizeof(ev)),
		.gil = slot,
		.waiters = gil->waiters,
		.seq = gil->seq,
		.at_ns = t->end_ns,
	};

	feed(c, &ev, sizeof(ev));
}

void record_wait_open(struct collector *c, const struct traced *t, uint32_t tid,
		      const struct request *request)
{
	const uint64_t off_ns = c->skel->bss->gils[request->slot].off_ns;
	const struct ev_wait ev = {
		.head = head(t, EV_WAIT_OPEN, sizeof(ev)),
		.gil = request->slot,
		.tid = tid,
		.request_ns = request->request_ns,
		/* one that was open when the GIL was turned off ended there */
		.end_ns = request->request_ns <= off_ns ? off_ns : t->end_ns,
	};

	feed(c, &ev, sizeof(ev));
}

void record_losses(struct collector *c)
{
	for (uint32_t kind = 0; kind < LOSS_KINDS; kind++) {
		const struct ev_loss ev = {
			.head = head(NULL, EV_LOSS, sizeof(ev)),
			.loss = kind,
			.count = c->skel->bss->losses[kind] + c->losses[kind],
		};

		if (ev.count)
			feed(c, &ev, sizeof(ev));
	}
}

struct naming {
	struct collector *c;
	const struct traced *t;
};

static void record_thread_name(void *ctx, pid_t tid, const char *comm)
{
	const struct naming *naming = ctx;
	struct ev_thread ev = {
		.head = head(naming->t, EV_THREAD_NAME, sizeof(ev)),
		.tid = (__u32)tid,
		.at_ns = clock_mono_ns(),
	};

	memcpy(ev.comm, comm, strnlen(comm, sizeof(ev.comm) - 1));
	feed(naming->c, &ev, sizeof(ev));
}

void record_threads(struct collector *c, const struct traced *t)
{
	struct naming naming = {.c = c, .t = t};

	/* A process that has ended has no threads to name: its exit records named them. */
	process_each_thread(t->target.pid, record_thread_name, &naming);
}

void record_python_name(struct collector *c, const struct traced *t, pid_t tid, uint64_t at_ns,
			const char *name)
{
	struct ev_python_name ev = {
		.head = head(t, EV_PYTHON_NAME, sizeof(ev)),
		.tid = (__u32)tid,
		.at_ns = at_ns,
	};

	memcpy(ev.name, name, strnlen(name, sizeof(ev.name) - 1));
	feed(c, &ev, sizeof(ev));
}
