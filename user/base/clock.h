/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 gilscope contributors */
#ifndef GILSCOPE_CLOCK_H
#define GILSCOPE_CLOCK_H

#include <stdint.h>

#define NSEC_PER_SEC 1000000000ULL
#define NSEC_PER_MSEC 1000000ULL
#define NSEC_PER_USEC 1000ULL

/* Now in ns: the clock of bpf_ktime_get_ns (CLOCK_MONOTONIC), and the wall clock since 1970. */
uint64_t clock_mono_ns(void);
uint64_t clock_unix_ns(void);

/*
 * Parses "2", "0.5", "2s", "500ms", "250us", "100ns", "1min", "1h" (without a unit: seconds) into ns.
 * 0, or -EINVAL for anything else, a negative or zero time, or more than 10 years. Prints nothing.
 */
int duration_parse(const char *text, uint64_t *ns);

static inline uint64_t min_ns(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static inline uint64_t max_ns(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

#endif
