/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 gilscope contributors */
/* What limits the trust in the numbers, and what they cost: losses, overhead, probes. */
#include <inttypes.h>

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
	const struct model_result *model = view->result->model;
	uint64_t unknown = 0, observed = 0;

	if (!view->losses) {
		fprintf(page->out, "\n%sLosses%s: none.\n", page_bold(page), page_plain(page));
		return;
	}
	page_heading(page, "Losses", "");
	for (size_t i = 0; i < LOSS_KINDS; i++)
		if (model->losses[i])
			page_paragraph(page, page_red(page), "", 2, "%s (%s): %s.", losses[i].name,
				       format_count(model->losses[i]).text, losses[i].text);
	for (size_t i = 0; i < model->gil_count; i++) {
		unknown += model->gils[i].unknown_ns;
		observed += model->gils[i].observed_ns;
	}
	if (unknown)
		page_paragraph(page, "", "", 2,
			       "Because of them it is unknown who held the GIL for %s, %s of the "
			       "observed time.",
			       format_time(unknown, page->ascii).text,
			       format_share(unknown, observed).text);
	else
		page_paragraph(page, "", "", 2, "They leave no time unknown.");
}

/* The probes, whether each is cheap, and what the target paid. */
static void put_target_cost(const struct page *page, const struct view *view)
{
	const struct result_overhead *overhead = &view->result->overhead;
	size_t count = view->result->plan->site_count;
	char emulated[128], cost[128];

	if (view->single_stepped == 0)
		snprintf(emulated, sizeof(emulated), "%semulated by the kernel",
			 count == 1 ? "" : "all ");
	else
		snprintf(emulated, sizeof(emulated),
			 "%zu of them single-stepped (several times dearer than emulated)",
			 view->single_stepped);
	if (overhead->ns_per_hit)
		snprintf(cost, sizeof(cost), " of about %s: the target paid %s of a CPU",
			 format_time(overhead->ns_per_hit, page->ascii).text,
			 format_percent(overhead->target_cpu_fraction).text);
	else
		snprintf(cost, sizeof(cost), "; what a hit cost the target is not known");
	page_paragraph(page, "", "", 2, "%zu probe%s, %s, %s hits%s.", count, count == 1 ? "" : "s",
		       emulated, format_count(overhead->probe_hits).text, cost);
}

void text_overhead(const struct page *page, const struct view *view)
{
	const struct result_overhead *overhead = &view->result->overhead;

	page_heading(page, "Overhead", "");
	put_target_cost(page, view);
	page_paragraph(page, "", "", 2, "gilscope itself took %s of CPU time and %s of memory.",
		       format_time(overhead->tool_cpu_ns, page->ascii).text,
		       format_bytes(overhead->tool_max_rss_bytes).text);
	if (overhead->target_cpu_fraction > MAX_TARGET_COST)
		page_paragraph(
			page, page_red(page), "", 2,
			"Warning: the target paid more than %.0f%% of a CPU for the probes, so "
			"its holds and waits are longer than without them.",
			100 * MAX_TARGET_COST);
}
