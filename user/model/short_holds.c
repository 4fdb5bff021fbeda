/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 gilscope contributors */
/* Holds that the programs counted instead of telling each: their GIL's time, their threads' holds. */
#include "model/model_state.h"

/*
 * The time from the cursor to the last release: held for what they took together, idle else. Where
 * records were lost in between, what is not known to be held is unknown.
 */
static void account(struct model *m, struct gil *g, const struct ev_short_holds *e, bool unknown)
{
	const uint64_t to = min_ns(e->end_ns, m->stop_ns);
	const uint64_t room = to > g->cursor_ns ? to - g->cursor_ns : 0;

	if (e->held_ns > room)
		model_lose(m, LOSS_bad_interval);
	gil_advance(g, &m->series, SPAN_HELD, g->cursor_ns + min_ns(e->held_ns, room));
	if (unknown)
		gil_advance(g, &m->series, SPAN_UNKNOWN, to);
	else
		gil_advance_idle(g, &m->series, to);
}

void model_short_holds(struct model *m, const struct ev_short_holds *e)
{
	struct gil *g = model_gil_at(m, e->head.process, e->gil, m->start_ns);

	if (e->seq <= g->seq) {
		model_lose(m, LOSS_bad_record);
		return;
	}
	model_nobody_waits(m, g);
	account(m, g, e, gil_take_seq(g, e->seq));
	model_settle_waits(m, g);
}

/* A count that the buckets do not sum up to is no histogram. */
static bool well_formed(const struct ev_thread_holds *e)
{
	uint64_t count = 0;

	for (size_t i = 0; i < SHORT_HOLD_BUCKETS; i++)
		count += e->buckets[i];
	return e->count && count == e->count && e->min_ns <= e->max_ns && e->max_ns < SHORT_HOLD_NS;
}

void model_thread_holds(struct model *m, const struct ev_thread_holds *e)
{
	if (!well_formed(e)) {
		model_lose(m, LOSS_bad_record);
		return;
	}

	struct gil *g = model_gil_at(m, e->head.process, e->gil, m->start_ns);
	struct model_thread *t = model_entry_of(m, g, e->tid);
	const struct hist_counts counts = {
		.buckets = e->buckets,
		.bucket_count = SHORT_HOLD_BUCKETS,
		.count = e->count,
		.total = e->total_ns,
		.min = e->min_ns,
		.max = e->max_ns,
	};

	hist_add_counts(&t->hold.hist, &counts);
	t->hold.total_ns += e->total_ns;
	t->voluntary_releases += e->count;
	g->sums.holds += e->count;
	g->sums.short_holds += e->count;
	g->sums.voluntary_releases += e->count;
}
