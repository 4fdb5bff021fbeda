/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 gilscope contributors */
/* The thread table: as many columns as fit, the threads that wait most first. */
#include <errno.h>
#include <inttypes.h>
#include <libsmartcols.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "report/columns.h"
#include "report/format.h"
#include "report/text.h"

/*
 * Rows of the table. A thread that holds most of the time may wait little: among many waiters it
 * would not be seen, so some rows are for those who held most.
 */
enum { MAX_ROWS = 20, HOLDER_ROWS = 5 };

enum { INDENT = 2, GAP = 2, MARK_PERCENT = 5, RED_PERCENT = 25, SHORT_PERCENT = 99 };

/* A column that is shown, with its cells as text. */
struct shown {
	const struct column *column;
	char title[24];
	char **cells;
	int width;
	bool marked; /* at least one cell has the mark of clipped time */
};

struct thread_table {
	struct shown *items; /* columns */
	size_t count, cap;
	const struct view_thread *rows[MAX_ROWS];
	size_t row_count;
	bool marked;
};

/* Whether so much of a thread's time was clipped that its percentiles tell only a part. */
static bool is_clipped(const struct column *column, const struct model_thread *thread)
{
	const struct model_times *times = column_times(column, thread);

	return column->kind == COLUMN_SHARE && times &&
	       times->clipped_ns * 100 > times->total_ns * MARK_PERCENT;
}

static char *cell_text(const struct page *page, const struct view *view,
		       const struct column *column, const struct view_thread *row)
{
	const struct model_thread *thread = row->thread;
	uint64_t value = column_value(column, thread);

	if (column->kind == COLUMN_NAME)
		return xstrdup(row->comm);
	if (column->releases && !view->result->plan->forced_known)
		return xstrdup("-");
	if (column->complete && column_times(column, thread)->hist.count == 0)
		return xstrdup("-");
	switch (column->kind) {
	case COLUMN_SHARE:
		return xasprintf("%s%s", format_share(value, thread->observed_ns).text,
				 is_clipped(column, thread) ? "*" : "");
	case COLUMN_TIME:
		return xstrdup(format_time(value, page->ascii).text);
	case COLUMN_COUNT:
		return xstrdup(format_count(value).text);
	default:
		return xasprintf("%" PRIu64, value);
	}
}

/* A blank in place of the mark, so that the numbers stay in line. */
static void align_marks(struct shown *shown, size_t rows)
{
	for (size_t r = 0; r < rows && shown->marked; r++) {
		size_t length = strlen(shown->cells[r]);

		if (shown->cells[r][length - 1] == '*')
			continue;
		char *wider = xasprintf("%s ", shown->cells[r]);
		free(shown->cells[r]);
		shown->cells[r] = wider;
	}
}

static int column_width(const struct shown *shown, size_t rows)
{
	int widest = text_width(shown->title);

	for (size_t r = 0; r < rows; r++) {
		int width = text_width(shown->cells[r]);
		if (width > widest)
			widest = width;
	}
	return widest;
}

static void add_column(struct thread_table *table, const struct page *page, const struct view *view,
		       const struct column *column)
{
	struct shown *shown = VEC_PUSH(table);

	shown->column = column;
	shown->cells = xcalloc(table->row_count, sizeof(*shown->cells));
	for (size_t r = 0; r < table->row_count; r++) {
		shown->cells[r] = cell_text(page, view, column, table->rows[r]);
		shown->marked |= is_clipped(column, table->rows[r]->thread);
	}
	align_marks(shown, table->row_count);
	table->marked |= shown->marked;
	snprintf(shown->title, sizeof(shown->title), "%s%s", column->title,
		 shown->marked ? " " : "");
	shown->width = column_width(shown, table->row_count);
}

static void drop_column(struct thread_table *table, size_t index)
{
	struct shown *shown = &table->items[index];

	for (size_t r = 0; r < table->row_count; r++)
		free(shown->cells[r]);
	free(shown->cells);
	memmove(shown, shown + 1, (--table->count - index) * sizeof(*shown));
}

/* Drops the least important columns until the rest fits. */
static void fit_columns(struct thread_table *table, int width)
{
	for (;;) {
		size_t least = 0;
		int total = -GAP;

		for (size_t i = 0; i < table->count; i++) {
			total += table->items[i].width + GAP;
			if (table->items[i].column->rank > table->items[least].column->rank)
				least = i;
		}
		if (total <= width || table->items[least].column->rank == 0)
			return;
		drop_column(table, least);
	}
}

/* The thread that held most of those from `from` on that are not in the table yet. */
static const struct view_thread *next_holder(const struct thread_table *table,
					     const struct view *view, size_t from)
{
	const struct view_thread *most = NULL;

	for (size_t t = from; t < view->thread_count; t++) {
		const struct view_thread *row = &view->threads[t];
		bool known = false;

		for (size_t r = 0; r < table->row_count; r++)
			known |= table->rows[r] == row;
		if (!known && (!most || row->thread->hold.total_ns > most->thread->hold.total_ns))
			most = row;
	}
	return most;
}

static int compare_rows(const void *a, const void *b)
{
	const struct view_thread *x = *(const struct view_thread *const *)a;
	const struct view_thread *y = *(const struct view_thread *const *)b;

	return (x > y) - (x < y);
}

static void choose_rows(struct thread_table *table, const struct view *view)
{
	bool all = view->thread_count <= MAX_ROWS;
	size_t waiters = all ? view->thread_count : MAX_ROWS - HOLDER_ROWS;

	for (size_t t = 0; t < waiters; t++)
		table->rows[table->row_count++] = &view->threads[t];
	while (!all && table->row_count < MAX_ROWS) {
		const struct view_thread *holder = next_holder(table, view, waiters);
		table->rows[table->row_count++] = holder;
	}
	/* in the order of the view: both point into one array */
	qsort(table->rows, table->row_count, sizeof(table->rows[0]), compare_rows);
}

/* A share of a short life says little by itself: then the table shows how long each was seen. */
static bool has_short_thread(const struct thread_table *table, const struct view *view)
{
	for (size_t r = 0; r < table->row_count; r++)
		if (table->rows[r]->thread->observed_ns * 100 <
		    view->result->capture.duration_ns * SHORT_PERCENT)
			return true;
	return false;
}

static void make_table(struct thread_table *table, const struct page *page, const struct view *view)
{
	size_t count;
	const struct column *columns = columns_all(&count);

	choose_rows(table, view);
	for (size_t i = 0; i < count; i++) {
		if (!columns[i].title ||
		    (columns[i].several_gils && view->result->model->gil_count < 2) ||
		    (columns[i].if_short && !has_short_thread(table, view)))
			continue;
		add_column(table, page, view, &columns[i]);
	}
	/* a wider title, to the right like the numbers below it, makes the indent */
	struct shown *first = &table->items[0];
	first->width += INDENT;
	snprintf(first->title, sizeof(first->title), "%*s", first->width, first->column->title);
	fit_columns(table, page->width);
}

static const char *cell_color(const struct page *page, const struct shown *shown,
			      const struct model_thread *thread)
{
	bool hurts = !strcmp(shown->column->key, "wait_total_ns") &&
		     thread->wait.total_ns * 100 >= thread->observed_ns * RED_PERCENT &&
		     thread->wait.total_ns > 0;

	return hurts ? page_red(page) : NULL;
}

static int fill_row(struct libscols_table *out, const struct thread_table *table,
		    const struct page *page, size_t row)
{
	struct libscols_line *line = scols_table_new_line(out, NULL);

	if (!line)
		return -ENOMEM;
	for (size_t i = 0; i < table->count; i++) {
		const struct shown *shown = &table->items[i];
		int err = scols_line_set_data(line, i, shown->cells[row]);

		if (!err && page->color)
			err = scols_cell_set_color(
				scols_line_get_cell(line, i),
				cell_color(page, shown, table->rows[row]->thread));
		if (err)
			return err;
	}
	return 0;
}

static int fill_table(struct libscols_table *out, const struct thread_table *table,
		      const struct page *page)
{
	for (size_t i = 0; i < table->count; i++) {
		const struct shown *shown = &table->items[i];
		bool right = shown->column->kind != COLUMN_NAME;
		struct libscols_column *column =
			scols_table_new_column(out, shown->title, 0, right ? SCOLS_FL_RIGHT : 0);

		if (!column)
			return -ENOMEM;
		if (page->color)
			scols_cell_set_color(scols_column_get_header(column), page_bold(page));
	}
	for (size_t r = 0; r < table->row_count; r++) {
		int err = fill_row(out, table, page, r);
		if (err)
			return err;
	}
	return 0;
}

static int print_table(const struct thread_table *table, const struct page *page)
{
	struct libscols_table *out = scols_new_table();

	if (!out)
		return -ENOMEM;
	scols_table_set_stream(out, page->out);
	scols_table_set_termforce(out, SCOLS_TERMFORCE_NEVER);
	scols_table_enable_colors(out, page->color);
	scols_table_set_column_separator(out, "  ");
	int err = fill_table(out, table, page);
	if (!err)
		err = scols_print_table(out);
	scols_unref_table(out);
	return err;
}

static void put_footnotes(const struct page *page, const struct view *view,
			  const struct thread_table *table)
{
	size_t untouched = view->result->model->threads_off_gil;
	size_t more = view->thread_count - table->row_count;

	if (more)
		page_paragraph(
			page, "", "", 2,
			"These are the %d that waited longest and the %d others that held longest; "
			"%s more thread%s in -f csv.",
			MAX_ROWS - HOLDER_ROWS, HOLDER_ROWS, format_count(more).text,
			more == 1 ? " is" : "s are");
	if (untouched)
		page_paragraph(page, "", "", 2, "%s%sthread%s neither held nor wanted the GIL%s.",
			       format_count(untouched).text,
			       more || table->row_count ? " more " : " ", untouched == 1 ? "" : "s",
			       view->losses ? ", as far as the records tell" : "");
	if (table->marked)
		page_paragraph(
			page, "", "  *", 4,
			"more than %d%% of this time belongs to holds or waits cut off at the edge of what "
			"was observed; they count in the shares, but not in the numbers, percentiles and maxima.",
			MARK_PERCENT);
}

int text_threads(const struct page *page, const struct view *view)
{
	struct thread_table table = {0};
	int err = 0;

	page_heading(page, "Threads", "longest waits first; shares of its own time");
	make_table(&table, page, view);
	if (table.row_count)
		err = print_table(&table, page);
	put_footnotes(page, view, &table);
	while (table.count)
		drop_column(&table, table.count - 1);
	free(table.items);
	return err;
}
