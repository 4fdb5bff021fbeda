/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 gilscope contributors */
/*
 * Reports for tests: made in memory, compared with the files in tests/golden. UPDATE_GOLDEN=1 in
 * the environment writes these files anew: read the difference before you keep it. Run from the
 * root of the sources.
 */
#ifndef GILSCOPE_REPORT_GOLDEN_H
#define GILSCOPE_REPORT_GOLDEN_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "report/layout.h"

/* The report as a string; owned. */
static char *report(const struct result *result, struct report_options options)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	assert_non_null(out);
	assert_int_equal(report_write(out, result, &options), 0);
	fclose(out);
	return text;
}

/* Whole content of a file, NULL if it cannot be read; owned. */
static char *read_all(const char *path)
{
	char *text = NULL, block[4096];
	size_t size, n;
	FILE *in = fopen(path, "re");

	if (!in)
		return NULL;
	FILE *out = open_memstream(&text, &size);
	assert_non_null(out);
	while ((n = fread(block, 1, sizeof(block), in)) > 0)
		fwrite(block, 1, n, out);
	fclose(out);
	fclose(in);
	return text;
}

/* Takes `text`. */
static void compare_golden(const char *name, char *text)
{
	char path[256];

	snprintf(path, sizeof(path), "tests/golden/%s", name);
	if (getenv("UPDATE_GOLDEN")) {
		FILE *out = fopen(path, "we");

		assert_non_null(out);
		fputs(text, out);
		assert_int_equal(fclose(out), 0);
	}
	char *expected = read_all(path);
	if (!expected)
		fail_msg("%s: %s (run from the root of the sources)", path, strerror(errno));
	if (strcmp(expected, text) != 0)
		fail_msg("the report differs from %s:\n%s", path, text);
	free(expected);
	free(text);
}

/* Takes `text`. No line is wider, none ends with a blank, nothing steers the terminal. */
static void check_lines(char *text, int width, bool ascii)
{
	char *rest = text;

	for (char *line; (line = strsep(&rest, "\n"));) {
		if (text_width(line) > width)
			fail_msg("%d columns are more than %d: %s", text_width(line), width, line);
		if (line[0] && line[strlen(line) - 1] == ' ')
			fail_msg("blank at the end: \"%s\"", line);
		/* Plain char has a sign on some machines only. */
		for (const unsigned char *c = (const unsigned char *)line; *c; c++)
			if (*c < ' ' || *c == 0x7f || (ascii && *c > 0x7f))
				fail_msg("byte 0x%02x in: %s", *c, line);
	}
	free(text);
}

static json_int_t get(json_t *object, const char *key)
{
	json_t *value = json_object_get(object, key);

	if (!json_is_integer(value))
		fail_msg("%s is no integer", key);
	return json_integer_value(value);
}

/* The report as JSON; the caller releases it. */
static inline json_t *load_json(const struct result *result, bool ascii)
{
	struct report_options options = {.format = FORMAT_JSON, .ascii = ascii};
	char *text = report(result, options);
	json_error_t error;
	json_t *root = json_loads(text, JSON_REJECT_DUPLICATES, &error);

	if (!root)
		fail_msg("%s in line %d of:\n%s", error.text, error.line, text);
	assert_int_equal(text[strlen(text) - 1], '\n');
	for (const char *c = text; ascii && *c; c++)
		assert_true((unsigned char)*c < 0x80);
	free(text);
	return root;
}

#endif
