/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 gilscope contributors */
/* Blame: for whom the threads waited, with those who waited most for each. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "report/blame.h"
#include "report/format.h"
#include "report/table.h"
#include "report/text.h"

enum { MAX_CAUSES = 10, NAMED_WAITERS = 3 };

/* All that one holder, or another reason, made others wait. */
struct cause {
	enum blame_kind kind;
	const struct view_thread *holder;
	uint64_t ns;
	size_t waiters;
	const struct blame_row *most[NAMED_WAITERS]; /* the longest first */
};

struct causes {
	struct cause *items;
	size_t count, cap;
	uint64_t ns;
};

/* The cause of a row; `places` has those of holders, plus 1, by their place among the threads. */
static struct cause *cause_of(struct causes *causes, const struct view_process *process,
			      size_t *places, const struct blame_row *row)
{
	size_t *place = &places[row->holder ? (size_t)(row->holder - process->threads)
					    : process->thread_count + row->kind];

	if (!*place) {
		struct cause *cause = VEC_PUSH(causes);

		cause->kind = row->kind;
		cause->holder = row->holder;
		*place = causes->count;
	}
	return &causes->items[*place - 1];
}

static int compare_causes(const void *a, const void *b)
{
	const struct cause *x = a, *y = b;

	return (x->ns < y->ns) - (x->ns > y->ns);
}

/* The rows come with the longest first, and so do the waiters of each cause. */
static struct causes gather(const struct view_process *process, const struct blame_rows *rows)
{
	size_t *places = xcalloc(process->thread_count + BLAME_UNKNOWN + 1, sizeof(*places));
	struct causes causes = {0};

	for (size_t i = 0; i < rows->count; i++) {
		struct cause *cause = cause_of(&causes, process, places, &rows->items[i]);

		causes.ns += rows->items[i].ns;
		cause->ns += rows->items[i].ns;
		if (cause->waiters < NAMED_WAITERS)
			cause->most[cause->waiters] = &rows->items[i];
		cause->waiters++;
	}
	free(places);
	if (causes.count)
		qsort(causes.items, causes.count, sizeof(*causes.items), compare_causes);
	return causes;
}

static const char *holder_name(const struct cause *cause)
{
	switch (cause->kind) {
	case BLAME_THREAD:
		return cause->holder->name;
	case BLAME_EXITED:
		return "(threads that exited)";
	case BLAME_OTHERS:
		return "(many, a little each)";
	case BLAME_HANDOFF:
		return "(nobody: handoff)";
	default:
		return "(unknown: records lost)";
	}
}

static char *append(char *text, char *more)
{
	char *both = xasprintf("%s%s", text, more);

	free(text);
	free(more);
	return both;
}

/* "4711 pool-1 1.2 s, 4712 pool-2 1.1 s and 3 more" */
static char *waiters_text(const struct page *page, const struct cause *cause)
{
	char *text = xstrdup("");

	for (size_t i = 0; i < cause->waiters && i < NAMED_WAITERS; i++) {
		const struct view_thread *waiter = cause->most[i]->waiter;
		const struct number ns = format_time(cause->most[i]->ns, page->ascii);

		if (waiter)
			text = append(text, xasprintf("%s%" PRIu32 " %s %s", i ? ", " : "",
						      waiter->thread->tid, waiter->name, ns.text));
		else
			text = append(text, xasprintf("%sthreads that exited %s", i ? ", " : "",
						      ns.text));
	}
	if (cause->waiters > NAMED_WAITERS)
		text = append(text, xasprintf(" and %zu more", cause->waiters - NAMED_WAITERS));
	return text;
}

static void fill_row(const struct page *page, struct table_column *const columns[],
		     const struct causes *causes, size_t row)
{
	const struct cause *cause = &causes->items[row];

	columns[0]->cells[row] =
		cause->holder ? xasprintf("%" PRIu32, cause->holder->thread->tid) : xstrdup("-");
	columns[1]->cells[row] = xstrdup(holder_name(cause));
	columns[2]->cells[row] = xstrdup(format_time(cause->ns, page->ascii).text);
	columns[3]->cells[row] = xstrdup(format_share(cause->ns, causes->ns).text);
	columns[4]->cells[row] = waiters_text(page, cause);
}

static int put_table(const struct page *page, const struct causes *causes)
{
	static const struct {
		const char *title;
		int rank;
		bool right, stretch;
	} kinds[] = {
		{"TID", 0, true, false},	{"HELD BY", 0, false, false},
		{"WAITED", 0, true, false},	{"SHARE", 2, true, false},
		{"WHO WAITED", 1, false, true},
	};
	struct table table = {.rows = causes->count < MAX_CAUSES ? causes->count : MAX_CAUSES};
	struct table_column *columns[ARRAY_SIZE(kinds)];

	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
		table_add(&table, kinds[i].title, kinds[i].rank, kinds[i].right)->stretch =
			kinds[i].stretch;
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
		columns[i] = &table.items[i];
	for (size_t row = 0; row < table.rows; row++)
		fill_row(page, columns, causes, row);
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
		table_measure(&table, columns[i]);
	const int err = table_print(&table, page);
	table_free(&table);
	return err;
}

static void put_more(const struct page *page, const struct causes *causes)
{
	uint64_t ns = 0;

	if (causes->count <= MAX_CAUSES)
		return;
	for (size_t i = MAX_CAUSES; i < causes->count; i++)
		ns += causes->items[i].ns;
	page_paragraph(page, "", "", 2, "%zu more, for which %s was waited together, in -f json.",
		       causes->count - MAX_CAUSES, format_time(ns, page->ascii).text);
}

int text_blame(const struct page *page, const struct view_process *process)
{
	struct blame_rows rows = blame_rows(process);
	struct causes causes = gather(process, &rows);
	int err = 0;

	if (causes.count) {
		page_heading(page, "Blame", "for whom the threads waited; shares of all waiting");
		err = put_table(page, &causes);
		put_more(page, &causes);
	}
	free(causes.items);
	blame_rows_free(&rows);
	return err;
}
