/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 gilscope contributors */
#include <inttypes.h>

#include "base/mem.h"
#include "report/format.h"
#include "report/text.h"

/* From this width on the four kinds of time are explained. */
enum { EXPLAIN_WIDTH = 70, LABEL = 7, LONG_LABEL = 25, MAX_BAR = 60 };

struct part {
	const char *name, *meaning;
	uint64_t ns;
	bool hurts;
};

static void put_part(const struct page *page, const struct part *part, uint64_t observed)
{
	bool explain = page->width >= EXPLAIN_WIDTH;
	int label = explain ? LONG_LABEL : LABEL;
	char bar[BAR_SIZE];
	int room = page->width - 2 - label - 10 - 8 - 2;

	fprintf(page->out, "  %-*s", LABEL, part->name);
	if (explain)
		fprintf(page->out, " %-*s", LONG_LABEL - LABEL - 1, part->meaning);
	page_right(page, format_time(part->ns, page->ascii).text, 10);
	page_right(page, format_share(part->ns, observed).text, 8);
	make_bar(bar, part->ns, observed, room < MAX_BAR ? room : MAX_BAR, page->ascii);
	if (bar[0])
		fprintf(page->out, "  %s%s%s", part->hurts ? page_red(page) : "", bar,
			part->hurts ? page_plain(page) : "");
	fputc('\n', page->out);
}

static void put_title(const struct page *page, const struct view_process *process,
		      const struct model_gil *gil)
{
	char title[64], interpreters[160];
	size_t at = 0, named = gil->interp_count;

	if (process->process->model->gil_count == 1 && gil->interp_count <= 1) {
		page_heading(page, "GIL", "");
		return;
	}
	if (named > ARRAY_SIZE(gil->interp_ids))
		named = ARRAY_SIZE(gil->interp_ids);
	interpreters[0] = '\0';
	for (size_t i = 0; i < named; i++)
		at += snprintf(interpreters + at, sizeof(interpreters) - at, "%s%" PRId64,
			       i			? ", "
			       : gil->interp_count == 1 ? "interpreter "
							: "interpreters ",
			       gil->interp_ids[i]);
	if (named < gil->interp_count)
		snprintf(interpreters + at, sizeof(interpreters) - at, " and %zu more",
			 gil->interp_count - named);
	snprintf(title, sizeof(title), "GIL %" PRIu32, gil->id);
	page_heading(page, title, interpreters);
}

/* Holds that the begin or the end of the capture cut. */
static uint64_t clipped_holds(const struct view_process *process, const struct model_gil *gil)
{
	uint64_t count = 0;

	for (size_t i = 0; i < process->thread_count; i++) {
		const struct model_thread *thread = process->threads[i].thread;

		if (thread->gil == gil->id)
			count += thread->hold.clipped;
	}
	for (size_t i = 0; i < process->exited_count; i++) {
		const struct model_thread *exited = process->exited[i].thread;

		if (exited->gil == gil->id)
			count += exited->hold.clipped;
	}
	return count;
}

static void put_gil(const struct page *page, const struct view_process *process,
		    const struct model_gil *gil)
{
	const struct part parts[] = {
		{"held", "by a thread", gil->held_ns, false},
		{"handoff", "free but wanted", gil->handoff_ns, true},
		{"idle", "free, not wanted", gil->idle_ns, false},
		{"unknown", "records lost", gil->unknown_ns, true},
	};
	char releases[100];

	put_title(page, process, gil);
	for (size_t i = 0; i < ARRAY_SIZE(parts); i++)
		put_part(page, &parts[i], gil->observed_ns);
	if (process->sums.forced_known)
		snprintf(releases, sizeof(releases), "%s forced, %s voluntary",
			 format_count(gil->forced_releases).text,
			 format_count(gil->voluntary_releases).text);
	else
		snprintf(releases, sizeof(releases),
			 "- forced, - voluntary (they cannot be told apart)");
	page_paragraph(
		page, "", "", 2,
		"%s hold%s, %s of them cut off by the edges, %s contended (%s). Releases: %s. Threads waiting: %s on average, "
		"%" PRIu32 " at most. Switch interval: %s.",
		format_count(gil->holds).text, gil->holds == 1 ? "" : "s",
		format_count(clipped_holds(process, gil)).text,
		format_count(gil->contended_holds).text,
		format_share(gil->contended_holds, gil->holds).text, releases,
		format_fixed(gil->waiters_mean, 2).text, gil->waiters_max,
		gil->switch_interval_ns
			? format_round_time(gil->switch_interval_ns, page->ascii).text
			: "not known");
	if (gil->lost_holds)
		page_paragraph(page, page_red(page), "", 2,
			       "%s hold record%s lost; the time around is unknown.",
			       format_count(gil->lost_holds).text,
			       gil->lost_holds == 1 ? " was" : "s were");
}

/* What a build without a GIL by default says of itself. */
static void put_free_threaded(const struct page *page, const struct view_process *process)
{
	if (process->quiet)
		page_paragraph(
			page, "", "", 2,
			"Free-threaded build, GIL off: there is no GIL contention to measure; "
			"watching in case an extension turns it on.");
	else
		page_paragraph(page, "", "", 2,
			       "This is a free-threaded build, but its GIL was on, at least for a "
			       "time: an extension or PYTHON_GIL=1 turned it on.");
}

void text_gils(const struct page *page, const struct view_process *process)
{
	const struct model_result *model = process->process->model;
	const bool free_threaded = process->process->target->free_threaded;

	if (free_threaded && process->quiet) {
		page_heading(page, "GIL", "");
		put_free_threaded(page, process);
		return;
	}
	if (model->gil_count == 0) {
		page_heading(page, "GIL", "no thread took one or waited for one");
		return;
	}
	for (size_t i = 0; i < model->gil_count; i++)
		put_gil(page, process, &model->gils[i]);
	if (free_threaded)
		put_free_threaded(page, process);
}
