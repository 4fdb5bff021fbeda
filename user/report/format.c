/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 gilscope contributors */
#include "report/format.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>

#include "base/mem.h"

#define MICRO "\xc2\xb5"

struct unit {
	uint64_t size; /* divisible by 100, or 1: no decimals below it */
	const char *name, *ascii;
};

static const struct unit time_units[] = {
	{1, "ns", "ns"},	   {1000, MICRO "s", "us"},	   {1000000, "ms", "ms"},
	{1000000000ULL, "s", "s"}, {60000000000ULL, "min", "min"}, {3600000000000ULL, "h", "h"},
};

/* `scaled` is the number times 10^decimals. */
static void put_fixed(struct number *out, uint64_t scaled, int decimals, const char *suffix)
{
	uint64_t power = 1;

	for (int i = 0; i < decimals; i++)
		power *= 10;
	if (decimals == 0)
		snprintf(out->text, sizeof(out->text), "%" PRIu64 "%s", scaled, suffix);
	else
		snprintf(out->text, sizeof(out->text), "%" PRIu64 ".%0*" PRIu64 "%s",
			 scaled / power, decimals, scaled % power, suffix);
}

/* value / step, rounded to the nearest; without the overflow of value + step / 2. */
static uint64_t divide(uint64_t value, uint64_t step)
{
	return value / step + (value % step >= step - step / 2 ? 1 : 0);
}

/* Number of decimals so that three digits show, or -1 if the value is 1000 units or more. */
static int three_digits(uint64_t value, uint64_t size, uint64_t *scaled)
{
	uint64_t power = size == 1 ? 1 : 100;

	for (int decimals = size == 1 ? 0 : 2; decimals >= 0; decimals--, power /= 10) {
		*scaled = divide(value, size / power);
		if (*scaled < 1000)
			return decimals;
	}
	return -1;
}

struct number format_time(uint64_t ns, bool ascii)
{
	struct number out;
	uint64_t scaled = 0;
	const struct unit *unit = NULL;
	int decimals = -1;

	for (size_t i = 0; i < ARRAY_SIZE(time_units) && decimals < 0; i++) {
		unit = &time_units[i];
		decimals = three_digits(ns, unit->size, &scaled);
	}
	char suffix[8];
	snprintf(suffix, sizeof(suffix), " %s", ascii ? unit->ascii : unit->name);
	put_fixed(&out, scaled, decimals < 0 ? 0 : decimals, suffix);
	return out;
}

struct number format_round_time(uint64_t ns, bool ascii)
{
	struct number out;
	const size_t seconds = 3; /* "90 s" is as whole as a number gets */

	for (size_t i = seconds + 1; i-- > 0;) {
		const struct unit *unit = &time_units[i];

		if (ns < unit->size || ns % unit->size != 0)
			continue;
		if (ns / unit->size >= 1000 && i < seconds)
			break;
		snprintf(out.text, sizeof(out.text), "%" PRIu64 " %s", ns / unit->size,
			 ascii ? unit->ascii : unit->name);
		return out;
	}
	return format_time(ns, ascii);
}

struct number format_count(uint64_t n)
{
	struct number out;
	char digits[24];
	int count = snprintf(digits, sizeof(digits), "%" PRIu64, n);
	size_t at = 0;

	for (int i = 0; i < count; i++) {
		if (i > 0 && (count - i) % 3 == 0)
			out.text[at++] = ',';
		out.text[at++] = digits[i];
	}
	out.text[at] = '\0';
	return out;
}

struct number format_share(uint64_t part, uint64_t whole)
{
	if (whole == 0)
		return (struct number){"-"};
	long double share = (long double)part / whole;
	if (part < whole && share >= 0.9995L)
		return (struct number){">99.9%"};
	return format_percent((double)share);
}

struct number format_percent(double fraction)
{
	struct number out;

	if (!(fraction >= 0) || fraction > 1e12)
		return (struct number){"-"};
	if (fraction > 0 && fraction < 0.0005)
		return (struct number){"<0.1%"};
	put_fixed(&out, (uint64_t)llround(fraction * 1000), 1, "%");
	return out;
}

struct number format_fixed(double value, int decimals)
{
	struct number out;

	if (!(value >= 0) || value > 1e12)
		return (struct number){"-"};
	put_fixed(&out, (uint64_t)llround(value * pow(10, decimals)), decimals, "");
	return out;
}

struct number format_bytes(uint64_t bytes)
{
	static const char *const names[] = {" KiB", " MiB", " GiB", " TiB"};
	struct number out;
	double value = (double)bytes / 1024;
	size_t i = 0;

	if (bytes < 1024) {
		snprintf(out.text, sizeof(out.text), "%" PRIu64 " B", bytes);
		return out;
	}
	/* 999.5 would show as 1000 */
	for (; value >= 999.5 && i + 1 < ARRAY_SIZE(names); i++)
		value /= 1024;
	int decimals = value < 9.995 ? 2 : value < 99.95 ? 1 : 0;
	put_fixed(&out, (uint64_t)llround(value * pow(10, decimals)), decimals, names[i]);
	return out;
}
