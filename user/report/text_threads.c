/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 gilscope contributors */
/* The thread table: as many columns as fit, the threads that wait most first. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "report/columns.h"
#include "report/format.h"
#include "report/table.h"
#include "report/text.h"

/*
 * Rows of the table. A thread that holds most of the time may wait little: among many waiters it
 * would not be seen, so some rows are for those who held most.
 */
enum { MAX_ROWS = 20, HOLDER_ROWS = 5 };

enum { MARK_PERCENT = 5, RED_PERCENT = 25, SHORT_PERCENT = 99 };

struct thread_table {
	struct table table;
	const struct view_thread *entries; /* to choose from: the threads, or groups of them */
	size_t entry_count;
	const struct view_thread *rows[MAX_ROWS];
	bool marked; /* at least one cell has the mark of clipped time */
};

/* Whether so much of a thread's time was clipped that its percentiles tell only a part. */
static bool is_clipped(const struct column *column, const struct model_thread *thread)
{
	const struct model_times *times = column_times(column, thread);

	return column->kind == COLUMN_SHARE && times &&
	       times->clipped_ns * 100 > times->total_ns * MARK_PERCENT;
}

static char *cell_text(const struct page *page, const struct view_process *process,
		       const struct column *column, const struct view_thread *row)
{
	const struct model_thread *thread = row->thread;
	uint64_t value = column_value(column, process, thread);

	if (column->kind == COLUMN_NAME)
		return xstrdup(column_text(column, row));
	if (column->releases && !process->sums.forced_known)
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
static void align_marks(struct table_column *shown, size_t rows)
{
	for (size_t r = 0; r < rows; r++) {
		size_t length = strlen(shown->cells[r]);

		if (shown->cells[r][length - 1] == '*')
			continue;
		char *wider = xasprintf("%s ", shown->cells[r]);
		free(shown->cells[r]);
		shown->cells[r] = wider;
	}
}

static const char *cell_color(const struct page *page, const struct column *column,
			      const struct model_thread *thread)
{
	bool hurts = !strcmp(column->key, "wait_total_ns") &&
		     thread->wait.total_ns * 100 >= thread->observed_ns * RED_PERCENT &&
		     thread->wait.total_ns > 0;

	return hurts ? page_red(page) : NULL;
}

static void add_column(struct thread_table *threads, const struct page *page,
		       const struct view_process *process, const struct column *column)
{
	struct table *table = &threads->table;
	struct table_column *shown =
		table_add(table, column->title, column->rank, column->kind != COLUMN_NAME);
	bool marked = false;

	shown->stretch = column->kind == COLUMN_NAME;

	for (size_t r = 0; r < table->rows; r++) {
		const struct model_thread *thread = threads->rows[r]->thread;

		shown->cells[r] = cell_text(page, process, column, threads->rows[r]);
		shown->colors[r] = cell_color(page, column, thread);
		marked |= is_clipped(column, thread);
	}
	if (marked) {
		align_marks(shown, table->rows);
		snprintf(shown->title, sizeof(shown->title), "%s ", column->title);
	}
	threads->marked |= marked;
	table_measure(table, shown);
}

static bool has_row(const struct thread_table *threads, const struct view_thread *entry)
{
	for (size_t r = 0; r < threads->table.rows; r++)
		if (threads->rows[r] == entry)
			return true;
	return false;
}

/* The thread that held most of those from `from` on that are not in the table yet. */
static const struct view_thread *next_holder(const struct thread_table *threads, size_t from)
{
	const struct view_thread *most = NULL;

	for (size_t t = from; t < threads->entry_count; t++) {
		const struct view_thread *row = &threads->entries[t];

		if (!has_row(threads, row) &&
		    (!most || row->thread->hold.total_ns > most->thread->hold.total_ns))
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

static void choose_rows(struct thread_table *threads)
{
	bool all = threads->entry_count <= MAX_ROWS;
	size_t waiters = all ? threads->entry_count : MAX_ROWS - HOLDER_ROWS;
	size_t *rows = &threads->table.rows;

	for (size_t t = 0; t < waiters; t++)
		threads->rows[(*rows)++] = &threads->entries[t];
	while (!all && *rows < MAX_ROWS) {
		const struct view_thread *holder = next_holder(threads, waiters);
		threads->rows[(*rows)++] = holder;
	}
	/* in the order of the view: both point into one array */
	qsort(threads->rows, *rows, sizeof(threads->rows[0]), compare_rows);
}

static bool is_short(const struct model_thread *thread, const struct view_process *process)
{
	const uint64_t count = thread->together ? thread->together : 1;

	return thread->observed_ns / count * 100 < process->sums.observed_ns * SHORT_PERCENT;
}

/* A share of a short life says little by itself: then the table shows how long each was seen. */
static bool has_short_thread(const struct thread_table *threads, const struct view_process *process)
{
	for (size_t r = 0; r < threads->table.rows; r++)
		if (is_short(threads->rows[r]->thread, process))
			return true;
	return false;
}

static void make_table(struct thread_table *threads, const struct page *page,
		       const struct view_process *process)
{
	size_t count;
	const struct column *columns = columns_all(&count);

	choose_rows(threads);
	for (size_t i = 0; i < count; i++) {
		if (!columns[i].title ||
		    (columns[i].several_gils && process->process->model->gil_count < 2) ||
		    (columns[i].if_grouped ? !process->view->options->group
					   : columns[i].of_one && process->view->options->group) ||
		    (columns[i].if_short && !has_short_thread(threads, process)))
			continue;
		add_column(threads, page, process, &columns[i]);
	}
}

/* Sums of entries that have no row. */
struct rest {
	uint64_t threads, held_ns, waited_ns, holds;
};

static void add_rest(struct rest *rest, const struct model_thread *thread)
{
	rest->threads += thread->together ? thread->together : 1;
	rest->held_ns += thread->hold.total_ns;
	rest->waited_ns += thread->wait.total_ns;
	rest->holds += thread->hold.hist.count + thread->hold.clipped;
}

/* The entries that have no row, but are in the other formats. */
static void put_more(const struct page *page, const struct thread_table *threads)
{
	struct rest rest = {0};

	for (size_t t = 0; t < threads->entry_count; t++)
		if (!has_row(threads, &threads->entries[t]))
			add_rest(&rest, threads->entries[t].thread);
	if (rest.threads)
		page_paragraph(
			page, "", "", 2,
			"These are the %d that waited most and the %d others that held most; "
			"%s more thread%s told one by one by json and csv: held %s, waited %s.",
			MAX_ROWS - HOLDER_ROWS, HOLDER_ROWS, format_count(rest.threads).text,
			rest.threads == 1 ? " is" : "s are",
			format_time(rest.held_ns, page->ascii).text,
			format_time(rest.waited_ns, page->ascii).text);
}

/* The threads that are told together, in all formats. */
static void put_exited(const struct page *page, const struct view_process *process)
{
	struct rest rest = {0};

	for (size_t i = 0; i < process->exited_count; i++)
		add_rest(&rest, process->exited[i].thread);
	if (rest.threads)
		page_paragraph(
			page, "", "", 2,
			"And %s thread%s that exited%s, together: held %s in %s hold%s, waited %s.",
			format_count(rest.threads).text, rest.threads == 1 ? "" : "s",
			process->exited_count > 1 ? ", once for each GIL" : "",
			format_time(rest.held_ns, page->ascii).text, format_count(rest.holds).text,
			rest.holds == 1 ? "" : "s", format_time(rest.waited_ns, page->ascii).text);
}

static void put_footnotes(const struct page *page, const struct view_process *process,
			  const struct thread_table *threads)
{
	size_t untouched = process->process->model->threads_off_gil;

	put_more(page, threads);
	put_exited(page, process);
	if (untouched)
		page_paragraph(page, "", "", 2, "%s%sthread%s neither held nor wanted the GIL%s.",
			       format_count(untouched).text, threads->table.rows ? " more " : " ",
			       untouched == 1 ? "" : "s",
			       process->view->losses ? ", as far as the records tell" : "");
	if (threads->marked)
		page_paragraph(
			page, "", "  *", 4,
			"more than %d%% of this time belongs to holds or waits cut off at the edge of what "
			"was observed; they count in the shares, but not in the numbers, percentiles and maxima.",
			MARK_PERCENT);
}

int text_threads(const struct page *page, const struct view_process *process)
{
	const bool group = process->view->options->group;
	struct thread_table threads = {
		.entries = group ? process->groups : process->threads,
		.entry_count = group ? process->group_count : process->thread_count,
	};
	int err = 0;

	page_heading(page, "Threads", "longest waits first; shares of its own time");
	make_table(&threads, page, process);
	if (threads.table.rows)
		err = table_print(&threads.table, page);
	put_footnotes(page, process, &threads);
	table_free(&threads.table);
	return err;
}
