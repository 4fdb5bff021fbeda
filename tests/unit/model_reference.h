/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 gilscope contributors */
/*
 * What the model must say of a legal stream, the slow and obvious way: all records are kept, and
 * each nanosecond of each GIL is asked which record tells about it.
 */
#ifndef GILSCOPE_TEST_MODEL_REFERENCE_H
#define GILSCOPE_TEST_MODEL_REFERENCE_H

#include "model_stream.h"

#define REF_GILS 8
#define REF_MAX                                                                                    \
	2048 /* lives, entries, bins, and holds of one GIL: more than a simulated capture has */

struct ref_values {
	uint64_t *items; /* of the complete ones */
	size_t count, cap;
	uint64_t total, clipped, clipped_ns;
};

struct ref_life {
	uint32_t tid;
	uint64_t from, exit;
	bool on_gil;
};

struct ref_entry {
	size_t life;
	uint32_t gil;
	struct ref_values hold, wait;
	uint64_t forced, voluntary;
};

struct ref_gil {
	uint32_t id;
	const struct ev_hold *holds[REF_MAX]; /* that reached the stream, in its order */
	bool late[REF_MAX];		      /* tells of time after the end only */
	size_t entries[REF_MAX];	      /* of their threads */
	size_t count;
	const struct ev_gil_end *end;
	struct model_gil sums; /* what the model must say */
};

struct ref_wait {
	const struct ref_gil *gil;
	size_t entry;
	uint64_t from, to;
};

struct ref {
	const struct stream *in;
	uint64_t t0, t1, interval;
	struct ref_gil gils[REF_GILS];
	size_t gil_count;
	struct ref_life lives[REF_MAX];
	size_t life_count;
	struct ref_entry entries[REF_MAX];
	size_t entry_count;
	struct {
		struct ref_wait *items;
		size_t count, cap;
	} waits;
	struct model_bin bins[REF_MAX];
	size_t bin_count;
	uint64_t losses[LOSS_KINDS];
};

static inline uint64_t ref_clip(uint64_t t, uint64_t from, uint64_t to)
{
	if (t < from)
		return from;
	return t > to ? to : t;
}

static inline struct model_bin *ref_bin(struct ref *r, uint64_t t)
{
	size_t i = (t - r->t0) / r->interval;

	return &r->bins[i < r->bin_count ? i : r->bin_count - 1];
}

static inline struct ref_gil *ref_gil(struct ref *r, uint32_t id)
{
	for (size_t i = 0; i < r->gil_count; i++) {
		if (r->gils[i].id == id)
			return &r->gils[i];
	}
	return NULL;
}

static inline struct ref_gil *ref_gil_from(struct ref *r, uint32_t id, uint64_t from)
{
	struct ref_gil *g = ref_gil(r, id);

	if (g)
		return g;
	g = &r->gils[r->gil_count++];
	g->id = id;
	g->sums.from_ns = ref_clip(from, r->t0, r->t1);
	return g;
}

/* The latest life of the tid. */
static inline size_t ref_life(struct ref *r, uint32_t tid)
{
	for (size_t i = r->life_count; i > 0; i--) {
		if (r->lives[i - 1].tid == tid)
			return i - 1;
	}
	r->lives[r->life_count] = (struct ref_life){.tid = tid, .exit = UINT64_MAX};
	return r->life_count++;
}

static inline void ref_thread_event(struct ref *r, const struct ev_thread *e)
{
	size_t i = ref_life(r, e->tid);

	if (e->head.kind == EV_THREAD_EXIT)
		r->lives[i].exit = e->at_ns;
	if (e->head.kind != EV_THREAD_START)
		return;
	if (r->lives[i].exit != UINT64_MAX) {
		i = r->life_count++;
		r->lives[i] = (struct ref_life){.tid = e->tid, .exit = UINT64_MAX};
	}
	r->lives[i].from = e->at_ns;
}

static inline struct ref_entry *ref_entry(struct ref *r, uint32_t tid, uint32_t gil)
{
	size_t life = ref_life(r, tid);

	r->lives[life].on_gil = true;
	for (size_t i = 0; i < r->entry_count; i++) {
		if (r->entries[i].life == life && r->entries[i].gil == gil)
			return &r->entries[i];
	}
	r->entries[r->entry_count] = (struct ref_entry){.life = life, .gil = gil};
	return &r->entries[r->entry_count++];
}

static inline void ref_value(struct ref_values *v, uint64_t ns, bool clipped)
{
	v->total += ns;
	if (clipped) {
		v->clipped++;
		v->clipped_ns += ns;
	} else {
		*VEC_PUSH(v) = ns;
	}
}

static inline void ref_waiters(struct ref_gil *g, uint32_t waiters)
{
	if (waiters > g->sums.waiters_max)
		g->sums.waiters_max = waiters;
}

static inline void ref_wait(struct ref *r, struct ref_gil *g, uint32_t tid, uint64_t request,
			    uint64_t end, bool cut)
{
	uint64_t from = ref_clip(request, g->sums.from_ns, r->t1);
	uint64_t to = ref_clip(end, g->sums.from_ns, r->t1);

	if (end < request) {
		r->losses[LOSS_bad_interval]++;
		return;
	}
	if (request >= r->t1 || end < g->sums.from_ns)
		return;
	*VEC_PUSH(&r->waits) = (struct ref_wait){
		.gil = g,
		.entry = (size_t)(ref_entry(r, tid, g->id) - r->entries),
		.from = from,
		.to = to,
	};
	ref_value(&ref_entry(r, tid, g->id)->wait, to - from, cut || from != request || to != end);
	for (uint64_t t = from; t < to; t++) {
		g->sums.wait_ns++;
		ref_bin(r, t)->wait_ns++;
		ref_waiters(g, 1);
	}
}

/* The end of a hold as far as it is known: an open one lasts on. */
static inline uint64_t ref_end(const struct ev_hold *h)
{
	if ((h->flags & HOLD_OPEN) && h->release_ns < h->acquire_ns)
		return h->acquire_ns;
	return h->release_ns;
}

static inline bool ref_no_begin(const struct ev_hold *h)
{
	return !h->acquire_ns && (h->flags & HOLD_ACQUIRE_MISSED);
}

static inline bool ref_backward(const struct ev_hold *h)
{
	return h->release_ns && ref_end(h) < h->acquire_ns;
}

/* Up to when a record tells about its GIL. */
static inline uint64_t ref_reach(const struct ev_hold *h)
{
	if (ref_backward(h))
		return 0;
	return h->release_ns ? ref_end(h) : h->acquire_ns;
}

static inline bool ref_is_late(const struct ref *r, const struct ref_gil *g,
			       const struct ev_hold *h)
{
	bool told_to_the_end = g->sums.from_ns == r->t1;

	for (size_t i = 0; i < g->count; i++)
		told_to_the_end = told_to_the_end || ref_reach(g->holds[i]) >= r->t1;
	return told_to_the_end && (!h->acquire_ns || h->acquire_ns >= r->t1);
}

/* The counts of a hold that is known and reaches into the capture. */
static inline void ref_count_hold(struct ref *r, struct ref_gil *g, const struct ev_hold *h)
{
	uint64_t from = ref_clip(h->acquire_ns, g->sums.from_ns, r->t1);
	uint64_t to = ref_clip(ref_end(h), g->sums.from_ns, r->t1);
	bool ended = !(h->flags & HOLD_OPEN) && ref_end(h) <= r->t1;
	struct ref_entry *e = ref_entry(r, h->tid, g->id);

	g->entries[g->count - 1] = (size_t)(e - r->entries);
	ref_value(&e->hold, to - from, !ended || h->acquire_ns < g->sums.from_ns);
	g->sums.holds++;
	ref_bin(r, to)->holds++;
	if (h->flags & HOLD_CONTENDED) {
		g->sums.contended_holds++;
		ref_bin(r, to)->contended_holds++;
	}
	if (!ended || (h->flags & HOLD_EXITED))
		return;
	if (h->flags & HOLD_FORCED) {
		g->sums.forced_releases++;
		e->forced++;
		ref_bin(r, to)->forced_releases++;
	} else {
		g->sums.voluntary_releases++;
		e->voluntary++;
	}
}

static inline void ref_count_losses(struct ref *r, const struct ev_hold *h)
{
	if (ref_backward(h))
		r->losses[LOSS_bad_interval]++;
	else if (ref_no_begin(h) && (h->flags & HOLD_WRONG_RELEASER))
		r->losses[LOSS_wrong_releaser]++;
	else if (ref_no_begin(h))
		r->losses[LOSS_acquire_missed]++;
	else if (!h->release_ns && h->acquire_ns < r->t1)
		r->losses[LOSS_release_missed]++;
}

static inline void ref_hold(struct ref *r, const struct ev_hold *h)
{
	struct ref_gil *g = ref_gil_from(r, h->gil, h->request_ns ? h->request_ns : h->acquire_ns);
	bool late = ref_is_late(r, g, h);

	if (!late)
		ref_count_losses(r, h);
	if (h->request_ns && h->acquire_ns && (late || !ref_backward(h)))
		ref_wait(r, g, h->tid, h->request_ns, h->acquire_ns, false);
	g->late[g->count] = late;
	g->holds[g->count++] = h;
	if (late || ref_backward(h) || h->acquire_ns >= r->t1)
		return;
	if (!h->release_ns || ref_end(h) >= g->sums.from_ns)
		ref_waiters(g, h->waiters_max);
	if (h->release_ns && ref_end(h) >= g->sums.from_ns && ref_end(h) <= r->t1)
		ref_waiters(g, h->waiters);
	if (h->release_ns && !ref_no_begin(h) && ref_end(h) >= g->sums.from_ns)
		ref_count_hold(r, g, h);
}

/* Does time after this record, up to the next one, stay in the dark? */
static inline bool ref_dark_after(const struct ev_hold *h)
{
	return h && (ref_backward(h) || !h->release_ns);
}

/* Number of the last hold that ended. */
static inline uint64_t ref_ended(const struct ev_hold *last)
{
	if (!last)
		return 0;
	return last->flags & HOLD_OPEN ? last->seq - 1 : last->seq;
}

/* What the GIL's end says of the time after the last record. */
static inline uint64_t *ref_tail(struct model_bin *b, const struct ref_gil *g,
				 const struct ev_hold *last, bool left)
{
	if (!g->end || ref_dark_after(last) || g->end->seq > ref_ended(last))
		return &b->unknown_ns;
	return g->end->waiters || left ? &b->handoff_ns : &b->idle_ns;
}

/* Did somebody wait at t who never acquired? */
static inline bool ref_left(const struct ref *r, const struct ref_gil *g, uint64_t t)
{
	for (size_t i = 0; i < r->in->count; i++) {
		const struct ev_wait *e = &r->in->items[i].wait;

		if (e->head.kind == EV_WAIT_END && e->gil == g->id && e->request_ns &&
		    e->request_ns <= t && t < e->end_ns)
			return true;
	}
	return false;
}

/* The entry of the thread that held in the nanosecond that begins at t, which somebody did. */
static inline size_t ref_holder(const struct ref_gil *g, uint64_t t)
{
	size_t i = 0;

	while (g->late[i] || ref_backward(g->holds[i]) || !g->holds[i]->release_ns ||
	       ref_no_begin(g->holds[i]) || t < g->holds[i]->acquire_ns ||
	       t >= ref_end(g->holds[i]))
		i++;
	return g->entries[i];
}

/* How the GIL spent the nanosecond that begins at t: the field of the bin that it belongs to. */
static inline uint64_t *ref_tick(struct model_bin *b, const struct ref *r, const struct ref_gil *g,
				 uint64_t t)
{
	const struct ev_hold *prev = NULL;

	for (size_t i = 0; i < g->count && !g->late[i]; i++) {
		const struct ev_hold *h = g->holds[i];

		if (ref_backward(h)) {
			prev = h;
			continue;
		}
		if (h->release_ns && !ref_no_begin(h) && t >= h->acquire_ns && t < ref_end(h))
			return &b->held_ns;
		if (ref_no_begin(h) ? t < h->release_ns : t < h->acquire_ns) {
			if (ref_no_begin(h) || ref_dark_after(prev) ||
			    h->seq != (prev ? prev->seq : 0) + 1)
				return &b->unknown_ns;
			return h->flags & HOLD_GAP_WAITED || ref_left(r, g, t) ? &b->handoff_ns
									       : &b->idle_ns;
		}
		prev = h;
	}
	return ref_tail(b, g, prev, ref_left(r, g, t));
}

static inline void ref_lost_holds(struct ref *r, struct ref_gil *g)
{
	const struct ev_hold *last = NULL;
	bool told_to_the_end = g->sums.from_ns == r->t1;

	for (size_t i = 0; i < g->count && !g->late[i]; i++) {
		g->sums.lost_holds += g->holds[i]->seq - (last ? last->seq : 0) - 1;
		last = g->holds[i];
		told_to_the_end = told_to_the_end || ref_reach(last) >= r->t1;
	}
	if (g->end && !told_to_the_end && g->end->seq > ref_ended(last))
		g->sums.lost_holds += g->end->seq - ref_ended(last);
}

static inline void ref_account(struct ref *r, struct ref_gil *g)
{
	for (uint64_t t = g->sums.from_ns; t < r->t1; t++) {
		struct model_bin sum = {0};

		*ref_tick(&sum, r, g, t) = 1;
		*ref_tick(ref_bin(r, t), r, g, t) += 1;
		g->sums.observed_ns++;
		g->sums.held_ns += sum.held_ns;
		g->sums.handoff_ns += sum.handoff_ns;
		g->sums.idle_ns += sum.idle_ns;
		g->sums.unknown_ns += sum.unknown_ns;
	}
	if (g->end)
		ref_waiters(g, g->end->waiters);
	ref_lost_holds(r, g);
}

static inline void ref_gil_end(struct ref *r, const struct ev_gil_end *e)
{
	struct ref_gil *g = ref_gil(r, e->gil);

	if (g)
		g->end = e;
	else
		r->losses[LOSS_bad_record]++;
}

static inline void ref_record(struct ref *r, const union record *e)
{
	switch (e->head.kind) {
	case EV_HOLD:
		ref_hold(r, &e->hold);
		break;
	case EV_WAIT_END:
	case EV_WAIT_OPEN: {
		struct ref_gil *g = ref_gil_from(r, e->wait.gil, e->wait.request_ns);
		bool open_later =
			e->head.kind == EV_WAIT_OPEN && e->wait.request_ns > e->wait.end_ns;

		if (e->head.kind == EV_WAIT_END && e->wait.request_ns &&
		    e->wait.request_ns <= e->wait.end_ns && e->wait.request_ns < r->t1 &&
		    e->wait.end_ns >= g->sums.from_ns)
			ref_waiters(g, e->wait.waiters);
		ref_wait(r, g, e->wait.tid, e->wait.request_ns,
			 open_later ? e->wait.request_ns : e->wait.end_ns, true);
		break;
	}
	case EV_GIL:
		ref_gil_from(r, e->gil.gil, e->gil.from_ns);
		break;
	case EV_GIL_END:
		ref_gil_end(r, &e->gil_end);
		break;
	case EV_THREAD_START:
	case EV_THREAD_EXIT:
	case EV_THREAD_NAME:
		ref_thread_event(r, &e->thread);
		break;
	default:
		break;
	}
}

/* Fills *r, which is large; release with ref_free. The stream must stay. */
static inline void ref_run(struct ref *r, const struct stream *in, uint64_t interval)
{
	memset(r, 0, sizeof(*r));
	r->in = in;
	r->interval = interval;
	r->t0 = in->items[0].mark.at_ns;
	r->t1 = in->items[in->count - 1].mark.at_ns;
	r->bin_count = (r->t1 - r->t0 + interval - 1) / interval;
	if (!r->bin_count)
		r->bin_count = 1;
	for (size_t i = 0; i < in->count; i++)
		ref_record(r, &in->items[i]);
	for (size_t i = 0; i < r->gil_count; i++)
		ref_account(r, &r->gils[i]);
}

static inline void ref_free(struct ref *r)
{
	for (size_t i = 0; i < r->entry_count; i++) {
		free(r->entries[i].hold.items);
		free(r->entries[i].wait.items);
	}
	free(r->waits.items);
}

#endif
