/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 gilscope contributors */
#include "target/py_lines.h"

#include <stdbool.h>

enum py_line_table py_line_table_of(int minor)
{
	if (minor <= 9)
		return PY_LNOTAB;
	return minor == 10 ? PY_LINETABLE : PY_LOCATIONS;
}

/* Lines are added up as unsigned numbers: a table of garbage may overflow them. */
static uint32_t add(uint32_t line, int64_t delta)
{
	return line + (uint32_t)delta;
}

/*
 * Pairs of (bytes, lines) that the next range is away from the last one. The range of a pair begins
 * behind its bytes, so the line of an offset is known when the next pair leads beyond it, or none
 * does.
 */
static int lnotab_line(const uint8_t *table, size_t size, int first_line, int64_t offset)
{
	uint32_t line = (uint32_t)first_line;
	int64_t at = 0;

	for (size_t i = 0; i + 1 < size; i += 2) {
		at += table[i];
		if (at > offset)
			break;
		line = add(line, (int8_t)table[i + 1]);
	}
	return (int)line;
}

/* Pairs of (bytes of the range, lines that it is away from the last one; -128: no line). */
static int linetable_line(const uint8_t *table, size_t size, int first_line, int64_t offset)
{
	uint32_t line = (uint32_t)first_line;
	int64_t end = 0;

	for (size_t i = 0; i + 1 < size; i += 2) {
		const int8_t delta = (int8_t)table[i + 1];

		end += table[i];
		if (delta != -128)
			line = add(line, delta);
		if (end > offset)
			return delta == -128 ? -1 : (int)line;
	}
	return -1;
}

/* The kinds of an entry (enum _PyCodeLocationInfoKind). */
enum {
	ENTRY_ONE_LINE = 10, /* to 12: the line is that many minus 10 away */
	ENTRY_NO_COLUMNS = 13,
	ENTRY_LONG = 14,
	ENTRY_NO_LINE = 15,
};

/* A number in groups of six bits, lowest first; bit 6 says that more follow. The sign is the lowest
 * bit. */
static int64_t signed_varint(const uint8_t *table, size_t size, size_t at)
{
	uint64_t value = 0;

	for (unsigned shift = 0; at < size && shift < 36; shift += 6, at++) {
		value |= (uint64_t)(table[at] & 63) << shift;
		if (!(table[at] & 64))
			break;
	}
	return value & 1 ? -(int64_t)(value >> 1) : (int64_t)(value >> 1);
}

static int64_t line_delta(const uint8_t *table, size_t size, size_t at)
{
	const int kind = table[at] >> 3 & 15;

	if (kind == ENTRY_NO_COLUMNS || kind == ENTRY_LONG)
		return signed_varint(table, size, at + 1);
	if (kind >= ENTRY_ONE_LINE && kind < ENTRY_NO_COLUMNS)
		return kind - ENTRY_ONE_LINE;
	return 0;
}

/* Entries that begin with a byte whose highest bit is set: kind, and instructions less 1. */
static int locations_line(const uint8_t *table, size_t size, int first_line, int64_t offset)
{
	uint32_t line = (uint32_t)first_line;
	int64_t end = 0;
	size_t at = 0;

	while (at < size) {
		const bool no_line = (table[at] >> 3 & 15) == ENTRY_NO_LINE;

		line = add(line, line_delta(table, size, at));
		end += ((table[at] & 7) + 1) * 2;
		if (end > offset)
			return no_line ? -1 : (int)line;
		do
			at++;
		while (at < size && !(table[at] & 128));
	}
	return -1;
}

int py_line_of(enum py_line_table kind, const uint8_t *table, size_t size, int first_line,
	       int64_t offset)
{
	if (offset < 0)
		return first_line;
	switch (kind) {
	case PY_LNOTAB:
		return lnotab_line(table, size, first_line, offset);
	case PY_LINETABLE:
		return linetable_line(table, size, first_line, offset);
	case PY_LOCATIONS:
		return locations_line(table, size, first_line, offset);
	}
	return -1;
}
