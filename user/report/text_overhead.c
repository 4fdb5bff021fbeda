/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 gilscope contributors */
/* What limits the trust in the numbers, and what they cost: losses, overhead, probes. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "report/format.h"
#include "report/text.h"

#define MAX_TARGET_COST 0.05 /* CPUs that the target may pay without a warning */

static const struct {
	const char *name, *text;
} losses[LOSS_KINDS] = {
#define LOSS(name, text) {#name, text},
#include "bpf/loss.def"
#undef LOSS
};

void text_losses(const struct page *page, const struct view *view)
{
	const struct view_sums *sums = &view->sums;

	if (!view->losses) {
		fprintf(page->out, "\n%sLosses%s: none.\n", page_bold(page), page_plain(page));
		return;
	}
	page_heading(page, "Losses", "");
	for (size_t i = 0; i < LOSS_KINDS; i++)
		if (view->result->losses[i])
			page_paragraph(page, page_red(page), "", 2, "%s (%s): %s.", losses[i].name,
				       format_count(view->result->losses[i]).text, losses[i].text);
	if (sums->unknown_ns)
		page_paragraph(page, "", "", 2,
			       "Because of them it is unknown who held the GIL for %s, %s of the "
			       "observed time.",
			       format_time(sums->unknown_ns, page->ascii).text,
			       format_share(sums->unknown_ns, sums->gil_observed_ns).text);
	else
		page_paragraph(
			page, "", "", 2, "%s",
			view->several
				? "They leave nothing unknown in the time of the processes above."
				: "They leave no time unknown.");
}

void text_process_losses(const struct page *page, const struct view_process *process)
{
	const struct model_result *model = process->process->model;
	char *words = xstrdup("");

	for (size_t i = 0; i < LOSS_KINDS; i++) {
		if (!model->losses[i])
			continue;
		char *longer = xasprintf("%s%s%s (%s)", words, words[0] ? ", " : "", losses[i].name,
					 format_count(model->losses[i]).text);

		free(words);
		words = longer;
	}
	if (words[0])
		page_paragraph(page, page_red(page), "", 2, "Losses: %s (see the end).", words);
	free(words);
}

/* What the hits cost those who made them. */
static char *cost_text(const struct page *page, const struct view *view)
{
	const struct result_overhead *overhead = &view->result->overhead;
	const struct number ns = format_time(overhead->ns_per_hit, page->ascii);

	if (!overhead->ns_per_hit)
		return xstrdup("; what a hit cost is not known");
	if (!view->several)
		return xasprintf(" of about %s: the target paid %s of a CPU", ns.text,
				 format_percent(view->dearest->paid_cpus).text);
	if (!overhead->probe_hits)
		return xasprintf(" of about %s", ns.text);
	return xasprintf(" of about %s: the targets paid %s of a CPU together, process %d most, %s",
			 ns.text, format_percent(overhead->target_cpu_fraction).text,
			 (int)view->dearest->process->target->pid,
			 format_percent(view->dearest->paid_cpus).text);
}

/* The probes, whether each is cheap, and what the target paid. */
static void put_target_cost(const struct page *page, const struct view *view)
{
	size_t count = view->sums.sites;
	char where[64] = "", emulated[128];
	char *cost = cost_text(page, view);

	if (view->several)
		snprintf(where, sizeof(where), " in %s process%s",
			 format_count(view->result->process_count).text,
			 view->result->process_count == 1 ? "" : "es");
	if (view->sums.single_stepped == 0)
		snprintf(emulated, sizeof(emulated), "%semulated by the kernel",
			 count == 1 ? "" : "all ");
	else
		snprintf(emulated, sizeof(emulated),
			 "%zu of them single-stepped (several times dearer than emulated)",
			 view->sums.single_stepped);
	page_paragraph(page, "", "", 2, "%s probe%s%s, %s, %s hits%s.", format_count(count).text,
		       count == 1 ? "" : "s", where, emulated,
		       format_count(view->result->overhead.probe_hits).text, cost);
	free(cost);
}

/* What the records leave to the histograms. */
static void put_mode(const struct page *page, const struct view *view)
{
	const struct view_sums *sums = &view->sums;

	if (strcmp(view->result->capture.mode, "aggregate") != 0)
		page_paragraph(page, "", "", 2, "Mode %s: each hold was recorded by itself.",
			       view->result->capture.mode);
	else if (!sums->short_holds)
		page_paragraph(
			page, "", "", 2,
			"Mode aggregate: no hold was short and wanted by nobody, so each was "
			"recorded by itself.");
	else
		page_paragraph(page, "", "", 2,
			       "Mode aggregate: %s of the holds (%s), short and wanted by nobody, "
			       "were counted in the kernel instead of being recorded one by one.",
			       format_count(sums->short_holds).text,
			       format_share(sums->short_holds, sums->holds).text);
}

/* Processes that paid more than they should be asked for. */
static void put_warning(const struct page *page, const struct view *view)
{
	char others[64] = "";
	size_t count = 0;

	for (size_t i = 0; i < view->result->process_count; i++)
		count += view->processes[i].paid_cpus > MAX_TARGET_COST;
	if (!count)
		return;
	if (count > 1)
		snprintf(others, sizeof(others), ", and %zu other%s more than %.0f%%", count - 1,
			 count == 2 ? "" : "s", 100 * MAX_TARGET_COST);
	page_paragraph(page, page_red(page), "", 2,
		       "Warning: process %d paid %s of a CPU for its probes%s: holds and waits are "
		       "longer than without them.",
		       (int)view->dearest->process->target->pid,
		       format_percent(view->dearest->paid_cpus).text, others);
}

void text_overhead(const struct page *page, const struct view *view)
{
	const struct result_overhead *overhead = &view->result->overhead;

	page_heading(page, "Overhead", "");
	put_target_cost(page, view);
	put_mode(page, view);
	page_paragraph(page, "", "", 2, "gilscope itself took %s of CPU time and %s of memory.",
		       format_time(overhead->tool_cpu_ns, page->ascii).text,
		       format_bytes(overhead->tool_max_rss_bytes).text);
	put_warning(page, view);
}
