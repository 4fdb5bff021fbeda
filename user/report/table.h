/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 gilscope contributors */
/* A table of text that drops its least important columns until it fits on the page. */
#ifndef GILSCOPE_TABLE_H
#define GILSCOPE_TABLE_H

#include <stdbool.h>
#include <stddef.h>

#include "report/layout.h"

struct table_column {
	char title[24];
	/* Rank 0 stays; the highest rank is dropped first when the page is narrow. */
	int rank;
	bool right; /* numbers stand to the right */
	/* Cut to what the others leave, but not below TABLE_STRETCH_MIN columns. */
	bool stretch;
	int width;	     /* of its widest cell, with the title */
	char **cells;	     /* one for each row, owned */
	const char **colors; /* one for each row: an escape, or NULL */
};

enum { TABLE_STRETCH_MIN = 20, TABLE_INDENT = 2 };

struct table {
	struct table_column *items;
	size_t count, cap;
	size_t rows;
};

/*
 * A column without cells: the caller sets all of cells[], and colors[] where it likes, then calls
 * table_measure. The pointer is valid until the next table_add.
 */
struct table_column *table_add(struct table *table, const char *title, int rank, bool right);

/* Takes the width of the column from its cells and title. */
void table_measure(const struct table *table, struct table_column *column);

/*
 * Prints the table, whose first column is to the right; it stands TABLE_INDENT from the margin. At
 * least one column. 0 or a negative errno. Columns that do not fit are gone afterwards.
 */
int table_print(struct table *table, const struct page *page);

void table_free(struct table *table);

#endif
