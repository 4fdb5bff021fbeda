/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 gilscope contributors */
/*
 * Random threads that fight for a few GILs, and the stream that a capture of them gives: holds that
 * began before the capture or end after it, forced releases, exits at any point, tids used again,
 * and, where asked for, records that are lost or that miss a time.
 */
#ifndef GILSCOPE_TEST_MODEL_SIMULATOR_H
#define GILSCOPE_TEST_MODEL_SIMULATOR_H

#include "model_stream.h"

#define SIM_THREADS 7
#define SIM_GILS 3

struct sim_random {
	uint64_t state;
};

/* A number below n (xorshift64). */
static inline uint64_t sim_below(struct sim_random *r, uint64_t n)
{
	r->state ^= r->state << 13;
	r->state ^= r->state >> 7;
	r->state ^= r->state << 17;
	return (r->state >> 11) % n;
}

static inline bool sim_chance(struct sim_random *r, unsigned int percent)
{
	return sim_below(r, 100) < percent;
}

enum sim_state { SIM_DEAD, SIM_OFF, SIM_WAITING, SIM_HOLDING };

struct sim_thread {
	enum sim_state state;
	uint32_t tid, gil;
	struct ev_hold hold; /* what is known of the hold that it has or waits for */
	struct ev_thread_holds counted;
};

struct sim_gil {
	bool seen;
	int holder; /* -1: nobody */
	uint32_t waiters;
	bool waited_at_release;
	uint64_t seq;
	/* as the programs have it where they count short holds */
	bool left, gap_left;
	uint64_t counted_seq, short_ns, short_end_ns;
};

struct sim {
	struct sim_random random;
	unsigned int loss_percent; /* of the hold records; 0: the stream tells all */
	uint64_t now, t0, t1;
	uint64_t stop_told; /* when the stream tells the end; at most t1 */
	bool started, stopped;
	bool unannounced; /* some GIL is told by its holds only */
	struct sim_thread threads[SIM_THREADS];
	struct sim_gil gils[SIM_GILS];
	uint64_t true_held, true_waited; /* in the capture, over all GILs */
	struct stream out;
	struct stream
		counted; /* the same capture, its short holds counted; nothing is lost in it */
};

static inline void sim_emit(struct sim *s, union record r)
{
	if (!s->started)
		return;
	stream_add(&s->out, r);
	stream_add(&s->counted, r);
}

static inline void sim_tell_short(struct sim *s, uint32_t gil)
{
	struct sim_gil *g = &s->gils[gil];

	if (g->short_end_ns)
		stream_add(&s->counted,
			   rec_short_holds(gil, ++g->counted_seq, g->short_ns, g->short_end_ns));
	g->short_ns = g->short_end_ns = 0;
}

static inline void sim_tell_counted(struct sim *s, struct sim_thread *t)
{
	if (t->counted.count)
		stream_add(&s->counted, (union record){.thread_holds = t->counted});
	t->counted.count = 0;
}

static inline bool sim_counts(const struct sim *s, const struct ev_hold *h)
{
	return !h->flags && h->acquire_ns >= s->t0 && s->now < s->t1;
}

static inline void sim_count(struct sim *s, struct sim_thread *t)
{
	struct sim_gil *g = &s->gils[t->gil];
	const uint64_t ns = s->now - t->hold.acquire_ns;

	if (t->counted.gil != t->gil || sim_chance(&s->random, 5))
		sim_tell_counted(s, t);
	if (!t->counted.count)
		t->counted = rec_thread_holds(t->gil, t->tid).thread_holds;
	thread_holds_count(&t->counted, (uint32_t)ns);
	g->short_ns += ns;
	g->short_end_ns = s->now;
}

/* A hold that ended or is open, in both streams. */
static inline void sim_tell_hold(struct sim *s, struct sim_thread *t, struct ev_hold h)
{
	if (sim_counts(s, &h) && !s->gils[t->gil].gap_left) {
		sim_count(s, t);
		return;
	}
	sim_tell_short(s, t->gil);
	h.seq = ++s->gils[t->gil].counted_seq;
	stream_add(&s->counted, (union record){.hold = h});
}

static inline uint64_t sim_part(const struct sim *s, uint64_t from, uint64_t to)
{
	from = from < s->t0 ? s->t0 : from;
	to = to > s->t1 ? s->t1 : to;
	return from < to ? to - from : 0;
}

/* Takes something away from the record; false: all of it. */
static inline bool sim_damage(struct sim *s, struct ev_hold *h)
{
	switch (sim_below(&s->random, 8)) {
	case 0:
		h->acquire_ns = 0;
		h->flags |= HOLD_ACQUIRE_MISSED;
		return true;
	case 1:
		h->acquire_ns = 0;
		h->flags |= HOLD_ACQUIRE_MISSED | HOLD_WRONG_RELEASER;
		return true;
	case 2:
		h->release_ns = 0;
		h->flags |= HOLD_RELEASE_MISSED;
		return true;
	case 3:
		if (h->acquire_ns)
			h->release_ns = h->acquire_ns - 1;
		return true;
	case 4:
		if (h->acquire_ns)
			h->request_ns = h->acquire_ns + 1;
		return true;
	default:
		return false;
	}
}

static inline void sim_emit_hold(struct sim *s, struct sim_thread *t, struct ev_hold h)
{
	sim_tell_hold(s, t, h);
	if (s->loss_percent && sim_chance(&s->random, s->loss_percent) && !sim_damage(s, &h))
		return;
	stream_add(&s->out, (union record){.hold = h});
}

static inline void sim_see_gil(struct sim *s, uint32_t gil)
{
	if (s->gils[gil].seen)
		return;
	s->gils[gil].seen = true;
	if (!s->started)
		return;
	if (sim_chance(&s->random, 70))
		sim_emit(s, rec_gil(gil, s->now));
	else
		s->unannounced = true;
}

static inline void sim_acquire(struct sim *s, int i)
{
	struct sim_thread *t = &s->threads[i];
	struct sim_gil *g = &s->gils[t->gil];

	if (t->state == SIM_WAITING) {
		g->waiters--;
		s->true_waited += sim_part(s, t->hold.request_ns, s->now);
	}
	g->gap_left = g->left;
	g->left = false;
	t->state = SIM_HOLDING;
	t->hold.acquire_ns = s->now;
	t->hold.waiters_max = (uint16_t)g->waiters;
	t->hold.flags = g->waiters ? HOLD_CONTENDED : 0;
	if (g->waited_at_release)
		t->hold.flags |= HOLD_GAP_WAITED;
	g->holder = i;
}

static inline void sim_wait(struct sim *s, int i)
{
	struct sim_thread *t = &s->threads[i];
	struct sim_gil *g = &s->gils[t->gil];

	t->state = SIM_WAITING;
	t->hold.request_ns = s->now;
	g->waiters++;
	if (g->holder < 0)
		return;

	struct ev_hold *held = &s->threads[g->holder].hold;

	held->flags |= HOLD_CONTENDED;
	if (g->waiters > held->waiters_max)
		held->waiters_max = (uint16_t)g->waiters;
}

static inline void sim_request(struct sim *s, int i)
{
	struct sim_thread *t = &s->threads[i];

	t->gil = sim_chance(&s->random, 70) ? 0 : (uint32_t)sim_below(&s->random, SIM_GILS);
	sim_see_gil(s, t->gil);
	t->hold = (struct ev_hold){
		.head = test_head(EV_HOLD, sizeof(t->hold)),
		.gil = t->gil,
		.tid = t->tid,
	};
	if (s->gils[t->gil].holder < 0)
		sim_acquire(s, i);
	else
		sim_wait(s, i);
}

static inline void sim_release(struct sim *s, int i, uint32_t flags)
{
	struct sim_thread *t = &s->threads[i];
	struct sim_gil *g = &s->gils[t->gil];
	struct ev_hold h = t->hold;

	/* What began before the probes were there has no acquire; it is the first of its GIL. */
	s->true_held += sim_part(s, h.acquire_ns, s->now);
	g->holder = -1;
	t->state = SIM_OFF;
	if (flags & HOLD_FORCED)
		sim_wait(s, i);
	g->waited_at_release = g->waiters > 0;
	if (!s->started)
		return;
	h.seq = ++g->seq;
	h.release_ns = s->now;
	h.waiters = (uint16_t)g->waiters;
	h.flags |= flags;
	sim_emit_hold(s, t, h);
}

static inline void sim_exit(struct sim *s, int i)
{
	struct sim_thread *t = &s->threads[i];
	bool told_first = sim_chance(&s->random, 50);

	if (told_first)
		sim_emit(s, rec_thread(EV_THREAD_EXIT, t->tid, s->now, "gone"));
	if (t->state == SIM_HOLDING)
		sim_release(s, i, HOLD_EXITED);
	sim_tell_counted(s, t);
	if (t->state == SIM_WAITING) {
		union record left =
			rec_wait(EV_WAIT_END, t->gil, t->tid, t->hold.request_ns, s->now);

		left.wait.waiters = s->gils[t->gil].waiters--;
		s->gils[t->gil].left = true;
		s->true_waited += sim_part(s, t->hold.request_ns, s->now);
		sim_emit(s, left);
	}
	if (!told_first)
		sim_emit(s, rec_thread(EV_THREAD_EXIT, t->tid, s->now, "gone"));
	t->state = SIM_DEAD;
}

static inline void sim_start_thread(struct sim *s, int i)
{
	struct sim_thread *t = &s->threads[i];

	/* Every other thread gets the tid of the one before. */
	if (sim_chance(&s->random, 50))
		t->tid += SIM_THREADS;
	t->state = SIM_OFF;
	sim_emit(s, rec_thread(EV_THREAD_START, t->tid, s->now, "new"));
}

/* One random thread takes its next step. */
static inline void sim_step(struct sim *s)
{
	int i = (int)sim_below(&s->random, SIM_THREADS);
	struct sim_thread *t = &s->threads[i];

	if (t->state != SIM_DEAD && sim_chance(&s->random, 3)) {
		sim_exit(s, i);
		return;
	}
	switch (t->state) {
	case SIM_DEAD:
		sim_start_thread(s, i);
		break;
	case SIM_OFF:
		sim_request(s, i);
		break;
	case SIM_WAITING:
		if (s->gils[t->gil].holder < 0)
			sim_acquire(s, i);
		break;
	case SIM_HOLDING:
		sim_release(s, i,
			    s->gils[t->gil].waiters && sim_chance(&s->random, 50) ? HOLD_FORCED
										  : 0);
		break;
	}
}

/* From here on the stream is told. */
static inline void sim_start_capture(struct sim *s)
{
	s->started = true;
	s->now = s->t0;
	sim_emit(s, rec_mark(EV_CAPTURE_START, s->t0, END_NONE));
	for (uint32_t gil = 0; gil < SIM_GILS; gil++) {
		if (s->gils[gil].seen)
			sim_emit(s, rec_gil(gil, sim_below(&s->random, s->t0 + 1)));
		if (s->gils[gil].holder >= 0 && sim_chance(&s->random, 50)) {
			struct ev_hold *h = &s->threads[s->gils[gil].holder].hold;

			h->acquire_ns = 0;
			h->request_ns = 0;
			h->flags |= HOLD_FROM_ATTACH;
		}
	}
	for (int i = 0; i < SIM_THREADS; i++) {
		if (s->threads[i].state != SIM_DEAD)
			sim_emit(s, rec_thread(EV_THREAD_NAME, s->threads[i].tid, s->t0, "thread"));
	}
}

static inline void sim_tell_stop(struct sim *s)
{
	if (!s->stopped && s->now >= s->stop_told) {
		sim_emit(s, rec_mark(EV_CAPTURE_STOP, s->t1, END_NONE));
		s->stopped = true;
	}
}

static inline void sim_end_gil(struct sim *s, uint32_t gil)
{
	struct sim_gil *g = &s->gils[gil];

	if (g->holder >= 0) {
		struct ev_hold h = s->threads[g->holder].hold;

		s->true_held += sim_part(s, h.acquire_ns, s->t1);
		h.seq = g->seq + 1;
		h.release_ns = s->t1;
		h.flags |= HOLD_OPEN;
		stream_add(&s->out, (union record){.hold = h});
		sim_tell_hold(s, &s->threads[g->holder], h);
	}
	sim_tell_short(s, gil);
	stream_add(&s->counted, rec_gil_end(gil, g->counted_seq, g->waiters));
	if (!s->loss_percent || sim_chance(&s->random, 95))
		stream_add(&s->out, rec_gil_end(gil, g->seq, g->waiters));
}

static inline void sim_end_capture(struct sim *s)
{
	sim_tell_stop(s);
	for (int i = 0; i < SIM_THREADS; i++) {
		const struct sim_thread *t = &s->threads[i];

		if (t->state != SIM_WAITING)
			continue;
		s->true_waited += sim_part(s, t->hold.request_ns, s->t1);
		sim_emit(s, rec_wait(EV_WAIT_OPEN, t->gil, t->tid, t->hold.request_ns, s->t1));
	}
	for (int i = 0; i < SIM_THREADS; i++)
		sim_tell_counted(s, &s->threads[i]);
	for (uint32_t gil = 0; gil < SIM_GILS; gil++) {
		if (s->gils[gil].seen)
			sim_end_gil(s, gil);
	}
	sim_emit(s, rec_mark(EV_CAPTURE_END, s->t1, END_DURATION));
}

static inline void sim_free(struct sim *s)
{
	stream_free(&s->out);
	stream_free(&s->counted);
}

/* A capture from the seed (not 0); release with sim_free. */
static inline void sim_run(struct sim *s, uint64_t seed)
{
	*s = (struct sim){.random = {seed}};
	s->loss_percent = sim_chance(&s->random, 50) ? (unsigned int)sim_below(&s->random, 30) : 0;
	s->t0 = 100 + sim_below(&s->random, 1000);
	s->t1 = s->t0 + sim_below(&s->random, 500);
	s->stop_told = s->t1 - sim_below(&s->random, s->t1 - s->t0 + 1) * sim_below(&s->random, 2);

	uint64_t pace = 2 + sim_below(&s->random, 12);
	uint64_t last = s->t1 + sim_below(&s->random, 60) * sim_below(&s->random, 2);

	for (int i = 0; i < SIM_THREADS; i++) {
		s->threads[i].tid = 100 + (uint32_t)i;
		s->threads[i].state = sim_chance(&s->random, 60) ? SIM_OFF : SIM_DEAD;
	}
	for (int i = 0; i < SIM_GILS; i++)
		s->gils[i].holder = -1;
	for (s->now = s->t0 - 50; s->now < s->t0; s->now += sim_below(&s->random, pace))
		sim_step(s);
	sim_start_capture(s);
	for (; s->now <= last; s->now += sim_below(&s->random, pace)) {
		sim_tell_stop(s);
		sim_step(s);
	}
	sim_end_capture(s);
}

#endif
