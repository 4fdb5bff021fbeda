/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 gilscope contributors */
#include "model/model.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "model/model_state.h"

union record {
	struct ev_head head;
	struct ev_hold hold;
	struct ev_short_holds short_holds;
	struct ev_thread_holds thread_holds;
	struct ev_wait wait;
	struct ev_thread thread;
	struct ev_python_name python_name;
	struct ev_mark mark;
	struct ev_gil gil;
	struct ev_gil_end gil_end;
	struct ev_loss loss;
};

static const size_t kind_sizes[] = {
	[EV_SHORT_HOLDS] = sizeof(struct ev_short_holds),
	[EV_THREAD_HOLDS] = sizeof(struct ev_thread_holds),
	[EV_HOLD] = sizeof(struct ev_hold),
	[EV_WAIT_END] = sizeof(struct ev_wait),
	[EV_THREAD_START] = sizeof(struct ev_thread),
	[EV_THREAD_EXIT] = sizeof(struct ev_thread),
	[EV_CAPTURE_START] = sizeof(struct ev_mark),
	[EV_CAPTURE_STOP] = sizeof(struct ev_mark),
	[EV_CAPTURE_END] = sizeof(struct ev_mark),
	[EV_GIL] = sizeof(struct ev_gil),
	[EV_GIL_END] = sizeof(struct ev_gil_end),
	[EV_WAIT_OPEN] = sizeof(struct ev_wait),
	[EV_THREAD_NAME] = sizeof(struct ev_thread),
	[EV_LOSS] = sizeof(struct ev_loss),
	[EV_PYTHON_NAME] = sizeof(struct ev_python_name),
};

struct model *model_new(const struct model_options *options)
{
	struct model *m = xcalloc(1, sizeof(*m));

	m->stop_ns = UINT64_MAX;
	threads_init(&m->threads, options);
	m->series.interval_ns = options->interval_ns;
	m->series.start_ns = options->series_start_ns;
	return m;
}

void model_free(struct model *m)
{
	if (!m)
		return;
	gils_free(&m->gils);
	threads_free(&m->threads);
	blame_free(&m->blame);
	free((void *)m->result.blame);
	series_free(&m->series);
	hist_free(&m->result.hold);
	hist_free(&m->result.wait);
	free(m->gil_array);
	free(m);
}

void model_lose(struct model *m, enum loss_kind kind)
{
	m->losses[kind]++;
}

static void start(struct model *m, const struct ev_mark *e)
{
	if (m->phase != MODEL_NEW) {
		model_lose(m, LOSS_bad_record);
		return;
	}
	m->phase = MODEL_RUNNING;
	m->start_ns = m->threads.start_ns = e->at_ns;
	m->threads.main_tid = e->pid;
	if (!m->series.start_ns)
		m->series.start_ns = e->at_ns;
	series_begin(&m->series, e->at_ns);
}

/* The end cannot be before time that is accounted already: then the stream is out of order. */
static uint64_t earliest_stop(const struct model *m)
{
	uint64_t at = m->start_ns;

	for (size_t i = 0; i < m->gils.count; i++) {
		if (gil_begun(&m->gils.items[i]))
			at = max_ns(at, m->gils.items[i].cursor_ns);
	}
	return at;
}

static void stop(struct model *m, uint64_t at_ns)
{
	uint64_t earliest = earliest_stop(m);

	if (at_ns < earliest)
		model_lose(m, LOSS_bad_record);
	m->phase = MODEL_STOPPED;
	m->stop_ns = m->threads.stop_ns = max_ns(at_ns, earliest);

	/* A GIL that appeared after the end was never observed. */
	for (size_t i = 0; i < m->gils.count; i++) {
		struct gil *g = &m->gils.items[i];

		if (g->sums.from_ns > m->stop_ns) {
			g->sums.from_ns = m->stop_ns;
			g->cursor_ns = m->stop_ns;
			g->timeline.begin_ns = m->stop_ns;
		}
	}
}

static void mark_stop(struct model *m, const struct ev_mark *e)
{
	if (m->phase == MODEL_RUNNING)
		stop(m, e->at_ns);
	else
		model_lose(m, LOSS_bad_record);
}

static void mark_end(struct model *m, const struct ev_mark *e)
{
	if (m->phase == MODEL_RUNNING)
		stop(m, e->at_ns);
	model_close(m, e->end);
}

static void add_losses(struct model *m, const struct ev_loss *e)
{
	if (e->loss < LOSS_KINDS)
		m->losses[e->loss] += e->count;
	else
		model_lose(m, LOSS_bad_record);
}

static void dispatch(struct model *m, const union record *r)
{
	switch ((enum ev_kind)r->head.kind) {
	case EV_HOLD:
		model_hold(m, &r->hold);
		break;
	case EV_SHORT_HOLDS:
		model_short_holds(m, &r->short_holds);
		break;
	case EV_THREAD_HOLDS:
		model_thread_holds(m, &r->thread_holds);
		break;
	case EV_WAIT_END:
	case EV_WAIT_OPEN:
		model_wait(m, &r->wait);
		break;
	case EV_THREAD_START:
		threads_start(&m->threads, &r->thread);
		break;
	case EV_THREAD_EXIT:
		threads_exit(&m->threads, &r->thread);
		break;
	case EV_THREAD_NAME:
		threads_name(&m->threads, &r->thread);
		break;
	case EV_PYTHON_NAME:
		if (!threads_python_name(&m->threads, &r->python_name))
			model_lose(m, LOSS_bad_record);
		break;
	case EV_CAPTURE_START:
		start(m, &r->mark);
		break;
	case EV_CAPTURE_STOP:
		mark_stop(m, &r->mark);
		break;
	case EV_CAPTURE_END:
		mark_end(m, &r->mark);
		break;
	case EV_GIL:
		model_gil_known(m, &r->gil);
		break;
	case EV_GIL_END:
		model_gil_end(m, &r->gil_end);
		break;
	case EV_LOSS:
		add_losses(m, &r->loss);
		break;
	case EV_PROCESS_FORK:
	case EV_PROCESS_EXEC:
	case EV_PROCESS_EXIT:
		break; /* not of a model's stream: copy_record lets none through */
	}
}

static bool copy_record(union record *r, const void *record, size_t size)
{
	if (size < sizeof(r->head))
		return false;
	memcpy(&r->head, record, sizeof(r->head));
	if (r->head.size != size || r->head.kind >= ARRAY_SIZE(kind_sizes) ||
	    kind_sizes[r->head.kind] != size)
		return false;
	memcpy(r, record, size);
	return true;
}

/* The start comes first, and nothing after the end. */
static bool in_place(const struct model *m, const union record *r)
{
	if (m->phase == MODEL_NEW)
		return r->head.kind == EV_CAPTURE_START || r->head.kind == EV_LOSS;
	return m->phase != MODEL_CLOSED;
}

void model_feed(struct model *m, const void *record, size_t size)
{
	union record r;

	if (!copy_record(&r, record, size) || !in_place(m, &r)) {
		model_lose(m, LOSS_bad_record);
		return;
	}
	dispatch(m, &r);
}

const struct model_result *model_result(struct model *m)
{
	return m->phase == MODEL_CLOSED ? &m->result : NULL;
}

uint64_t model_losses(const struct model *m, enum loss_kind kind)
{
	return m->losses[kind];
}
