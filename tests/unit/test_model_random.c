/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 gilscope contributors */
/*
 * The model against a reference on random legal streams, and its identities on any stream at all.
 * Streams are numbered; the number is the seed, and is printed when one fails.
 */
#include "model_checks.h"
#include "model/series.h"
#include "model_simulator.h"

#define LEGAL_STREAMS 6000
#define SPOILT_STREAMS 4000
#define GARBAGE_STREAMS 2000
#define GARBAGE_RECORDS 200

static void check_gil(uint64_t number, const struct model_gil *g, const struct ref_gil *want)
{
	CHECK(g->id, want->id);
	CHECK(g->from_ns, want->sums.from_ns);
	CHECK(g->observed_ns, want->sums.observed_ns);
	CHECK(g->held_ns, want->sums.held_ns);
	CHECK(g->handoff_ns, want->sums.handoff_ns);
	CHECK(g->idle_ns, want->sums.idle_ns);
	CHECK(g->unknown_ns, want->sums.unknown_ns);
	CHECK(g->holds, want->sums.holds);
	CHECK(g->contended_holds, want->sums.contended_holds);
	CHECK(g->forced_releases, want->sums.forced_releases);
	CHECK(g->voluntary_releases, want->sums.voluntary_releases);
	CHECK(g->wait_ns, want->sums.wait_ns);
	CHECK(g->waiters_max, want->sums.waiters_max);
	CHECK(g->lost_holds, want->sums.lost_holds);
}

static void check_bin(uint64_t number, const struct model_bin *b, const struct model_bin *want)
{
	CHECK(b->held_ns, want->held_ns);
	CHECK(b->handoff_ns, want->handoff_ns);
	CHECK(b->idle_ns, want->idle_ns);
	CHECK(b->unknown_ns, want->unknown_ns);
	CHECK(b->wait_ns, want->wait_ns);
	CHECK(b->holds, want->holds);
	CHECK(b->contended_holds, want->contended_holds);
	CHECK(b->forced_releases, want->forced_releases);
}

static void check_result(uint64_t number, const struct model_result *m, const struct ref *r)
{
	size_t on_gil = 0, off_gil = 0;

	CHECK(m->start_ns, r->t0);
	CHECK(m->end_ns, r->t1);
	CHECK(m->gil_count, r->gil_count);
	for (size_t i = 0; i < m->gil_count; i++)
		check_gil(number, &m->gils[i], &r->gils[i]);
	CHECK(m->thread_count, r->entry_count);
	for (size_t i = 0; i < m->thread_count; i++)
		check_thread(number, &m->threads[i], r, &r->entries[i]);
	CHECK(m->exited_count, 0);
	for (size_t i = 0; i < r->life_count; i++)
		on_gil += r->lives[i].on_gil;
	for (size_t i = 0; i < r->life_count; i++)
		off_gil += !r->lives[i].on_gil && r->lives[i].from <= r->t1 &&
			   r->lives[i].exit >= r->t0;
	CHECK(m->threads_on_gil, on_gil);
	CHECK(m->threads_off_gil, off_gil);
	CHECK(m->series_count, r->bin_count);
	for (size_t i = 0; i < m->series_count; i++)
		check_bin(number, &m->series[i], &r->bins[i]);
	for (size_t i = 0; i < LOSS_KINDS; i++)
		CHECK(m->losses[i], r->losses[i]);
}

/* Asks for each nanosecond of each wait who held. */
static void check_blame(uint64_t number, const struct model_result *m, const struct ref *r)
{
	const size_t n = r->entry_count;
	uint64_t *pairs = xcalloc(n * n + 1, sizeof(*pairs)), *blocked = xcalloc(n + 1, 8);
	struct model_bin *rest = xcalloc(n + 1, sizeof(*rest));

	for (size_t i = 0; i < r->waits.count; i++) {
		const struct ref_wait *w = &r->waits.items[i];

		for (uint64_t t = w->from; t < w->to; t++) {
			struct model_bin tick = {0};

			*ref_tick(&tick, r, w->gil, t) = 1;
			if (tick.held_ns) {
				const size_t holder = ref_holder(w->gil, t);

				pairs[w->entry * n + holder]++;
				blocked[holder]++;
			}
			bin_merge(&rest[w->entry], &tick);
		}
	}
	for (size_t i = 0; i < n; i++) {
		CHECK(m->threads[i].handoff_ns, rest[i].handoff_ns + rest[i].idle_ns);
		CHECK(m->threads[i].unknown_ns, rest[i].unknown_ns);
		CHECK(m->threads[i].others_ns, 0);
		CHECK(m->threads[i].blocked_ns, blocked[i]);
	}
	for (size_t i = 0; i < m->blame_count; i++) {
		CHECK(m->blame[i].ns, pairs[m->blame[i].waiter * n + m->blame[i].holder]);
		pairs[m->blame[i].waiter * n + m->blame[i].holder] = 0;
	}
	for (size_t i = 0; i < n * n; i++)
		CHECK(pairs[i], 0);
	free(pairs);
	free(blocked);
	free(rest);
}

/* Where the stream tells all, the model must know what really was. */
static void check_truth(uint64_t number, const struct model_result *m, const struct sim *s)
{
	uint64_t held = 0, waited = 0, unknown = 0;

	if (s->loss_percent || s->unannounced)
		return;
	for (size_t i = 0; i < m->gil_count; i++) {
		held += m->gils[i].held_ns;
		waited += m->gils[i].wait_ns;
		unknown += m->gils[i].unknown_ns;
	}
	CHECK(held, s->true_held);
	CHECK(waited, s->true_waited);
	CHECK(unknown, 0);
	for (size_t i = 0; i < LOSS_KINDS; i++)
		CHECK(m->losses[i], 0);
}

/*
 * What holds for every stream that has an end. Where short holds are counted, a damaged stream may
 * tell others of the GIL than of its threads: not `same_holds`.
 */
static void check_identities(uint64_t number, const struct model_result *m, bool same_holds)
{
	struct model_bin gils = {0}, bins = {0};
	uint64_t thread_hold = 0, thread_wait = 0, blamed = 0, span = 0;

	for (size_t i = 0; i < m->gil_count; i++) {
		const struct model_gil *g = &m->gils[i];

		CHECK(g->held_ns + g->handoff_ns + g->idle_ns + g->unknown_ns, g->observed_ns);
		CHECK(g->from_ns + g->observed_ns, m->end_ns);
		gils.held_ns += g->held_ns;
		gils.handoff_ns += g->handoff_ns;
		gils.idle_ns += g->idle_ns;
		gils.unknown_ns += g->unknown_ns;
		gils.wait_ns += g->wait_ns;
		gils.holds += g->holds;
		gils.contended_holds += g->contended_holds;
		gils.forced_releases += g->forced_releases;
	}
	for (size_t i = 0; i < m->thread_count; i++) {
		thread_hold += m->threads[i].hold.total_ns;
		thread_wait += m->threads[i].wait.total_ns;
		blamed += m->threads[i].handoff_ns + m->threads[i].unknown_ns +
			  m->threads[i].others_ns;
	}
	for (size_t i = 0; i < m->exited_count; i++) {
		thread_hold += m->exited[i].hold.total_ns;
		thread_wait += m->exited[i].wait.total_ns;
		blamed +=
			m->exited[i].handoff_ns + m->exited[i].unknown_ns + m->exited[i].others_ns;
	}
	if (same_holds)
		CHECK(thread_hold, gils.held_ns);
	CHECK(thread_wait, gils.wait_ns);
	for (size_t i = 0; i < m->blame_count; i++)
		blamed += m->blame[i].ns;
	CHECK(blamed, thread_wait);
	if (!m->series_count || !same_holds)
		return;
	for (size_t i = 0; i < m->series_count; i++) {
		const struct model_bin *b = &m->series[i];

		CHECK(b->at_ns, span);
		span += b->span_ns;
		bins.held_ns += b->held_ns;
		bins.handoff_ns += b->handoff_ns;
		bins.idle_ns += b->idle_ns;
		bins.unknown_ns += b->unknown_ns;
		bins.wait_ns += b->wait_ns;
		bins.holds += b->holds;
		bins.contended_holds += b->contended_holds;
		bins.forced_releases += b->forced_releases;
	}
	CHECK(span, m->end_ns - m->start_ns);
	check_bin(number, &bins, &gils);
}

static void legal_streams_match_the_reference(void **state)
{
	struct ref *r = xcalloc(1, sizeof(*r));
	struct sim s;

	(void)state;
	for (uint64_t number = 0; number < LEGAL_STREAMS; number++) {
		uint64_t interval = 1 + number % 130;

		sim_run(&s, seed_of(number));
		struct model *m = feed_all(&s.out, interval);

		ref_run(r, &s.out, interval);
		assert_non_null(model_result(m));
		check_result(number, model_result(m), r);
		check_truth(number, model_result(m), &s);
		check_blame(number, model_result(m), r);
		check_identities(number, model_result(m), true);
		ref_free(r);
		model_free(m);
		sim_free(&s);
	}
	free(r);
}

/* The model's entry that is the reference's: counting changes the order. */
static const struct model_thread *entry_like(const struct model_result *m, const struct ref *r,
					     const struct ref_entry *want, bool *taken)
{
	const struct ref_life *life = &r->lives[want->life];
	const uint64_t from = life->from > r->t0 ? life->from : r->t0;

	for (size_t i = 0; i < m->thread_count; i++) {
		const struct model_thread *t = &m->threads[i];

		if (taken[i] || t->tid != life->tid || t->gil != want->gil || t->from_ns != from)
			continue;
		if (t->exited && t->from_ns + t->observed_ns != life->exit && t->observed_ns)
			continue;
		taken[i] = true;
		return t;
	}
	return NULL;
}

static void check_counted(uint64_t number, const struct model_result *m, const struct ref *r)
{
	bool *taken = xcalloc(m->thread_count + 1, sizeof(*taken));

	CHECK(m->gil_count, r->gil_count);
	for (size_t i = 0; i < m->gil_count; i++)
		check_gil(number, &m->gils[i], &r->gils[i]);
	CHECK(m->thread_count, r->entry_count);
	for (size_t i = 0; i < r->entry_count; i++) {
		const struct model_thread *t = entry_like(m, r, &r->entries[i], taken);

		assert_non_null(t);
		check_thread(number, t, r, &r->entries[i]);
	}
	for (size_t i = 0; i < LOSS_KINDS; i++)
		CHECK(m->losses[i], 0);
	free(taken);
}

/* A capture whose short holds were counted says the same as one whose holds were all told. */
static void counted_streams_match_the_reference(void **state)
{
	struct ref *r = xcalloc(1, sizeof(*r));
	uint64_t counted = 0, told = 0;
	struct sim s;

	(void)state;
	for (uint64_t number = 0; number < LEGAL_STREAMS; number++) {
		sim_run(&s, seed_of(number));
		if (!s.loss_percent && !s.unannounced) {
			struct model *m = feed_all(&s.counted, 0);

			ref_run(r, &s.out, 1 + number % 130);
			assert_non_null(model_result(m));
			check_counted(number, model_result(m), r);
			check_identities(number, model_result(m), true);
			for (size_t i = 0; i < model_result(m)->gil_count; i++) {
				counted += model_result(m)->gils[i].short_holds;
				told += model_result(m)->gils[i].holds;
			}
			ref_free(r);
			model_free(m);
		}
		sim_free(&s);
	}
	assert_true(counted > told / 10);
	assert_true(counted < told);
	free(r);
}

/* Drops, repeats, exchanges and overwrites records between the first and the last one. */
static void spoil(struct stream *s, struct sim_random *random)
{
	size_t n = 1 + sim_below(random, 8);

	for (size_t i = 0; i < n && s->count > 3; i++) {
		size_t at = 1 + sim_below(random, s->count - 2);
		size_t other = 1 + sim_below(random, s->count - 2);
		union record r = s->items[at];

		switch (sim_below(random, 4)) {
		case 0:
			s->items[at].head.kind = EV_LOSS; /* of another size */
			break;
		case 1:
			s->items[at] = s->items[other];
			break;
		case 2:
			s->items[at] = s->items[other];
			s->items[other] = r;
			break;
		default:
			((unsigned char *)&s->items[at])[sim_below(random, sizeof(r))] ^=
				(unsigned char)(1 << sim_below(random, 8));
		}
	}
}

/*
 * The identities are asserted once the model has closed; a spoilt record may have closed it early,
 * or not at all.
 */
static void check_spoilt(uint64_t number, const struct stream *s, uint64_t interval_ns,
			 bool same_holds)
{
	const struct model_options options = {
		.interval_ns = interval_ns,
		.max_exited = number % 3, /* 0: too many to be reached */
		.max_recent = number % 2,
	};
	struct model *m = model_new(&options);
	struct model_bin bin;

	for (size_t i = 0; i < s->count; i++) {
		union record *exact = xcalloc(1, s->items[i].head.size);

		/* A copy of the record's own size, so that a sanitizer sees what is beyond it. */
		memcpy(exact, &s->items[i],
		       s->items[i].head.size < sizeof(*exact) ? s->items[i].head.size
							      : sizeof(*exact));
		model_feed(m, exact, s->items[i].head.size);
		free(exact);
	}
	model_peek_bin(m, number % 7, NULL, 0, &bin);
	if (model_result(m))
		check_identities(number, model_result(m), same_holds);
	model_free(m);
}

/* A time far in the future costs a series of short bins all that it may have, so these are rare. */
static uint64_t spoilt_interval(uint64_t number)
{
	static const uint64_t intervals[] = {0, 1ULL << 52, 1ULL << 58, UINT64_MAX};

	return number % 1000 == 999 ? 37 : intervals[number % ARRAY_SIZE(intervals)];
}

static void spoilt_streams_keep_the_identities(void **state)
{
	struct sim s;

	(void)state;
	for (uint64_t number = 0; number < SPOILT_STREAMS; number++) {
		sim_run(&s, seed_of(number));
		spoil(&s.out, &s.random);
		check_spoilt(number, &s.out, spoilt_interval(number), true);
		spoil(&s.counted, &s.random);
		check_spoilt(number, &s.counted, spoilt_interval(number), false);
		sim_free(&s);
	}
}

static uint64_t random_time(struct sim_random *random)
{
	switch (sim_below(random, 10)) {
	case 0:
		return 0;
	case 1:
		return UINT64_MAX - sim_below(random, 3);
	case 2:
		return sim_below(random, UINT64_MAX);
	default:
		return 1000 + sim_below(random, 1500);
	}
}

static union record random_record(struct sim_random *random)
{
	uint32_t gil = (uint32_t)sim_below(random, 3), tid = (uint32_t)sim_below(random, 5);
	uint64_t seq =
		sim_below(random, 20) ? sim_below(random, 60) : sim_below(random, UINT64_MAX);
	uint32_t flags = (uint32_t)sim_below(random, 1 << 10);
	union record r;

	switch (sim_below(random, 14)) {
	case 0:
		return rec_gil(gil, random_time(random));
	case 1:
		return rec_gil_end(gil, seq, (uint32_t)sim_below(random, 3));
	case 2:
		return rec_wait(sim_chance(random, 50) ? EV_WAIT_END : EV_WAIT_OPEN, gil, tid,
				random_time(random), random_time(random));
	case 3:
		return rec_thread(EV_THREAD_START, tid, random_time(random), "s");
	case 4:
		return rec_thread(EV_THREAD_EXIT, tid, random_time(random), "e");
	case 5:
		if (sim_chance(random, 10))
			return rec_mark(EV_CAPTURE_STOP, random_time(random), 0);
		return rec_loss((uint32_t)sim_below(random, LOSS_KINDS + 2), 1);
	case 6:
		for (size_t i = 0; i < sizeof(r); i++)
			((unsigned char *)&r)[i] = (unsigned char)sim_below(random, 256);
		r.head.kind %= 48;
		r.head.size %= 80;
		return r;
	case 7:
		return rec_short_holds(gil, seq, random_time(random), random_time(random));
	case 8:
		r = rec_thread_holds(gil, tid);
		for (size_t i = sim_below(random, 4); i > 0; i--)
			thread_holds_count(&r.thread_holds,
					   (uint32_t)sim_below(random, SHORT_HOLD_NS));
		r.thread_holds.count += sim_chance(random, 10);
		return r;
	default:
		r = rec_hold(gil, tid, seq, random_time(random), random_time(random), flags);
		r.hold.request_ns = random_time(random);
		r.hold.head.process += sim_chance(random, 10);
		return r;
	}
}

static void garbage_keeps_the_identities(void **state)
{
	(void)state;
	for (uint64_t number = 0; number < GARBAGE_STREAMS; number++) {
		struct sim_random random = {seed_of(number)};
		struct stream s = {0};

		stream_add(&s, rec_mark(EV_CAPTURE_START, 1000, END_NONE));
		for (size_t i = sim_below(&random, GARBAGE_RECORDS); i > 0; i--)
			stream_add(&s, random_record(&random));
		stream_add(&s, rec_mark(EV_CAPTURE_END, random_time(&random), END_SIGNAL));
		check_spoilt(number, &s, spoilt_interval(number), false);
		stream_free(&s);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(legal_streams_match_the_reference),
		cmocka_unit_test(counted_streams_match_the_reference),
		cmocka_unit_test(spoilt_streams_keep_the_identities),
		cmocka_unit_test(garbage_keeps_the_identities),
	};

	print_message("seeds: (stream number + 1) * 0x9e3779b97f4a7c15\n");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
