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
	series_spread(series, kind, from, to);
}

uint64_t gil_advance(struct gil *g, struct series *series, enum span_kind kind, uint64_t to)
{
	uint64_t from = g->cursor_ns;

	if (to <= from)
		return 0;
	gil_add(g, series, kind, from, to);
	g->cursor_ns = to;
	return to - from;
}

void gils_free(struct gil_table *t)
{
	free(t->items);
	id_map_free(&t->index);
	*t = (struct gil_table){0};
}
