/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 gilscope contributors */
/*
 * What a GIL was doing, for as long as somebody may still tell of a wait in that time: a wait is told
 * when it is over, and after all that happened during it.
 */
#ifndef GILSCOPE_TIMELINE_H
#define GILSCOPE_TIMELINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "model/series.h"

/* A thread's entry: its place among the entries, which another may get later, and its number. */
struct thread_ref {
	uint32_t index;
	uint32_t number;
};

#define THREAD_REF_NONE ((struct thread_ref){UINT32_MAX, UINT32_MAX})

/* From the end of the one before on. */
struct segment {
	uint64_t end_ns;
	enum span_kind kind;
	struct thread_ref holder; /* SPAN_HELD; THREAD_REF_NONE: several */
	/* Waits that cover it: all of it from here on (a difference to the segment before), and the
	 * sum of the parts that others cover. */
	int32_t more_waits;
	uint64_t part_ns;
};

/* Segments are kept at most; of a longer time the begin is forgotten. */
#define TIMELINE_MAX 16384
/* So many are summed up, for waits that cover many. */
#define TIMELINE_BLOCK 64

struct timeline {
	uint64_t begin_ns; /* of the first segment */
	struct segment *items;
	size_t count, cap;
	struct block {
		uint64_t held_ns, handoff_ns, unknown_ns; /* idle is handoff: somebody waits */
		uint64_t longest_ns;			  /* hold */
	} * blocks;	    /* of TIMELINE_BLOCK segments each, complete ones only */
	bool waited;	    /* some wait covers some of it */
	int32_t less_waits; /* waits that end with the last segment */
};

/* The time from the last segment's end to `to_ns`. */
void timeline_push(struct timeline *t, uint64_t to_ns, enum span_kind kind,
		   struct thread_ref holder);

/* The segment that contains an instant: the first whose end is after it; t->count: none. */
size_t timeline_find(const struct timeline *t, uint64_t at_ns);

static inline uint64_t timeline_begin_of(const struct timeline *t, size_t index)
{
	return index ? t->items[index - 1].end_ns : t->begin_ns;
}

static inline uint64_t timeline_end(const struct timeline *t)
{
	return timeline_begin_of(t, t->count);
}

/* Notes that somebody waited in [from_ns, to_ns), as far as it reaches back. */
void timeline_wait(struct timeline *t, uint64_t from_ns, uint64_t to_ns);

/*
 * Forgets the first `count` segments, which no wait will be told of any more; for each hold that
 * somebody waited for, `blocked` gets the sum of the waits during it.
 */
void timeline_forget(struct timeline *t, size_t count,
		     void (*blocked)(void *ctx, struct thread_ref holder, uint64_t ns), void *ctx);

void timeline_free(struct timeline *t);

#endif
