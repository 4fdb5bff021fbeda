/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 gilscope contributors */
/* The model's result of a numbered stream against the reference; the number is printed when they
 * differ. */
#ifndef GILSCOPE_TEST_MODEL_CHECKS_H
#define GILSCOPE_TEST_MODEL_CHECKS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "model_reference.h"

static inline uint64_t seed_of(uint64_t number)
{
	return (number + 1) * 0x9e3779b97f4a7c15ULL;
}

static inline void check_equal(uint64_t number, const char *what, uint64_t got, uint64_t want)
{
	if (got != want)
		fail_msg("stream %llu: %s is %llu, must be %llu", (unsigned long long)number, what,
			 (unsigned long long)got, (unsigned long long)want);
}

#define CHECK(got, want) check_equal(number, #got, got, want)

static inline struct model *feed_to(struct model *m, const struct stream *s)
{
	for (size_t i = 0; i < s->count; i++)
		feed(m, s->items[i]);
	return m;
}

static inline struct model *feed_all(const struct stream *s, uint64_t interval_ns)
{
	return feed_to(model_new(&(struct model_options){.interval_ns = interval_ns}), s);
}

static inline void check_times(uint64_t number, const struct model_times *t,
			       const struct ref_values *v)
{
	uint64_t sum = 0, min = UINT64_MAX, max = 0, n;
	struct hist_bucket b;
	size_t cursor = 0;

	for (size_t i = 0; i < v->count; i++) {
		sum += v->items[i];
		min = v->items[i] < min ? v->items[i] : min;
		max = v->items[i] > max ? v->items[i] : max;
	}
	CHECK(t->total_ns, v->total);
	CHECK(t->clipped, v->clipped);
	CHECK(t->clipped_ns, v->clipped_ns);
	CHECK(t->hist.count, v->count);
	CHECK(t->hist.total, sum);
	if (v->count) {
		CHECK(t->hist.min, min);
		CHECK(t->hist.max, max);
	}
	while (hist_next(&t->hist, &cursor, &b)) {
		n = 0;
		for (size_t i = 0; i < v->count; i++)
			n += v->items[i] >= b.lo && v->items[i] < b.hi;
		CHECK(b.n, n);
	}
}

static inline void check_thread(uint64_t number, const struct model_thread *t, const struct ref *r,
				const struct ref_entry *want)
{
	const struct ref_life *life = &r->lives[want->life];
	uint64_t from = life->from > r->t0 ? life->from : r->t0;
	uint64_t to = life->exit < r->t1 ? life->exit : r->t1;
	uint64_t observed = to > from ? to - from : 0;
	uint64_t busy = want->hold.total + want->wait.total;

	CHECK(t->tid, life->tid);
	CHECK(t->gil, want->gil);
	CHECK(t->from_ns, from);
	CHECK(t->observed_ns, observed);
	CHECK(t->exited, life->exit <= r->t1);
	CHECK(t->off_gil_ns, observed > busy ? observed - busy : 0);
	CHECK(t->forced_releases, want->forced);
	CHECK(t->voluntary_releases, want->voluntary);
	check_times(number, &t->hold, &want->hold);
	check_times(number, &t->wait, &want->wait);
}

#endif
