/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 gilscope contributors */
#include "report/table.h"

#include <errno.h>
#include <libsmartcols.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

enum { GAP = 2 };

struct table_column *table_add(struct table *table, const char *title, int rank, bool right)
{
	struct table_column *column = VEC_PUSH(table);

	snprintf(column->title, sizeof(column->title), "%s", title);
	column->rank = rank;
	column->right = right;
	column->cells = xcalloc(table->rows, sizeof(*column->cells));
	column->colors = xcalloc(table->rows, sizeof(*column->colors));
	return column;
}

void table_measure(const struct table *table, struct table_column *column)
{
	column->width = text_width(column->title);
	for (size_t r = 0; r < table->rows; r++) {
		int width = text_width(column->cells[r]);

		if (width > column->width)
			column->width = width;
	}
}

static void free_column(const struct table *table, struct table_column *column)
{
	for (size_t r = 0; r < table->rows; r++)
		free(column->cells[r]);
	free(column->cells);
	free(column->colors);
}

static void drop_column(struct table *table, size_t index)
{
	struct table_column *column = &table->items[index];

	free_column(table, column);
	memmove(column, column + 1, (--table->count - index) * sizeof(*column));
}

/* The least that a column takes. */
static int least_width(const struct table_column *column)
{
	bool cut = column->stretch && column->width > TABLE_STRETCH_MIN;

	return cut ? TABLE_STRETCH_MIN : column->width;
}

/* Drops the least important columns until the rest fits; what is then left of `width`. */
static int fit_columns(struct table *table, int width)
{
	for (;;) {
		size_t least = 0;
		int total = -GAP;

		for (size_t i = 0; i < table->count; i++) {
			total += least_width(&table->items[i]) + GAP;
			if (table->items[i].rank > table->items[least].rank)
				least = i;
		}
		if (total <= width || table->items[least].rank == 0)
			return total <= width ? width - total : 0;
		drop_column(table, least);
	}
}

/* Gives the columns that stretch what is left, the first ones first. */
static void stretch_columns(struct table *table, const struct page *page, int left)
{
	for (size_t i = 0; i < table->count; i++) {
		struct table_column *column = &table->items[i];
		int width = least_width(column) + left;

		if (!column->stretch || column->width <= width)
			continue;
		left = 0;
		column->width = width;
		for (size_t r = 0; r < table->rows; r++) {
			char *cut = fit_text(page, column->cells[r], width);

			free(column->cells[r]);
			column->cells[r] = cut;
		}
	}
}

static int fill_row(struct libscols_table *out, const struct table *table, const struct page *page,
		    size_t row)
{
	struct libscols_line *line = scols_table_new_line(out, NULL);

	if (!line)
		return -ENOMEM;
	for (size_t i = 0; i < table->count; i++) {
		const struct table_column *column = &table->items[i];
		int err = scols_line_set_data(line, i, column->cells[row]);

		if (!err && page->color)
			err = scols_cell_set_color(scols_line_get_cell(line, i),
						   column->colors[row]);
		if (err)
			return err;
	}
	return 0;
}

static int fill(struct libscols_table *out, const struct table *table, const struct page *page)
{
	for (size_t i = 0; i < table->count; i++) {
		struct libscols_column *column = scols_table_new_column(
			out, table->items[i].title, 0, table->items[i].right ? SCOLS_FL_RIGHT : 0);

		if (!column)
			return -ENOMEM;
		if (page->color)
			scols_cell_set_color(scols_column_get_header(column), page_bold(page));
	}
	for (size_t r = 0; r < table->rows; r++) {
		int err = fill_row(out, table, page, r);
		if (err)
			return err;
	}
	return 0;
}

int table_print(struct table *table, const struct page *page)
{
	/* a wider title, to the right like what is below it, makes the indent */
	struct table_column *first = &table->items[0];
	char *title = xstrdup(first->title);

	first->width += TABLE_INDENT;
	snprintf(first->title, sizeof(first->title), "%*s", first->width, title);
	free(title);
	stretch_columns(table, page, fit_columns(table, page->width));

	struct libscols_table *out = scols_new_table();
	if (!out)
		return -ENOMEM;
	scols_table_set_stream(out, page->out);
	scols_table_set_termforce(out, SCOLS_TERMFORCE_NEVER);
	scols_table_enable_colors(out, page->color);
	scols_table_set_column_separator(out, "  ");
	int err = fill(out, table, page);
	if (!err)
		err = scols_print_table(out);
	scols_unref_table(out);
	return err;
}

void table_free(struct table *table)
{
	for (size_t i = 0; i < table->count; i++)
		free_column(table, &table->items[i]);
	free(table->items);
	*table = (struct table){0};
}
