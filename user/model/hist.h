/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 gilscope contributors */
/*
 * A log-linear histogram of times in ns: 32 buckets for each power of two, so that a bucket is at
 * most 1/32 as wide as its lower bound from 100 ns to 1,000 s. Memory is taken for the powers of
 * two that occur only.
 */
#ifndef GILSCOPE_HIST_H
#define GILSCOPE_HIST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HIST_SUB 32 /* buckets a power of two */
#define HIST_OCTAVES                                                                               \
	36 /* [0, 64) in steps of 2, then [64, 128) ... up to 2^41 ns; the last bucket reaches to  \
	      the largest value */

struct hist {
	uint64_t count;
	uint64_t total; /* ns */
	uint64_t min, max;
	/* HIST_SUB numbers for each power of two that occurs, in the order in which they were needed:
	 * 32 bits each, all 64 once one of them is too large for that. */
	union {
		uint32_t *narrow;
		uint64_t *wide;
	} rows;
	bool is_wide;
	uint8_t row_count;
	uint8_t row_of[HIST_OCTAVES]; /* from 1 on; 0: it does not occur */
};

/* A zeroed struct hist is an empty one. */
void hist_add(struct hist *h, uint64_t ns);

/* Values that were counted elsewhere, in the first buckets of a histogram: `count` of them, above 0. */
struct hist_counts {
	const uint32_t *buckets;
	size_t bucket_count; /* a multiple of HIST_SUB */
	uint64_t count, total, min, max;
};
void hist_add_counts(struct hist *h, const struct hist_counts *counts);

void hist_merge(struct hist *into, const struct hist *from);
void hist_free(struct hist *h);

/*
 * Value below which a share `p` (0 to 1) of the values lies: the midpoint of the bucket that holds
 * value number ceil(p * count), clamped to min..max. 0 if empty.
 */
uint64_t hist_percentile(const struct hist *h, double p);
/* Mean in ns, rounded down; 0 if empty. */
uint64_t hist_mean(const struct hist *h);

/*
 * Non-empty buckets in ascending order: start with *cursor = 0; false at the end. A bucket is [lo,
 * hi) with n values.
 */
struct hist_bucket {
	uint64_t lo, hi, n;
};
bool hist_next(const struct hist *h, size_t *cursor, struct hist_bucket *bucket);

/* Values of all buckets whose lower bound is in [lo, hi). */
uint64_t hist_count_between(const struct hist *h, uint64_t lo, uint64_t hi);

#endif
