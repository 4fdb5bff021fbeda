/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 gilscope contributors */
/*
 * For tests in Python: check_lines FILE compares py_line_of with what an interpreter said, in a file
 * that tests/workloads/line_tables.py wrote with it: little-endian 32-bit numbers, the minor version
 * and then for each code object
 *
 *	first line, bytes of the line table, number of offsets, the table,
 *	the line at each offset -2, 0, 2, 4 and so on; -1: none
 *
 * Prints how many code objects and lines there were, and how many lines differ; the first of these
 * in detail.
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "target/py_lines.h"

struct input {
	const uint8_t *data;
	size_t size, at;
};

static const void *take(struct input *in, size_t size)
{
	const void *from = in->data + in->at;

	if (size > in->size - in->at) {
		fputs("check_lines: the file ends early\n", stderr);
		exit(EXIT_FAILURE);
	}
	in->at += size;
	return from;
}

static int32_t number(struct input *in)
{
	int32_t value;

	memcpy(&value, take(in, sizeof(value)), sizeof(value));
	return value;
}

static uint8_t *read_file(const char *path, size_t *size)
{
	FILE *file = fopen(path, "rb");
	uint8_t *data = NULL;

	if (!file || fseek(file, 0, SEEK_END))
		return NULL;
	*size = (size_t)ftell(file);
	rewind(file);
	data = malloc(*size + 1);
	if (data && fread(data, 1, *size, file) != *size)
		*size = 0;
	fclose(file);
	return data;
}

/* The lines of one code object that differ; `lines` counts all of them. */
static long compare(struct input *in, enum py_line_table kind, long *lines, bool tell)
{
	const int32_t first = number(in), size = number(in), offsets = number(in);
	const uint8_t *table = take(in, (size_t)size);
	long wrong = 0;

	for (int32_t i = 0; i < offsets; i++) {
		const int32_t said = number(in);
		const int offset = 2 * i - 2;
		const int found = py_line_of(kind, table, (size_t)size, first, offset);

		wrong += found != said;
		if (found != said && wrong == 1 && tell)
			printf("first line %d, offset %d: %d instead of %d\n", first, offset, found,
			       said);
	}
	*lines += offsets;
	return wrong;
}

int main(int argc, char **argv)
{
	struct input in = {0};
	long codes = 0, lines = 0, wrong = 0;

	in.data = argc == 2 ? read_file(argv[1], &in.size) : NULL;
	if (!in.data || !in.size) {
		fputs("check_lines FILE\n", stderr);
		return EXIT_FAILURE;
	}
	const enum py_line_table kind = py_line_table_of(number(&in));
	for (; in.at < in.size; codes++)
		wrong += compare(&in, kind, &lines, !wrong);
	printf("%ld code objects, %ld lines, %ld wrong\n", codes, lines, wrong);
	free((void *)in.data);
	return wrong ? EXIT_FAILURE : EXIT_SUCCESS;
}
