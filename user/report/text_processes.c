/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 gilscope contributors */
/* Several processes: a table of them, then a part for each that hurts most. */
#include <inttypes.h>
#include <stdlib.h>

#include "base/mem.h"
#include "report/format.h"
#include "report/table.h"
#include "report/text.h"

enum { MAX_ROWS = 20, MAX_PARTS = 5 };

enum { PID, SEEN, HELD, WAITING, HOLDS, CONTENDED, FORCED, THREADS, END, COMMAND };

static const struct {
	const char *title;
	int rank; /* see struct table_column */
	bool right;
} columns[] = {
	[PID] = {"PID", 0, true},	[SEEN] = {"SEEN", 1, true},
	[HELD] = {"HELD", 0, true},	[WAITING] = {"WAITING", 0, true},
	[HOLDS] = {"HOLDS", 3, true},	[CONTENDED] = {"CONTENDED", 4, true},
	[FORCED] = {"FORCED", 6, true}, [THREADS] = {"THREADS", 5, true},
	[END] = {"END", 2, false},	[COMMAND] = {"COMMAND", 0, false},
};

/* The processes in the order of the report. */
struct ranking {
	const struct view_process **items;
	size_t count; /* of all */
	size_t busy;  /* these come first; the others are quiet */
};

static int compare_u64_desc(uint64_t a, uint64_t b)
{
	return (a < b) - (a > b);
}

/* What hurts comes first: by time waited, then by time held. */
static int compare_processes(const void *a, const void *b)
{
	const struct view_process *x = *(const struct view_process *const *)a;
	const struct view_process *y = *(const struct view_process *const *)b;
	int order = x->quiet - y->quiet;

	if (!order)
		order = compare_u64_desc(x->sums.wait_ns, y->sums.wait_ns);
	if (!order)
		order = compare_u64_desc(x->sums.held_ns, y->sums.held_ns);
	return order ? order : compare_u64_desc(y->number, x->number);
}

static struct ranking rank_processes(const struct view *view)
{
	struct ranking ranking = {.count = view->result->process_count};

	ranking.items = xcalloc(ranking.count, sizeof(*ranking.items));
	for (size_t i = 0; i < ranking.count; i++) {
		ranking.items[i] = &view->processes[i];
		ranking.busy += !view->processes[i].quiet;
	}
	qsort(ranking.items, ranking.count, sizeof(*ranking.items), compare_processes);
	return ranking;
}

static const char *end_word(const struct view_process *process)
{
	switch (process->process->model->end) {
	case END_TARGET_EXIT:
		return "exited";
	case END_EXEC:
		return "executed";
	default:
		return "";
	}
}

/* Mean number of threads that waited. */
static double mean_waiting(const struct view_sums *sums)
{
	return sums->observed_ns ? (double)sums->wait_ns / (double)sums->observed_ns : 0;
}

/* The command without the folders of the program, which are the same for most processes. */
static const char *short_command(const struct view_process *process)
{
	const char *command = text_command(process), *name = command;

	for (const char *c = command; *c && *c != ' '; c++)
		if (c[0] == '/' && c[1] && c[1] != ' ')
			name = c + 1;
	return name[0] ? name : "-";
}

static char *cell_text(const struct page *page, const struct view_process *process, size_t column)
{
	const struct view_sums *sums = &process->sums;

	switch (column) {
	case PID:
		return xasprintf("%d", (int)process->process->target->pid);
	case SEEN:
		return xstrdup(format_time(sums->observed_ns, page->ascii).text);
	case HELD:
		return xstrdup(format_share(sums->held_ns, sums->gil_observed_ns).text);
	case WAITING:
		return xstrdup(format_fixed(mean_waiting(sums), 2).text);
	case HOLDS:
		return xstrdup(format_count(sums->holds).text);
	case CONTENDED:
		return xstrdup(format_share(sums->contended_holds, sums->holds).text);
	case FORCED:
		return xstrdup(sums->forced_known ? format_count(sums->forced_releases).text : "-");
	case THREADS:
		return xstrdup(format_count(process->all_threads).text);
	case END:
		return xstrdup(end_word(process));
	default:
		return xstrdup(short_command(process));
	}
}

static bool any_ended(const struct ranking *ranking, size_t rows)
{
	for (size_t r = 0; r < rows; r++)
		if (end_word(ranking->items[r])[0])
			return true;
	return false;
}

/* The first `rows` of the processes. */
static int put_table(const struct page *page, const struct ranking *ranking, size_t rows)
{
	struct table table = {.rows = rows};

	if (!rows)
		return 0;
	for (size_t i = 0; i < ARRAY_SIZE(columns); i++) {
		if (i == END && !any_ended(ranking, rows))
			continue;
		struct table_column *column =
			table_add(&table, columns[i].title, columns[i].rank, columns[i].right);

		column->stretch = i == COMMAND;
		for (size_t r = 0; r < rows; r++) {
			const struct view_process *process = ranking->items[r];

			column->cells[r] = cell_text(page, process, i);
			/* all the time a thread or more that could run */
			if (i == WAITING && process->sums.wait_ns > 0 &&
			    process->sums.wait_ns >= process->sums.observed_ns)
				column->colors[r] = page_red(page);
		}
		table_measure(&table, column);
	}
	int err = table_print(&table, page);
	table_free(&table);
	return err;
}

/* The busy processes from number `from` of the ranking on, which have no row, in one line. */
static void put_rest(const struct page *page, const struct ranking *ranking, size_t from)
{
	uint64_t observed = 0, held = 0, waited = 0, holds = 0;
	size_t count = ranking->busy - from;

	for (size_t i = from; i < ranking->busy; i++) {
		const struct view_sums *sums = &ranking->items[i]->sums;

		observed += sums->observed_ns;
		held += sums->held_ns;
		waited += sums->wait_ns;
		holds += sums->holds;
	}
	page_paragraph(
		page, "", "", 2,
		"%s more process%s, seen for %s%s, held the GIL for %s in %s hold%s and waited "
		"for %s (see --verbose or -f json).",
		format_count(count).text, count == 1 ? "" : "es",
		format_time(observed, page->ascii).text, count == 1 ? "" : " altogether",
		format_time(held, page->ascii).text, format_count(holds).text,
		holds == 1 ? "" : "s", format_time(waited, page->ascii).text);
}

static void put_quiet(const struct page *page, const struct view *view,
		      const struct ranking *ranking)
{
	size_t count = ranking->count - ranking->busy, free_threaded = 0;

	for (size_t i = ranking->busy; i < ranking->count; i++)
		free_threaded += ranking->items[i]->process->target->free_threaded;
	page_paragraph(page, "", "", 2,
		       "In %s%s process%s no thread held a GIL or waited for one%s.",
		       format_count(count).text, ranking->busy ? " more" : "",
		       count == 1 ? "" : "es", view->losses ? ", as far as the records tell" : "");
	if (free_threaded)
		page_paragraph(
			page, "", "", 2,
			"Of these %s %s free-threaded, GIL off: there is no GIL contention to "
			"measure; watching in case an extension turns it on.",
			format_count(free_threaded).text, free_threaded == 1 ? "is" : "are");
}

/* When the process was observed. */
static void put_span(const struct page *page, const struct view_process *process)
{
	const struct model_result *model = process->process->model;
	const char *end = model->end == END_TARGET_EXIT ? ", until it exited"
			  : model->end == END_EXEC	? ", until it executed another program"
							: "";
	uint64_t from = view_since_start(process->view, model->start_ns);
	uint64_t unobserved = process->sums.unobserved_ns;

	if (from)
		page_paragraph(page, "", "", 2, "Observed for %s, from %s after the start on%s.",
			       format_time(process->sums.observed_ns, page->ascii).text,
			       format_time(from, page->ascii).text, end);
	else
		page_paragraph(page, "", "", 2, "Observed for %s%s.",
			       format_time(process->sums.observed_ns, page->ascii).text, end);
	if (unobserved)
		page_paragraph(
			page, "", "", 2,
			"The %s before that are missing: gilscope had not attached to it yet.",
			format_time(unobserved, page->ascii).text);
}

/* What a process is, and how long and how completely it was observed. */
static void put_part_intro(const struct page *page, const struct view_process *process)
{
	const struct target *target = process->process->target;
	const struct probe_plan *plan = process->process->plan;

	page_paragraph(page, "", "", 2, "CPython %s (%s%s%s), through %zu %s probe%s.",
		       process->version, target->is_static ? "static" : "shared",
		       target->stripped ? ", stripped" : "",
		       target->free_threaded ? ", free-threaded" : "", plan->site_count,
		       text_method(plan), plan->site_count == 1 ? "" : "s");
	put_span(page, process);
	text_process_losses(page, process);
}

static int put_part(const struct page *page, const struct view_process *process)
{
	char title[32];

	snprintf(title, sizeof(title), "Process %d", (int)process->process->target->pid);
	page_rule(page, title, text_command(process));
	put_part_intro(page, process);
	text_gils(page, process);
	int err = text_threads(page, process);
	if (!err)
		err = text_blame(page, process);
	if (!err && process->view->options->verbose)
		err = text_probes(page, process);
	return err;
}

int text_processes(const struct page *page, const struct view *view)
{
	const bool all = view->options->verbose;
	struct ranking ranking = rank_processes(view);
	size_t rows = all ? ranking.count : ranking.busy < MAX_ROWS ? ranking.busy : MAX_ROWS;
	size_t parts = all ? ranking.count : ranking.busy < MAX_PARTS ? ranking.busy : MAX_PARTS;

	page_heading(page, "Processes", "longest waits first; WAITING in threads");
	int err = put_table(page, &ranking, rows);
	if (rows < ranking.busy)
		put_rest(page, &ranking, rows);
	if (!all && ranking.busy < ranking.count)
		put_quiet(page, view, &ranking);
	if (parts < ranking.busy)
		page_paragraph(
			page, "", "", 2,
			"More follows about the first %zu of them; about all with --verbose.",
			parts);
	for (size_t i = 0; i < parts && !err; i++)
		err = put_part(page, ranking.items[i]);
	free(ranking.items);
	return err;
}
