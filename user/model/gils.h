/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 gilscope contributors */
/*
 * The GILs and their accounting: a cursor up to which all time is accounted. It only moves forward
 * and every step of it goes to one kind of time, so that the kinds sum up to the time observed
 * whatever the stream says.
 */
#ifndef GILSCOPE_GILS_H
#define GILSCOPE_GILS_H

#include "base/id_map.h"
#include "model/blame.h"
#include "model/series.h"
#include "model/timeline.h"

/* Waits that ended with their threads: without a hold after them, nothing else tells that somebody
 * waited for a free GIL. */
struct left_waits {
	struct left_wait {
		uint64_t from_ns, to_ns;
	} * items;
	size_t count, cap;
};

struct gil {
	struct model_gil sums;
	uint64_t cursor_ns;  /* everything before is accounted */
	uint64_t seq;	     /* number of the last record */
	bool gap_unknown;    /* what follows the cursor cannot be told by the next record */
	enum span_kind tail; /* what the time from the cursor to the end will be */
	struct left_waits left;
	struct timeline timeline;
	struct {
		struct pending_wait *items;
		size_t count, cap;
	} pending; /* waits that are not split yet */
};

struct gil_table {
	struct gil *items;
	size_t count, cap;
	struct id_map index; /* (process, id) */
};

/* The GIL, valid until the next gils_add; NULL if it is not known. */
struct gil *gils_find(const struct gil_table *t, uint32_t process, uint32_t id);

/* Adds a GIL that is observed from `from_ns` on; it must not be there yet. */
struct gil *gils_add(struct gil_table *t, uint32_t process, uint32_t id, uint64_t from_ns);

/* Its place among the GILs. */
uint32_t gils_index(const struct gil_table *t, const struct gil *g);

/* Adds the time [from, to) to the GIL's sums and to the series. */
void gil_add(struct gil *g, struct series *series, enum span_kind kind, uint64_t from, uint64_t to);

/*
 * Accounts the time from the cursor to `to` as `kind` and moves the cursor; ns accounted: 0 if the
 * cursor is not before `to`.
 */
uint64_t gil_advance(struct gil *g, struct series *series, enum span_kind kind, uint64_t to);

/* The same for time in which a thread held it. */
uint64_t gil_advance_held(struct gil *g, struct series *series, struct thread_ref holder,
			  uint64_t to);

/*
 * Takes the number of the next record; true if the time between the cursor and the record cannot be
 * told: records before it were lost.
 */
bool gil_take_seq(struct gil *g, uint64_t seq);

/* A wait that ended without an acquire. */
void gil_leave(struct gil *g, uint64_t from_ns, uint64_t to_ns);

/* Accounts the time from the cursor to `to`, in which nobody held: idle, but for the waits that were
 * left. */
void gil_advance_idle(struct gil *g, struct series *series, uint64_t to);

static inline void gil_note_waiters(struct gil *g, uint32_t waiters)
{
	if (waiters > g->sums.waiters_max)
		g->sums.waiters_max = waiters;
}

/* Was any time accounted? */
static inline bool gil_begun(const struct gil *g)
{
	return g->cursor_ns > g->sums.from_ns;
}

void gils_free(struct gil_table *t);

#endif
