/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 gilscope contributors */
#include <string.h>

#include "base/mem.h"
#include "model/model_state.h"

/* The end settles what was left open, and with it the sums. */
static void close_gil(struct model *m, struct gil *g)
{
	struct model_gil *sums = &g->sums;

	if (g->tail == SPAN_IDLE)
		gil_advance_idle(g, &m->series, m->stop_ns);
	else
		gil_advance(g, &m->series, g->tail, m->stop_ns);
	model_close_waits(m, g);
	sums->observed_ns = m->stop_ns - sums->from_ns;
	if (sums->observed_ns)
		sums->waiters_mean = (double)sums->wait_ns / (double)sums->observed_ns;
}

static void merge_hists(struct model_result *r, const struct model_thread *threads, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		hist_merge(&r->hold, &threads[i].hold.hist);
		hist_merge(&r->wait, &threads[i].wait.hist);
	}
}

static void close_gils(struct model *m)
{
	m->gil_array = xcalloc(m->gils.count, sizeof(*m->gil_array));
	for (size_t i = 0; i < m->gils.count; i++) {
		close_gil(m, &m->gils.items[i]);
		m->gil_array[i] = m->gils.items[i].sums;
	}
}

void model_close(struct model *m, enum ev_end end)
{
	struct model_result *r = &m->result;

	close_gils(m);
	series_close(&m->series, m->stop_ns);
	r->start_ns = m->start_ns;
	r->end_ns = m->stop_ns;
	r->end = end;
	r->gils = m->gil_array;
	r->gil_count = m->gils.count;
	threads_close(&m->threads, r);
	model_close_blame(m);
	merge_hists(r, r->threads, r->thread_count);
	merge_hists(r, r->exited, r->exited_count);
	memcpy(r->losses, m->losses, sizeof(r->losses));
	m->phase = MODEL_CLOSED;
	/* There may be many models that only wait for the report. */
	gils_free(&m->gils);
	blame_free(&m->blame);
	VEC_TRIM(&m->series);
	r->series = m->series.items;
	r->series_count = m->series.count;
}
