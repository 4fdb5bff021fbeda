/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 gilscope contributors */
#include "model/series.h"

#include <stdlib.h>

#include "base/mem.h"

static size_t index_at(const struct series *s, uint64_t at)
{
	uint64_t index = at > s->start_ns ? (at - s->start_ns) / s->interval_ns : 0;

	return index < MODEL_MAX_BINS ? index : MODEL_MAX_BINS - 1;
}

void series_begin(struct series *s, uint64_t at)
{
	if (s->interval_ns)
		s->first = index_at(s, at);
}

const struct model_bin *series_bin(const struct series *s, size_t number)
{
	return number >= s->first && number - s->first < s->count ? &s->items[number - s->first]
								  : NULL;
}

static struct model_bin *bin_number(struct series *s, size_t number)
{
	const size_t index = number > s->first ? number - s->first : 0;

	while (s->count <= index) {
		struct model_bin *bin = VEC_PUSH(s);

		bin->at_ns = (s->first + s->count - 1) * s->interval_ns;
		bin->span_ns = s->interval_ns;
	}
	return &s->items[index];
}

struct model_bin *series_at(struct series *s, uint64_t at)
{
	return bin_number(s, index_at(s, at));
}

void bin_add(struct model_bin *bin, enum span_kind kind, uint64_t ns)
{
	switch (kind) {
	case SPAN_HELD:
		bin->held_ns += ns;
		break;
	case SPAN_HANDOFF:
		bin->handoff_ns += ns;
		break;
	case SPAN_IDLE:
		bin->idle_ns += ns;
		break;
	case SPAN_UNKNOWN:
		bin->unknown_ns += ns;
		break;
	case SPAN_WAIT:
		bin->wait_ns += ns;
		break;
	}
}

void series_spread(struct series *s, enum span_kind kind, uint64_t from, uint64_t to)
{
	if (!s->interval_ns)
		return;
	while (from < to) {
		size_t index = index_at(s, from);
		uint64_t room = s->interval_ns - (from - s->start_ns) % s->interval_ns;
		uint64_t ns = to - from;

		if (ns > room && index < MODEL_MAX_BINS - 1)
			ns = room;
		bin_add(bin_number(s, index), kind, ns);
		from += ns;
	}
}

void bin_merge(struct model_bin *into, const struct model_bin *from)
{
	into->held_ns += from->held_ns;
	into->handoff_ns += from->handoff_ns;
	into->idle_ns += from->idle_ns;
	into->unknown_ns += from->unknown_ns;
	into->wait_ns += from->wait_ns;
	into->holds += from->holds;
	into->contended_holds += from->contended_holds;
	into->forced_releases += from->forced_releases;
}

void series_close(struct series *s, uint64_t end)
{
	if (!s->interval_ns)
		return;

	uint64_t span = end - s->start_ns;
	struct model_bin *last = bin_number(s, index_at(s, span ? end - 1 : end));
	size_t count = (size_t)(last - s->items) + 1;

	last->span_ns = span > last->at_ns ? span - last->at_ns : 0;
	for (; s->count > count; s->count--)
		bin_merge(last, &s->items[s->count - 1]);
}

void series_free(struct series *s)
{
	free(s->items);
	*s = (struct series){0};
}
