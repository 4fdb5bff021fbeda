/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 gilscope contributors */
/*
 * Blame: for each wait, how long which other thread held meanwhile, nobody did (handoff), or it is not
 * known. What it costs to split a wait does not grow with the number of threads: of a wait that
 * covers very many holds, short ones are told together.
 *
 * Identity, per waiter: the sum of the blame is the sum of its waits.
 */
#ifndef GILSCOPE_BLAME_H
#define GILSCOPE_BLAME_H

#include "base/id_map.h"
#include "model/timeline.h"

/* A wait is split when its GIL is accounted up to its end. */
struct pending_wait {
	struct thread_ref waiter;
	uint32_t gil; /* its id */
	uint64_t from_ns, to_ns;
};

struct blame_pair {
	struct thread_ref waiter, holder;
	uint32_t gil; /* its id */
	uint64_t ns;
	uint64_t waits;
	uint64_t last; /* number of the wait that was added last */
};

/* Pairs of threads are kept at most; when there are more, those of the least time are told together. */
#define BLAME_MAX_PAIRS 16384

struct blame {
	struct blame_pair *items;
	size_t count, cap;
	struct id_map index; /* (waiter, holder) -> pair */
	uint64_t waits;
};

/* What of one wait is no single thread's. */
struct blame_rest {
	uint64_t handoff_ns, unknown_ns, others_ns;
};

/* Splits a wait, all of which the timeline covers but for what it has forgotten. */
struct blame_rest blame_split(struct blame *b, const struct timeline *t,
			      const struct pending_wait *wait);

/*
 * Takes the pairs of the least time out until at most half of BLAME_MAX_PAIRS are left; `lump` gets
 * each. To be called when blame_is_full().
 */
void blame_shrink(struct blame *b, void (*lump)(void *ctx, const struct blame_pair *pair),
		  void *ctx);
static inline bool blame_is_full(const struct blame *b)
{
	return b->count >= BLAME_MAX_PAIRS;
}

void blame_free(struct blame *b);

#endif
