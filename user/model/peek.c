/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 gilscope contributors */
/* The series while the capture runs: what the records told, and what is going on. */
#include "model/model_state.h"

/* What a GIL is doing: its open hold or handoff; NULL: neither. */
static const struct model_open *state_of(const struct gil *g, const struct model_open *open,
					 size_t open_count)
{
	for (size_t i = 0; i < open_count; i++) {
		if (!open[i].is_wait && open[i].gil == g->sums.id)
			return &open[i];
	}
	return NULL;
}

/* Adds the part of [from, to) that is not accounted yet. */
static void add_gil(struct model_bin *bin, const struct gil *g, const struct model_open *state,
		    uint64_t from, uint64_t to)
{
	uint64_t at = max_ns(from, g->cursor_ns);

	if (at >= to)
		return;

	uint64_t begin = state ? min_ns(max_ns(state->from_ns, at), to) : to;

	bin_add(bin, g->gap_unknown ? SPAN_UNKNOWN : SPAN_IDLE, begin - at);
	if (state)
		bin_add(bin, state->handoff ? SPAN_HANDOFF : SPAN_HELD, to - begin);
}

static void add_open_wait(struct model_bin *bin, const struct model_open *wait, uint64_t from,
			  uint64_t to)
{
	uint64_t begin = max_ns(wait->from_ns, from);

	if (begin < to)
		bin_add(bin, SPAN_WAIT, to - begin);
}

bool model_peek_bin(const struct model *m, size_t index, const struct model_open *open,
		    size_t open_count, struct model_bin *bin)
{
	const struct series *s = &m->series;

	if (!s->interval_ns || m->phase == MODEL_NEW || index >= MODEL_MAX_BINS)
		return false;

	uint64_t from = s->start_ns + index * s->interval_ns;
	uint64_t to = from + s->interval_ns;
	const struct model_bin *known = series_bin(s, index);

	*bin = (struct model_bin){.at_ns = from - s->start_ns};
	if (known)
		*bin = *known;
	bin->span_ns = s->interval_ns;
	if (m->phase == MODEL_CLOSED)
		return known || index < s->first;
	for (size_t i = 0; i < m->gils.count; i++) {
		const struct gil *g = &m->gils.items[i];

		add_gil(bin, g, state_of(g, open, open_count), from, to);
	}
	for (size_t i = 0; i < open_count; i++) {
		if (open[i].is_wait)
			add_open_wait(bin, &open[i], from, to);
	}
	return true;
}
