/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 gilscope contributors */
#include "model/timeline.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

static void grow(struct timeline *t)
{
	t->cap = t->cap ? 2 * t->cap : TIMELINE_BLOCK;
	t->items = xrealloc_array(t->items, t->cap, sizeof(*t->items));
	t->blocks = xrealloc_array(t->blocks, t->cap / TIMELINE_BLOCK, sizeof(*t->blocks));
}

/* Adds a segment to the sums of its block. */
static void sum_up(struct timeline *t, size_t index)
{
	struct block *block = &t->blocks[index / TIMELINE_BLOCK];
	const uint64_t ns = t->items[index].end_ns - timeline_begin_of(t, index);

	if (index % TIMELINE_BLOCK == 0)
		*block = (struct block){0};
	switch (t->items[index].kind) {
	case SPAN_HELD:
		block->held_ns += ns;
		if (ns > block->longest_ns)
			block->longest_ns = ns;
		break;
	case SPAN_UNKNOWN:
		block->unknown_ns += ns;
		break;
	default:
		block->handoff_ns += ns;
		break;
	}
}

void timeline_push(struct timeline *t, uint64_t to_ns, enum span_kind kind,
		   struct thread_ref holder)
{
	if (t->count == t->cap)
		grow(t);
	t->items[t->count] = (struct segment){
		.end_ns = to_ns, .kind = kind, .holder = holder, .more_waits = -t->less_waits};
	t->less_waits = 0;
	sum_up(t, t->count);
	t->count++;
}

size_t timeline_find(const struct timeline *t, uint64_t at_ns)
{
	size_t low = 0, high = t->count;

	while (low < high) {
		const size_t middle = low + (high - low) / 2;

		if (t->items[middle].end_ns <= at_ns)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

void timeline_wait(struct timeline *t, uint64_t from_ns, uint64_t to_ns)
{
	const size_t first = timeline_find(t, from_ns), last = timeline_find(t, to_ns);

	/* Who held in what is forgotten is not known any more. */
	if (from_ns < t->begin_ns)
		from_ns = t->begin_ns;
	if (from_ns >= to_ns || first == t->count)
		return;
	t->waited = true;
	if (first == last) {
		t->items[first].part_ns += to_ns - from_ns;
		return;
	}
	t->items[first].part_ns += t->items[first].end_ns - from_ns;
	if (first + 1 < t->count)
		t->items[first + 1].more_waits++;
	if (last == t->count) {
		t->less_waits += first + 1 < t->count;
		return;
	}
	t->items[last].more_waits--;
	t->items[last].part_ns += to_ns - timeline_begin_of(t, last);
}

/* What is left begins at the begin of the memory again. */
static void move_up(struct timeline *t, size_t count)
{
	t->begin_ns = timeline_begin_of(t, count);
	t->count -= count;
	memmove(t->items, t->items + count, t->count * sizeof(*t->items));
	for (size_t i = 0; i < t->count; i++)
		sum_up(t, i);
}

void timeline_forget(struct timeline *t, size_t count,
		     void (*blocked)(void *ctx, struct thread_ref holder, uint64_t ns), void *ctx)
{
	int64_t waits = 0;

	for (size_t i = 0; t->waited && i < count; i++) {
		const struct segment *s = &t->items[i];
		const uint64_t ns = s->end_ns - timeline_begin_of(t, i);

		waits += s->more_waits;
		const uint64_t sum = s->part_ns + (uint64_t)waits * ns;
		if (s->kind == SPAN_HELD && sum)
			blocked(ctx, s->holder, sum);
	}
	move_up(t, count);
	if (t->count) {
		t->items[0].more_waits += (int32_t)waits;
	} else {
		t->less_waits = 0;
		t->waited = false;
	}
}

void timeline_free(struct timeline *t)
{
	free(t->items);
	free(t->blocks);
	*t = (struct timeline){0};
}
