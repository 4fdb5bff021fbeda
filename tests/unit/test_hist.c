/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 gilscope contributors */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "bpf/events.h"
#include "model/hist.h"

#define SECOND 1000000000ULL

static uint64_t next_random(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

/* Spread evenly over the orders of magnitude up to about 1100 s. */
static uint64_t random_time(uint64_t *state)
{
	return next_random(state) >> (24 + next_random(state) % 40);
}

/* The bucket that a single value falls into. */
static struct hist_bucket bucket_with(uint64_t ns)
{
	struct hist h = {0};
	struct hist_bucket b, more;
	size_t cursor = 0;

	hist_add(&h, ns);
	assert_true(hist_next(&h, &cursor, &b));
	assert_int_equal(b.n, 1);
	assert_false(hist_next(&h, &cursor, &more));
	hist_free(&h);
	return b;
}

static void assert_in_bucket(uint64_t ns)
{
	struct hist_bucket b = bucket_with(ns);

	assert_true(b.lo <= ns);
	assert_true(ns < b.hi || ns == UINT64_MAX);
	if (ns >= 100 && ns <= 1000 * SECOND)
		assert_true((b.hi - b.lo) * 32 <= b.lo);
}

/* The programs count short holds into buckets of their own, which must be the first of ours. */
static void counts_are_the_same_histogram(void **state)
{
	static struct ev_thread_holds counted;
	struct hist one = {0}, other = {0};
	struct hist_bucket a, b;
	size_t at = 0, also = 0;

	(void)state;
	hist_add(&one, 2 * SHORT_HOLD_NS);
	hist_add(&other, 2 * SHORT_HOLD_NS);
	counted.min_ns = 3;
	for (uint32_t ns = 3; ns < SHORT_HOLD_NS; ns++) {
		hist_add(&one, ns);
		assert_true(short_hold_bucket(ns) < SHORT_HOLD_BUCKETS);
		counted.buckets[short_hold_bucket(ns)]++;
		counted.count++;
		counted.total_ns += ns;
		counted.max_ns = ns;
	}
	hist_add_counts(&other, &(struct hist_counts){.buckets = counted.buckets,
						      .bucket_count = SHORT_HOLD_BUCKETS,
						      .count = counted.count,
						      .total = counted.total_ns,
						      .min = counted.min_ns,
						      .max = counted.max_ns});
	assert_int_equal(one.count, other.count);
	assert_int_equal(one.total, other.total);
	assert_int_equal(one.min, other.min);
	assert_int_equal(one.max, other.max);
	while (hist_next(&one, &at, &a)) {
		assert_true(hist_next(&other, &also, &b));
		assert_memory_equal(&a, &b, sizeof(a));
	}
	assert_false(hist_next(&other, &also, &b));
	hist_free(&one);
	hist_free(&other);
}

static void every_value_lies_in_a_narrow_bucket(void **state)
{
	uint64_t seed = 88172645463325252ULL;

	(void)state;
	for (uint64_t ns = 0; ns < 5000; ns++)
		assert_in_bucket(ns);
	for (int i = 0; i < 20000; i++)
		assert_in_bucket(random_time(&seed));
	for (int bit = 12; bit < 64; bit++) {
		assert_in_bucket((1ULL << bit) - 1);
		assert_in_bucket(1ULL << bit);
	}
	assert_in_bucket(1000 * SECOND);
	assert_in_bucket(UINT64_MAX);
}

static void buckets_are_half_open_and_adjacent(void **state)
{
	uint64_t lo = 0;

	(void)state;
	while (lo < 2000 * SECOND) {
		struct hist_bucket b = bucket_with(lo);

		assert_int_equal(b.lo, lo);
		assert_int_equal(bucket_with(b.hi - 1).lo, lo);
		lo = b.hi;
	}
}

static void buckets_come_in_order_and_sum_up(void **state)
{
	uint64_t seed = 1234567;
	struct hist h = {0};
	struct hist_bucket b;
	uint64_t n = 0, last = 0, total = 0;
	size_t cursor = 0;

	(void)state;
	for (int i = 0; i < 10000; i++) {
		uint64_t ns = random_time(&seed);

		hist_add(&h, ns);
		total += ns;
	}
	while (hist_next(&h, &cursor, &b)) {
		assert_true(b.n > 0);
		assert_true(b.lo >= last);
		last = b.hi;
		n += b.n;
	}
	assert_int_equal(n, 10000);
	assert_int_equal(h.count, 10000);
	assert_int_equal(h.total, total);
	assert_int_equal(hist_mean(&h), total / 10000);
	assert_false(hist_next(&h, &cursor, &b));
	hist_free(&h);
}

static int by_value(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

static void assert_percentiles(const uint64_t *sorted, size_t n, const struct hist *h)
{
	static const struct {
		double p;
		size_t per_mille;
	} shares[] = {{0, 0},	  {0.001, 1},  {0.25, 250},  {0.5, 500},
		      {0.9, 900}, {0.99, 990}, {0.999, 999}, {1, 1000}};

	for (size_t i = 0; i < ARRAY_SIZE(shares); i++) {
		size_t rank = (n * shares[i].per_mille + 999) / 1000;
		uint64_t exact = sorted[rank ? rank - 1 : 0];
		struct hist_bucket b = bucket_with(exact);
		uint64_t middle = b.lo + (b.hi - b.lo) / 2;

		if (middle < sorted[0])
			middle = sorted[0];
		if (middle > sorted[n - 1])
			middle = sorted[n - 1];
		assert_int_equal(hist_percentile(h, shares[i].p), middle);
	}
}

static void percentiles_match_sorted_values(void **state)
{
	static const size_t sizes[] = {1, 2, 3, 10, 999, 1000, 1001, 50000};
	uint64_t seed = 42424242;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		uint64_t *values = xcalloc(sizes[i], sizeof(*values));
		struct hist h = {0};

		for (size_t k = 0; k < sizes[i]; k++) {
			values[k] = random_time(&seed);
			hist_add(&h, values[k]);
		}
		qsort(values, sizes[i], sizeof(*values), by_value);
		assert_int_equal(h.min, values[0]);
		assert_int_equal(h.max, values[sizes[i] - 1]);
		assert_percentiles(values, sizes[i], &h);
		hist_free(&h);
		free(values);
	}
}

static void midpoint_is_clamped(void **state)
{
	struct hist h = {0};
	struct hist_bucket b = bucket_with(1000000);

	(void)state;
	hist_add(&h, b.lo);
	assert_int_equal(hist_percentile(&h, 0.5), b.lo); /* below the midpoint */
	hist_free(&h);
	hist_add(&h, b.hi - 1);
	assert_int_equal(hist_percentile(&h, 0.5), b.hi - 1); /* above it */
	hist_add(&h, b.lo);
	assert_int_equal(hist_percentile(&h, 0.5), b.lo + (b.hi - b.lo) / 2);
	hist_free(&h);
}

static void merge_is_the_same_as_adding_all(void **state)
{
	uint64_t seed = 777;
	struct hist parts[3] = {0}, all = {0}, merged = {0}, empty = {0};

	(void)state;
	for (int i = 0; i < 3000; i++) {
		uint64_t ns = random_time(&seed) + 5;

		hist_add(&parts[i % 3], ns);
		hist_add(&all, ns);
	}
	hist_merge(&merged, &empty);
	for (int i = 0; i < 3; i++)
		hist_merge(&merged, &parts[i]);
	hist_merge(&merged, &empty);
	assert_int_equal(merged.count, all.count);
	assert_int_equal(merged.total, all.total);
	assert_int_equal(merged.min, all.min);
	assert_int_equal(merged.max, all.max);

	struct hist_bucket a, b;
	size_t at_a = 0, at_b = 0;

	while (hist_next(&all, &at_a, &a)) {
		assert_true(hist_next(&merged, &at_b, &b));
		assert_memory_equal(&a, &b, sizeof(a));
	}
	assert_false(hist_next(&merged, &at_b, &b));
	for (int i = 0; i < 3; i++)
		hist_free(&parts[i]);
	hist_free(&all);
	hist_free(&merged);
}

/* More values in a bucket than 32 bits can count, beside a bucket with one. */
static void large_counts(void **state)
{
	struct hist h[2] = {0};
	uint64_t n[2] = {1, 1};
	struct hist_bucket b;
	size_t cursor = 0;

	(void)state;
	hist_add(&h[0], 1000);
	hist_add(&h[1], 1000);
	for (int i = 0; i < 60; i++) {
		hist_merge(&h[i % 2], &h[1 - i % 2]);
		n[i % 2] += n[1 - i % 2];
	}
	assert_true(n[1] > 1ULL << 40);
	hist_add(&h[1], 5000000);
	assert_true(hist_next(&h[1], &cursor, &b));
	assert_true(b.lo <= 1000 && 1000 < b.hi);
	assert_int_equal(b.n, n[1]);
	assert_true(hist_next(&h[1], &cursor, &b));
	assert_true(b.lo <= 5000000 && 5000000 < b.hi);
	assert_int_equal(b.n, 1);
	assert_false(hist_next(&h[1], &cursor, &b));
	assert_int_equal(h[1].count, n[1] + 1);
	hist_free(&h[0]);
	hist_free(&h[1]);
}

static void empty_histogram_is_all_zeros(void **state)
{
	struct hist h = {0};
	struct hist_bucket b;
	size_t cursor = 0;

	(void)state;
	assert_int_equal(hist_percentile(&h, 0.5), 0);
	assert_int_equal(hist_mean(&h), 0);
	assert_int_equal(hist_count_between(&h, 0, UINT64_MAX), 0);
	assert_false(hist_next(&h, &cursor, &b));
	hist_free(&h);
}

static void counts_between_bounds(void **state)
{
	struct hist h = {0};

	(void)state;
	hist_add(&h, 0);
	hist_add(&h, 63);
	hist_add(&h, 64);
	hist_add(&h, 1 << 20);
	hist_add(&h, 1 << 21);
	assert_int_equal(hist_count_between(&h, 0, UINT64_MAX), 5);
	assert_int_equal(hist_count_between(&h, 0, 64), 2);
	assert_int_equal(hist_count_between(&h, 64, 1 << 20), 1);
	assert_int_equal(hist_count_between(&h, 64, (1 << 20) + 1), 2);
	assert_int_equal(hist_count_between(&h, (1 << 20) + 1, 1 << 21), 0);
	assert_int_equal(hist_count_between(&h, 1 << 21, 1 << 21), 0);
	hist_free(&h);
}

/* A hold of an hour is beyond the precise range, and still within its bucket. */
static void values_beyond_the_range_stay_in_the_last_bucket(void **state)
{
	struct hist h = {0};
	struct hist_bucket b;
	size_t cursor = 0;

	(void)state;
	hist_add(&h, 3600 * SECOND);
	hist_add(&h, 7200 * SECOND);
	assert_true(hist_next(&h, &cursor, &b));
	assert_int_equal(b.n, 2);
	assert_int_equal(b.hi, 7200 * SECOND + 1);
	assert_true(b.lo < 2200 * SECOND);
	assert_true(hist_percentile(&h, 0.5) >= 3600 * SECOND);
	assert_true(hist_percentile(&h, 0.5) <= 7200 * SECOND);
	hist_free(&h);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(counts_are_the_same_histogram),
		cmocka_unit_test(every_value_lies_in_a_narrow_bucket),
		cmocka_unit_test(buckets_are_half_open_and_adjacent),
		cmocka_unit_test(buckets_come_in_order_and_sum_up),
		cmocka_unit_test(percentiles_match_sorted_values),
		cmocka_unit_test(midpoint_is_clamped),
		cmocka_unit_test(merge_is_the_same_as_adding_all),
		cmocka_unit_test(empty_histogram_is_all_zeros),
		cmocka_unit_test(large_counts),
		cmocka_unit_test(counts_between_bounds),
		cmocka_unit_test(values_beyond_the_range_stay_in_the_last_bucket),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
