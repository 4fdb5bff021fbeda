/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 gilscope contributors */
#include "model/gils.h"

#include <stdlib.h>

#include "base/mem.h"

struct gil *gils_find(const struct gil_table *t, uint32_t process, uint32_t id)
{
	uint32_t index = id_map_get(&t->index, id_key(process, id));

	return index == ID_NONE ? NULL : &t->items[index];
}

struct gil *gils_add(struct gil_table *t, uint32_t process, uint32_t id, uint64_t from_ns)
{
	struct gil *g = VEC_PUSH(t);

	g->sums.process = process;
	g->sums.id = id;
	g->sums.from_ns = from_ns;
	g->cursor_ns = from_ns;
	g->timeline.begin_ns = from_ns;
	g->tail = SPAN_UNKNOWN;
	id_map_set(&t->index, id_key(process, id), (uint32_t)(t->count - 1));
	return g;
}

uint32_t gils_index(const struct gil_table *t, const struct gil *g)
{
	return (uint32_t)(g - t->items);
}

static void add_time(struct model_gil *sums, enum span_kind kind, uint64_t ns)
{
	switch (kind) {
	case SPAN_HELD:
		sums->held_ns += ns;
		break;
	case SPAN_HANDOFF:
		sums->handoff_ns += ns;
		break;
	case SPAN_IDLE:
		sums->idle_ns += ns;
		break;
	case SPAN_UNKNOWN:
		sums->unknown_ns += ns;
		break;
	case SPAN_WAIT:
		sums->wait_ns += ns;
		break;
	}
}

void gil_add(struct gil *g, struct series *series, enum span_kind kind, uint64_t from, uint64_t to)
{
	add_time(&g->sums, kind, to - from);
	if (series->interval_ns)
		series_spread(series, kind, from, to);
}

static uint64_t advance(struct gil *g, struct series *series, enum span_kind kind,
			struct thread_ref holder, uint64_t to)
{
	uint64_t from = g->cursor_ns;

	if (to <= from)
		return 0;
	gil_add(g, series, kind, from, to);
	timeline_push(&g->timeline, to, kind, holder);
	g->cursor_ns = to;
	return to - from;
}

uint64_t gil_advance(struct gil *g, struct series *series, enum span_kind kind, uint64_t to)
{
	return advance(g, series, kind, THREAD_REF_NONE, to);
}

uint64_t gil_advance_held(struct gil *g, struct series *series, struct thread_ref holder,
			  uint64_t to)
{
	return advance(g, series, SPAN_HELD, holder, to);
}

bool gil_take_seq(struct gil *g, uint64_t seq)
{
	const uint64_t lost = seq - g->seq - 1;
	const bool unknown = g->gap_unknown || lost;

	g->sums.lost_holds += lost;
	g->seq = seq;
	g->gap_unknown = false;
	g->tail = SPAN_UNKNOWN;
	return unknown;
}

/* Enough to be worth looking for those that the cursor has passed. */
#define MANY_LEFT 64

static void forget_passed(struct gil *g)
{
	size_t kept = 0;

	for (size_t i = 0; i < g->left.count; i++)
		if (g->left.items[i].to_ns > g->cursor_ns)
			g->left.items[kept++] = g->left.items[i];
	g->left.count = kept;
}

void gil_leave(struct gil *g, uint64_t from_ns, uint64_t to_ns)
{
	if (to_ns <= g->cursor_ns)
		return;
	if (g->left.count && g->left.count % MANY_LEFT == 0)
		forget_passed(g);
	*VEC_PUSH(&g->left) = (struct left_wait){.from_ns = from_ns, .to_ns = to_ns};
}

static int compare_begins(const void *a, const void *b)
{
	const struct left_wait *x = a, *y = b;

	return (x->from_ns > y->from_ns) - (x->from_ns < y->from_ns);
}

void gil_advance_idle(struct gil *g, struct series *series, uint64_t to)
{
	if (g->left.count)
		qsort(g->left.items, g->left.count, sizeof(*g->left.items), compare_begins);
	for (size_t i = 0; i < g->left.count; i++) {
		const struct left_wait *wait = &g->left.items[i];

		gil_advance(g, series, SPAN_IDLE, wait->from_ns < to ? wait->from_ns : to);
		gil_advance(g, series, SPAN_HANDOFF, wait->to_ns < to ? wait->to_ns : to);
	}
	gil_advance(g, series, SPAN_IDLE, to);
}

void gils_free(struct gil_table *t)
{
	for (size_t i = 0; i < t->count; i++) {
		free(t->items[i].left.items);
		free(t->items[i].pending.items);
		timeline_free(&t->items[i].timeline);
	}
	free(t->items);
	id_map_free(&t->index);
	*t = (struct gil_table){0};
}
