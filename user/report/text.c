/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 gilscope contributors */
#include "report/text.h"

int report_text(FILE *out, const struct view *view)
{
	struct page page;

	page_init(&page, out, view->options);
	text_intro(&page, view);
	text_gils(&page, view);
	int err = text_threads(&page, view);
	text_histograms(&page, view);
	text_losses(&page, view);
	text_overhead(&page, view);
	if (!err && view->options->verbose)
		err = text_probes(&page, view);
	return err;
}
