/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 gilscope contributors */
/*
 * Line tables and strings as no compiler makes them; those that compilers make are in
 * tests/e2e/test_python_lines.py.
 */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "target/py_lines.h"
#include "target/py_text.h"

static int line(enum py_line_table kind, const char *table, size_t size, int64_t offset)
{
	return py_line_of(kind, (const uint8_t *)table, size, 10, offset);
}

static void an_empty_table_has_no_lines(void **state)
{
	(void)state;
	for (int kind = PY_LNOTAB; kind <= PY_LOCATIONS; kind++) {
		assert_int_equal(line(kind, NULL, 0, -1), 10);
		assert_int_equal(line(kind, NULL, 0, 0), kind == PY_LNOTAB ? 10 : -1);
	}
}

static void lnotab(void **state)
{
	/* 4 bytes, then 300 lines on (in three steps), 2 bytes later 5 back. */
	static const char table[] = "\4\x7f\0\x7f\0\x2e\2\xfb";

	(void)state;
	assert_int_equal(line(PY_LNOTAB, table, 8, 3), 10);
	assert_int_equal(line(PY_LNOTAB, table, 8, 4), 310);
	assert_int_equal(line(PY_LNOTAB, table, 8, 5), 310);
	assert_int_equal(line(PY_LNOTAB, table, 8, 6), 305);
	assert_int_equal(line(PY_LNOTAB, table, 8, 1 << 30), 305);
	assert_int_equal(line(PY_LNOTAB, table, 7, 6), 310); /* half a pair is none */
}

static void linetable(void **state)
{
	/* 2 bytes of line 11, 2 of none, an empty range that goes back 1, 2 bytes of line 12. */
	static const char table[] = "\2\1\2\x80\0\xff\2\2";

	(void)state;
	assert_int_equal(line(PY_LINETABLE, table, 8, -2), 10);
	assert_int_equal(line(PY_LINETABLE, table, 8, 0), 11);
	assert_int_equal(line(PY_LINETABLE, table, 8, 2), -1);
	assert_int_equal(line(PY_LINETABLE, table, 8, 4), 12);
	assert_int_equal(line(PY_LINETABLE, table, 8, 6), -1);
}

static void locations(void **state)
{
	static const char table[] = {
		(char)(128 | 10 << 3 | 1), 1,	    2,	       /* 2 units, the first line */
		(char)(128 | 15 << 3),			       /* 1 unit, no line */
		(char)(128 | 13 << 3),	   64 | 1,  64 | 8, 1, /* 1 unit, a long way back */
		(char)(128 | 12 << 3 | 7), 1,	    2,	       /* 8 units, 2 lines on */
		(char)(128 | 5 << 3),	   1,		       /* 1 unit, the same line */
		(char)(128 | 14 << 3),	   64 | 63,	       /* 1 unit, cut off */
	};
	const int far = (8 << 6 | 1 << 12) >> 1;

	(void)state;
	assert_int_equal(line(PY_LOCATIONS, table, sizeof(table), -2), 10);
	assert_int_equal(line(PY_LOCATIONS, table, sizeof(table), 0), 10);
	assert_int_equal(line(PY_LOCATIONS, table, sizeof(table), 3), 10);
	assert_int_equal(line(PY_LOCATIONS, table, sizeof(table), 4), -1);
	assert_int_equal(line(PY_LOCATIONS, table, sizeof(table), 6), 10 - far);
	assert_int_equal(line(PY_LOCATIONS, table, sizeof(table), 8), 12 - far);
	assert_int_equal(line(PY_LOCATIONS, table, sizeof(table), 23), 12 - far);
	assert_int_equal(line(PY_LOCATIONS, table, sizeof(table), 24), 12 - far);
	assert_int_equal(line(PY_LOCATIONS, table, sizeof(table), 26), 12 - far - 31);
	assert_int_equal(line(PY_LOCATIONS, table, sizeof(table), 28), -1);
}

/* Nothing beside the table is read: it ends where memory ends. */
static void any_bytes_are_a_table(void **state)
{
	const size_t page = (size_t)sysconf(_SC_PAGESIZE);
	uint8_t *pages =
		mmap(NULL, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	(void)state;
	assert_int_equal(mprotect(pages + page, page, PROT_NONE), 0);
	srandom(1);
	for (int round = 0; round < 50000; round++) {
		const size_t size = (size_t)random() % 40;
		uint8_t *table = pages + page - size;

		for (size_t i = 0; i < size; i++)
			table[i] = (uint8_t)(random() >> 7);
		for (int kind = PY_LNOTAB; kind <= PY_LOCATIONS; kind++)
			py_line_of(kind, table, size, (int)random(), random() % 300 - 2);
	}
	munmap(pages, 2 * page);
}

static void assert_text(const char *expected, const void *chars, unsigned kind, size_t count)
{
	char out[64];
	const size_t length = py_text_to_utf8(out, sizeof(out), chars, kind, count, false);

	assert_string_equal(out, expected);
	assert_int_equal(length, strlen(expected));
}

static void all_kinds_of_text(void **state)
{
	static const uint8_t one[] = {'g', 'r', 0xf6, 0xdf, 'e', 0x7f, 0x85, 0, '\n'};
	static const uint16_t two[] = {'a', 0x7ff, 0x800, 0xffff, 0xd800, 0xdfff, 0xe000};
	static const uint32_t four[] = {0x1f40d, 0xffff, 0x10000, 0x10ffff, 0x110000, UINT32_MAX};

	(void)state;
	assert_text("", one, 1, 0);
	assert_text("gr\xc3\xb6\xc3\x9f"
		    "e????",
		    one, 1, 9);
	assert_text("a\xdf\xbf\xe0\xa0\x80\xef\xbf\xbf\xef\xbf\xbd\xef\xbf\xbd\xee\x80\x80", two, 2,
		    7);
	assert_text(
		"\xf0\x9f\x90\x8d\xef\xbf\xbf\xf0\x90\x80\x80\xf4\x8f\xbf\xbf\xef\xbf\xbd\xef\xbf"
		"\xbd",
		four, 4, 6);
}

static void long_text_is_cut_between_characters(void **state)
{
	static const uint16_t two[] = {'a', 0x444, 0x444, 0x444};
	char out[9];

	(void)state;
	assert_int_equal(py_text_to_utf8(out, 8, two, 2, 4, false), 7);
	assert_string_equal(out, "a\xd1\x84\xd1\x84\xd1\x84");
	assert_int_equal(py_text_to_utf8(out, 8, two, 2, 4, true), 6);
	assert_string_equal(out, "a\xd1\x84\xe2\x80\xa6");
	assert_int_equal(py_text_to_utf8(out, 7, two, 2, 4, false), 6);
	assert_string_equal(out, "a\xd1\x84\xe2\x80\xa6");
	assert_int_equal(py_text_to_utf8(out, 6, two, 2, 4, false), 4);
	assert_string_equal(out, "a\xe2\x80\xa6");
	assert_int_equal(py_text_to_utf8(out, 4, two, 2, 4, false), 3);
	assert_string_equal(out, "\xe2\x80\xa6");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_empty_table_has_no_lines),
		cmocka_unit_test(lnotab),
		cmocka_unit_test(linetable),
		cmocka_unit_test(locations),
		cmocka_unit_test(any_bytes_are_a_table),
		cmocka_unit_test(all_kinds_of_text),
		cmocka_unit_test(long_text_is_cut_between_characters),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
