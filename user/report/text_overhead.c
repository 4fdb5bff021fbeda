/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 gilscope contributors */
/* What limits the trust in the numbers, and what they cost: losses, overhead, probes. */
#include <stdlib.h>

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

/* The probes, whether each is cheap, and what the target paid. */
static void put_target_cost(const struct page *page, const struct view *view)
{
	const struct result_overhead *overhead = &view->result->overhead;
	size_t count = view->sums.sites;
	char where[64] = "", who[64] = "the target", emulated[128], cost[160];

	if (view->several) {
		snprintf(where, sizeof(where), " in %s process%s",
			 format_count(view->result->process_count).text,
			 view->result->process_count == 1 ? "" : "es");
		if (overhead->probe_hits)
			snprintf(who, sizeof(who), "process %d, which paid most,",
				 overhead->dearest_pid);
		else
			snprintf(who, sizeof(who), "the targets");
	}
	if (view->sums.single_stepped == 0)
		snprintf(emulated, sizeof(emulated), "%semulated by the kernel",
			 count == 1 ? "" : "all ");
	else
		snprintf(emulated, sizeof(emulated),
			 "%zu of them single-stepped (several times dearer than emulated)",
			 view->sums.single_stepped);
	if (overhead->ns_per_hit)
		snprintf(cost, sizeof(cost), " of about %s: %s paid %s of a CPU",
			 format_time(overhead->ns_per_hit, page->ascii).text, who,
			 format_percent(overhead->target_cpu_fraction).text);
	else
		snprintf(cost, sizeof(cost), "; what a hit cost is not known");
	page_paragraph(page, "", "", 2, "%s probe%s%s, %s, %s hits%s.", format_count(count).text,
		       count == 1 ? "" : "s", where, emulated,
		       format_count(overhead->probe_hits).text, cost);
}

/* What the records leave to the histograms. */
static void put_mode(const struct page *page, const struct view *view)
{
	const struct view_sums *sums = &view->sums;

	if (sums->short_holds)
		page_paragraph(page, "", "", 2,
			       "%s of the holds (%s), short and wanted by nobody, were counted in "
			       "the kernel; --mode exact records each one.",
			       format_count(sums->short_holds).text,
			       format_share(sums->short_holds, sums->holds).text);
}

void text_overhead(const struct page *page, const struct view *view)
{
	const struct result_overhead *overhead = &view->result->overhead;

	char who[64] = "the target";

	if (view->several)
		snprintf(who, sizeof(who), "process %d", overhead->dearest_pid);
	page_heading(page, "Overhead", "");
	put_target_cost(page, view);
	put_mode(page, view);
	page_paragraph(page, "", "", 2, "gilscope itself took %s of CPU time and %s of memory.",
		       format_time(overhead->tool_cpu_ns, page->ascii).text,
		       format_bytes(overhead->tool_max_rss_bytes).text);
	if (overhead->target_cpu_fraction > MAX_TARGET_COST)
		page_paragraph(page, page_red(page), "", 2,
			       "Warning: %s paid more than %.0f%% of a CPU for the probes, so its "
			       "holds and waits are longer than without them.",
			       who, 100 * MAX_TARGET_COST);
}
