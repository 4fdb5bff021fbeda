/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 gilscope contributors */
#include "model/hist.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

#define FIRST_OCTAVE_BITS 6 /* the first octave is [0, 64) */
#define SUB_BITS 5	    /* HIST_SUB */
#define BUCKETS ((size_t)HIST_OCTAVES * HIST_SUB)

_Static_assert(HIST_SUB == 1 << SUB_BITS, "the shifts below take HIST_SUB for a power of two");

/* Number of the bucket of a value, from 0. */
static size_t bucket_of(uint64_t ns)
{
	if (ns < 1 << FIRST_OCTAVE_BITS)
		return ns >> (FIRST_OCTAVE_BITS - SUB_BITS);

	unsigned int log2 = 63 - (unsigned int)__builtin_clzll(ns);
	size_t octave = log2 - FIRST_OCTAVE_BITS + 1;

	if (octave >= HIST_OCTAVES)
		return BUCKETS - 1;
	return octave * HIST_SUB + ((ns >> (log2 - SUB_BITS)) & (HIST_SUB - 1));
}

/* Lower bound of a bucket; of the number after the last one, the upper bound of the last. */
static uint64_t bucket_lo(size_t bucket)
{
	size_t octave = bucket / HIST_SUB;
	uint64_t sub = bucket % HIST_SUB;

	if (octave == 0)
		return sub << (FIRST_OCTAVE_BITS - SUB_BITS);
	return (HIST_SUB + sub) << octave;
}

static uint64_t bucket_hi(const struct hist *h, size_t bucket)
{
	uint64_t hi = bucket_lo(bucket + 1);

	if (bucket == BUCKETS - 1 && h->max >= hi)
		return h->max == UINT64_MAX ? h->max : h->max + 1;
	return hi;
}

/* The number of values in a bucket. */
static uint64_t bucket_n(const struct hist *h, size_t bucket)
{
	size_t row = h->row_of[bucket / HIST_SUB];

	if (!row)
		return 0;

	size_t i = (row - 1) * HIST_SUB + bucket % HIST_SUB;

	return h->is_wide ? h->rows.wide[i] : h->rows.narrow[i];
}

static void add_row(struct hist *h, size_t octave)
{
	size_t size = HIST_SUB * (h->is_wide ? sizeof(uint64_t) : sizeof(uint32_t));
	char *rows = xrealloc_array(h->rows.wide, h->row_count + 1U, size);

	memset(rows + h->row_count * size, 0, size);
	h->rows.wide = (void *)rows;
	h->row_of[octave] = ++h->row_count;
}

static void widen(struct hist *h)
{
	size_t count = (size_t)h->row_count * HIST_SUB;
	uint64_t *wide = xcalloc(count, sizeof(*wide));

	for (size_t i = 0; i < count; i++)
		wide[i] = h->rows.narrow[i];
	free(h->rows.narrow);
	h->rows.wide = wide;
	h->is_wide = true;
}

static void bucket_add(struct hist *h, size_t bucket, uint64_t n)
{
	size_t octave = bucket / HIST_SUB;

	if (!h->row_of[octave])
		add_row(h, octave);

	size_t i = (h->row_of[octave] - 1U) * HIST_SUB + bucket % HIST_SUB;

	if (!h->is_wide && n > UINT32_MAX - h->rows.narrow[i])
		widen(h);
	if (h->is_wide)
		h->rows.wide[i] += n;
	else
		h->rows.narrow[i] += (uint32_t)n;
}

/* All but the buckets. */
static void add_sums(struct hist *h, uint64_t count, uint64_t total, uint64_t min, uint64_t max)
{
	if (!h->count || min < h->min)
		h->min = min;
	if (max > h->max)
		h->max = max;
	h->count += count;
	h->total += total;
}

void hist_add(struct hist *h, uint64_t ns)
{
	bucket_add(h, bucket_of(ns), 1);
	add_sums(h, 1, ns, ns, ns);
}

void hist_add_counts(struct hist *h, const struct hist_counts *counts)
{
	for (size_t i = 0; i < counts->bucket_count; i++)
		if (counts->buckets[i])
			bucket_add(h, i, counts->buckets[i]);
	add_sums(h, counts->count, counts->total, counts->min, counts->max);
}

void hist_merge(struct hist *into, const struct hist *from)
{
	struct hist_bucket bucket;

	if (!from->count)
		return;
	for (size_t cursor = 0; hist_next(from, &cursor, &bucket);)
		bucket_add(into, cursor - 1, bucket.n);
	add_sums(into, from->count, from->total, from->min, from->max);
}

void hist_free(struct hist *h)
{
	free(h->rows.wide);
	*h = (struct hist){0};
}

bool hist_next(const struct hist *h, size_t *cursor, struct hist_bucket *bucket)
{
	for (size_t i = *cursor; i < BUCKETS; i++) {
		if (!h->row_of[i / HIST_SUB]) {
			i |= HIST_SUB - 1; /* the last bucket of a power of two */
			continue;
		}
		uint64_t n = bucket_n(h, i);
		if (!n)
			continue;
		*bucket = (struct hist_bucket){
			.lo = bucket_lo(i),
			.hi = bucket_hi(h, i),
			.n = n,
		};
		*cursor = i + 1;
		return true;
	}
	*cursor = BUCKETS;
	return false;
}

static uint64_t clamp(uint64_t value, uint64_t min, uint64_t max)
{
	if (value < min)
		return min;
	return value > max ? max : value;
}

uint64_t hist_percentile(const struct hist *h, double p)
{
	uint64_t rank = (uint64_t)ceil(p * (double)h->count);
	struct hist_bucket b = {0};
	uint64_t seen = 0;
	size_t cursor = 0;

	while (hist_next(h, &cursor, &b)) {
		seen += b.n;
		if (seen >= rank)
			break;
	}
	return clamp(b.lo + (b.hi - b.lo) / 2, h->min, h->max);
}

uint64_t hist_mean(const struct hist *h)
{
	return h->count ? h->total / h->count : 0;
}

uint64_t hist_count_between(const struct hist *h, uint64_t lo, uint64_t hi)
{
	struct hist_bucket b;
	uint64_t n = 0;
	size_t cursor = 0;

	while (hist_next(h, &cursor, &b)) {
		if (b.lo >= lo && b.lo < hi)
			n += b.n;
	}
	return n;
}
