/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 gilscope contributors */
#include "report/text.h"

static int put_one(const struct page *page, const struct view *view)
{
	const struct view_process *process = &view->processes[0];

	text_intro(page, view);
	text_gils(page, process);
	int err = text_threads(page, process);
	return err ? err : text_blame(page, process);
}

static int put_several(const struct page *page, const struct view *view)
{
	text_intro_several(page, view);
	int err = text_processes(page, view);
	page_rule(page, "All processes together", "");
	return err;
}

int report_text(FILE *out, const struct view *view)
{
	struct page page;

	page_init(&page, out, view->options);
	int err = view->several ? put_several(&page, view) : put_one(&page, view);
	text_histograms(&page, view);
	text_losses(&page, view);
	text_overhead(&page, view);
	if (!err && view->options->verbose && !view->several)
		err = text_probes(&page, &view->processes[0]);
	return err;
}
