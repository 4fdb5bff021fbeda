/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 gilscope contributors */
/* Numbers for people, strings of the target made safe, bars. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <locale.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "report/clean.h"
#include "report/format.h"
#include "report/layout.h"

static void times(void **state)
{
	static const struct {
		uint64_t ns;
		const char *text;
	} cases[] = {
		{0, "0 ns"},
		{1, "1 ns"},
		{812, "812 ns"},
		{999, "999 ns"},
		{1000, "1.00 us"},
		{9994, "9.99 us"},
		{9995, "10.0 us"},
		{99949, "99.9 us"},
		{99950, "100 us"},
		{999499, "999 us"},
		{999500, "1.00 ms"},
		{4980000, "4.98 ms"},
		{12345678901, "12.3 s"},
		{90000000000, "90.0 s"},
		{999499999999, "999 s"},
		{999500000000, "16.7 min"},
		{3600000000000ULL * 100, "100 h"},
		{UINT64_MAX, "5124096 h"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		assert_string_equal(format_time(cases[i].ns, true).text, cases[i].text);
	assert_string_equal(format_time(1500, false).text, "1.50 \xc2\xb5s");
}

static void round_times(void **state)
{
	(void)state;
	assert_string_equal(format_round_time(0, true).text, "0 ns");
	assert_string_equal(format_round_time(500, true).text, "500 ns");
	assert_string_equal(format_round_time(200000, true).text, "200 us");
	assert_string_equal(format_round_time(5000000, true).text, "5 ms");
	assert_string_equal(format_round_time(1500000, true).text, "1.50 ms");
	assert_string_equal(format_round_time(1000000000, true).text, "1 s");
	assert_string_equal(format_round_time(2000000000000, true).text, "2000 s");
	assert_string_equal(format_round_time(1000, false).text, "1 \xc2\xb5s");
}

static void counts_and_shares(void **state)
{
	(void)state;
	assert_string_equal(format_count(0).text, "0");
	assert_string_equal(format_count(999).text, "999");
	assert_string_equal(format_count(1000).text, "1,000");
	assert_string_equal(format_count(1234567).text, "1,234,567");
	assert_string_equal(format_count(UINT64_MAX).text, "18,446,744,073,709,551,615");
	assert_string_equal(format_share(0, 10).text, "0.0%");
	assert_string_equal(format_share(1, 100000).text, "<0.1%");
	assert_string_equal(format_share(1, 8).text, "12.5%");
	assert_string_equal(format_share(99999, 100000).text, ">99.9%");
	assert_string_equal(format_share(7, 7).text, "100.0%");
	assert_string_equal(format_share(0, 0).text, "-");
	assert_string_equal(format_percent(0.0123).text, "1.2%");
	assert_string_equal(format_percent(0).text, "0.0%");
	assert_string_equal(format_percent(0.0002).text, "<0.1%");
	assert_string_equal(format_percent(2.5).text, "250.0%");
	assert_string_equal(format_percent(NAN).text, "-");
	assert_string_equal(format_percent(-1).text, "-");
	assert_string_equal(format_fixed(2.306, 2).text, "2.31");
	assert_string_equal(format_fixed(0.05, 2).text, "0.05");
	assert_string_equal(format_fixed(1, 0).text, "1");
	assert_string_equal(format_bytes(512).text, "512 B");
	assert_string_equal(format_bytes(1024).text, "1.00 KiB");
	assert_string_equal(format_bytes(14812 * 1024).text, "14.5 MiB");
	assert_string_equal(format_bytes(1023 * 1024).text, "1.00 MiB");
}

static void clean(void **state)
{
#define BAD "\xef\xbf\xbd"
	static const struct {
		const char *in, *out, *ascii;
	} cases[] = {
		{NULL, "", ""},
		{"plain ~", "plain ~", "plain ~"},
		{"a\tb\nc\x1b[31m\x7f", "a" BAD "b" BAD "c" BAD "[31m" BAD, "a?b?c?[31m?"},
		{"\xc2\xb5\xe6\x97\xa5\xf0\x9f\x90\x8d", "\xc2\xb5\xe6\x97\xa5\xf0\x9f\x90\x8d",
		 "???"},
		{"\xc2\x9b"
		 "31m",
		 BAD "31m", "?31m"},					 /* CSI in C1 */
		{"x\xe2\x80\xaey\xe2\x81\xa6", "x" BAD "y" BAD, "x?y?"}, /* directions */
		{"\xff\xfe", BAD BAD, "??"},
		{"\xc0\xaf", BAD BAD, "??"},		       /* overlong */
		{"\xed\xa0\x80", BAD BAD BAD, "???"},	       /* surrogate */
		{"\xf4\x90\x80\x80", BAD BAD BAD BAD, "????"}, /* beyond U+10FFFF */
		{"cut\xe6\x97", "cut" BAD BAD, "cut??"},       /* cut off */
		{"\xef\xbf\xbe\xef\xbb\xbf", BAD BAD, "??"},   /* no character, BOM */
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		char *out = clean_text(cases[i].in, false);
		char *ascii = clean_text(cases[i].in, true);

		assert_string_equal(out, cases[i].out);
		assert_string_equal(ascii, cases[i].ascii);
		free(out);
		free(ascii);
	}
}

static void bars(void **state)
{
	char bar[BAR_SIZE];

	(void)state;
	for (int cells = 0; cells <= BAR_MAX_CELLS + 10; cells++) {
		for (uint64_t part = 0; part <= 1200; part += 7) {
			for (int ascii = 0; ascii <= 1; ascii++) {
				int columns = make_bar(bar, part, 1000, cells, ascii);

				assert_true(columns <= cells);
				assert_int_equal(columns, text_width(bar));
				assert_int_equal(columns == 0, part == 0 || cells == 0);
			}
		}
	}
	make_bar(bar, 1, 2, 5, false);
	assert_string_equal(bar, "\xe2\x96\x88\xe2\x96\x88\xe2\x96\x8c");
	make_bar(bar, 1, 1000000, 5, false);
	assert_string_equal(bar, "\xe2\x96\x8f");
	make_bar(bar, 3, 5, 5, true);
	assert_string_equal(bar, "###");
	make_bar(bar, 1, 1000000, 5, true);
	assert_string_equal(bar, ".");
	assert_int_equal(make_bar(bar, 1, 0, 5, true), 0);
}

static char *paragraph(int width, const char *text)
{
	const struct report_options options = {.width = width, .ascii = true};
	struct page page;
	char *out = NULL;
	size_t size;
	FILE *memory = open_memstream(&out, &size);

	assert_non_null(memory);
	page_init(&page, memory, &options);
	page_paragraph(&page, "", "Note:", 6, "%s", text);
	fclose(memory);
	return out;
}

static void paragraphs(void **state)
{
	(void)state;
	/* 40 columns; a number and its unit stay together */
	char *out = paragraph(1, "one two three four five six seven 12.5 ms and 5 more");
	assert_string_equal(out, "Note: one two three four five six seven\n"
				 "      12.5 ms and 5 more\n");
	free(out);
	out = paragraph(40, "");
	assert_string_equal(out, "Note: \n");
	free(out);
	out = paragraph(40, "averyveryveryveryverylongwordwithoutanyblankinit short");
	assert_string_equal(out, "Note: averyveryveryveryverylongwordwitho\n"
				 "      utanyblankinit short\n");
	free(out);
}

static int setup(void **state)
{
	(void)state;
	return setlocale(LC_CTYPE, "C.UTF-8") ? 0 : -1;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(times), cmocka_unit_test(round_times),
		cmocka_unit_test(clean), cmocka_unit_test(counts_and_shares),
		cmocka_unit_test(bars),	 cmocka_unit_test(paragraphs),
	};

	return cmocka_run_group_tests(tests, setup, NULL);
}
