/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 gilscope contributors */
#include "model/blame.h"

#include <stdlib.h>

#include "base/mem.h"

/* Of a wait that covers more blocks than this, only holds of a share of it have a name. */
#define WHOLE_BLOCKS 4
#define NAMED_SHARE 64

/* One wait while it is split. */
struct split {
	struct blame *blame;
	const struct timeline *timeline;
	const struct pending_wait *wait;
	struct blame_rest rest;
};

static struct blame_pair *pair_of(struct blame *b, const struct pending_wait *wait,
				  struct thread_ref holder)
{
	const uint64_t key = id_key(wait->waiter.number, holder.number);
	uint32_t index = id_map_get(&b->index, key);

	if (index == ID_NONE) {
		index = (uint32_t)b->count;
		*VEC_PUSH(b) = (struct blame_pair){
			.gil = wait->gil, .waiter = wait->waiter, .holder = holder};
		id_map_set(&b->index, key, index);
	}
	return &b->items[index];
}

static void add_held(struct split *s, struct thread_ref holder, uint64_t ns)
{
	struct blame_pair *pair;

	if (holder.index == THREAD_REF_NONE.index) {
		s->rest.others_ns += ns;
		return;
	}
	pair = pair_of(s->blame, s->wait, holder);
	pair->ns += ns;
	if (pair->last != s->blame->waits) {
		pair->last = s->blame->waits;
		pair->waits++;
	}
}

static void add_segment(struct split *s, size_t index, uint64_t from, uint64_t to)
{
	const struct segment *segment = &s->timeline->items[index];

	switch (segment->kind) {
	case SPAN_HELD:
		add_held(s, segment->holder, to - from);
		break;
	case SPAN_UNKNOWN:
		s->rest.unknown_ns += to - from;
		break;
	default: /* nobody held, and somebody waits: this one */
		s->rest.handoff_ns += to - from;
		break;
	}
}

/* The segments [first, last), each of them. */
static void add_each(struct split *s, size_t first, size_t last)
{
	const struct pending_wait *wait = s->wait;

	for (size_t i = first; i < last; i++) {
		const uint64_t begin = timeline_begin_of(s->timeline, i);
		const uint64_t end = s->timeline->items[i].end_ns;

		add_segment(s, i, begin > wait->from_ns ? begin : wait->from_ns,
			    end < wait->to_ns ? end : wait->to_ns);
	}
}

/* A block that lies within the wait: as a whole, unless one of its holds is a share of the wait. */
static void add_block(struct split *s, size_t number)
{
	const struct block *block = &s->timeline->blocks[number];
	const uint64_t whole = s->wait->to_ns - s->wait->from_ns;

	if (block->longest_ns >= whole / NAMED_SHARE) {
		add_each(s, number * TIMELINE_BLOCK, (number + 1) * TIMELINE_BLOCK);
		return;
	}
	s->rest.others_ns += block->held_ns;
	s->rest.handoff_ns += block->handoff_ns;
	s->rest.unknown_ns += block->unknown_ns;
}

/* The segments [first, last), in blocks as far as these are many. */
static void add_many(struct split *s, size_t first, size_t last)
{
	const size_t first_block = (first + TIMELINE_BLOCK) / TIMELINE_BLOCK;
	const size_t last_block = last > TIMELINE_BLOCK ? (last - 1) / TIMELINE_BLOCK : 0;

	if (last_block <= first_block + WHOLE_BLOCKS) {
		add_each(s, first, last);
		return;
	}
	add_each(s, first, first_block * TIMELINE_BLOCK);
	for (size_t i = first_block; i < last_block; i++)
		add_block(s, i);
	add_each(s, last_block * TIMELINE_BLOCK, last);
}

struct blame_rest blame_split(struct blame *b, const struct timeline *t,
			      const struct pending_wait *wait)
{
	struct split s = {.blame = b, .timeline = t, .wait = wait};
	const uint64_t end = timeline_end(t);

	b->waits++;
	/* Forgotten, or not accounted. */
	if (wait->from_ns < t->begin_ns)
		s.rest.others_ns +=
			(wait->to_ns < t->begin_ns ? wait->to_ns : t->begin_ns) - wait->from_ns;
	if (wait->to_ns > end)
		s.rest.unknown_ns += wait->to_ns - (wait->from_ns > end ? wait->from_ns : end);
	if (wait->to_ns > t->begin_ns && wait->from_ns < end) {
		const size_t first = timeline_find(t, wait->from_ns);
		const size_t last = timeline_find(t, wait->to_ns - 1);

		add_many(&s, first, last < t->count ? last + 1 : last);
	}
	return s.rest;
}

static int compare_times(const void *a, const void *b)
{
	const struct blame_pair *x = a, *y = b;

	return (x->ns < y->ns) - (x->ns > y->ns);
}

void blame_shrink(struct blame *b, void (*lump)(void *ctx, const struct blame_pair *pair),
		  void *ctx)
{
	qsort(b->items, b->count, sizeof(*b->items), compare_times);
	for (; b->count > BLAME_MAX_PAIRS / 2; b->count--)
		lump(ctx, &b->items[b->count - 1]);
	id_map_free(&b->index);
	for (size_t i = 0; i < b->count; i++)
		id_map_set(&b->index, id_key(b->items[i].waiter.number, b->items[i].holder.number),
			   (uint32_t)i);
}

void blame_free(struct blame *b)
{
	free(b->items);
	id_map_free(&b->index);
	*b = (struct blame){0};
}
