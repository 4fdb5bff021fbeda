/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 gilscope contributors */
/*
 * Numbers for people. Integer arithmetic and a decimal point in every locale; nothing is allocated:
 * the result may be used as an argument, format_time(ns, false).text.
 */
#ifndef GILSCOPE_FORMAT_H
#define GILSCOPE_FORMAT_H

#include <stdbool.h>
#include <stdint.h>

struct number {
	char text[32];
};

/* A time in ns with three significant digits: "812 ns", "4.98 ms", "12.3 s", "16.7 min". With
 * `ascii` "us" instead of the micro sign. */
struct number format_time(uint64_t ns, bool ascii);

/* The same without decimals where the time is a whole number of its unit: "5 ms", "200 us". */
struct number format_round_time(uint64_t ns, bool ascii);

/* "1,234,567" */
struct number format_count(uint64_t n);

/* Share of a whole: "88.6%". ">99.9%" is not quite all; "-" is the share of nothing. */
struct number format_share(uint64_t part, uint64_t whole);

/* A fraction as percent: 0.0123 is "1.2%", 2 is "200.0%". "<0.1%" is not quite nothing. "-" if it
 * is negative. */
struct number format_percent(double fraction);

/* A number, not negative, with `decimals` (0 to 6) places: "2.31". */
struct number format_fixed(double value, int decimals);

/* "512 B", "14.1 MiB": three significant digits. */
struct number format_bytes(uint64_t bytes);

#endif
