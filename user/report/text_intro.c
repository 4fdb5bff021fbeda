/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 gilscope contributors */
#include <stdlib.h>

#include "base/mem.h"
#include "report/format.h"
#include "report/text.h"

enum { MAX_COMMAND = 60, MAX_NOTES = 3 };

static const char *end_words(enum ev_end end)
{
	switch (end) {
	case END_SIGNAL:
		return ", until it was interrupted";
	case END_TARGET_EXIT:
		return ", until the process exited";
	case END_EXEC:
		return ", until the process executed another program";
	default:
		return "";
	}
}

/* The command in parentheses, cut to a length that leaves the paragraph readable; owned. */
static char *command_words(const struct page *page, const struct view *view)
{
	const char *command = view->cmdline[0] ? view->cmdline : view->exe;
	char *words = NULL;
	size_t size;

	if (!command[0])
		return xstrdup("");
	FILE *memory = open_memstream(&words, &size);
	if (!memory)
		return xstrdup("");
	struct page inner = *page;
	inner.out = memory;
	fputs(" (", memory);
	page_fit(&inner, command, MAX_COMMAND, false);
	fputs(")", memory);
	fclose(memory);
	return words ? words : xstrdup("");
}

static void put_notes(const struct page *page, const struct view *view)
{
	const struct probe_plan *plan = view->result->plan;
	size_t shown = plan->note_count;

	if (view->note[0])
		page_paragraph(page, "", "Note:", 6, "%s", view->note);
	if (shown > MAX_NOTES && !view->options->verbose)
		shown = MAX_NOTES;
	for (size_t i = 0; i < shown; i++)
		page_paragraph(page, "", "Note:", 6, "%s", view->notes[i]);
	if (shown < plan->note_count)
		page_paragraph(page, "", "", 6, "... and %zu more notes (see --verbose)",
			       plan->note_count - shown);
	if (!plan->forced_known)
		page_paragraph(page, "", "Note:", 6,
			       "Forced and voluntary releases cannot be told apart here.");
}

/* What the fallback costs: it traps at every condition variable of the process. */
static void put_fallback(const struct page *page, const struct view *view)
{
	const struct result_overhead *overhead = &view->result->overhead;

	if (view->result->plan->method != PLAN_LIBC_ENTRY)
		return;
	page_paragraph(
		page, "", "Note:", 6,
		"The probes stand at the entry of libc's functions, so every condition "
		"variable of the process pays: %s of %s hits (%s) had nothing to do with a "
		"GIL and cost the target %s.",
		format_count(view->foreign_hits).text, format_count(view->hits).text,
		format_share(view->foreign_hits, view->hits).text,
		overhead->ns_per_hit
			? format_time(view->foreign_hits * overhead->ns_per_hit, page->ascii).text
			: "an unknown time");
}

void text_intro(const struct page *page, const struct view *view)
{
	const struct result *result = view->result;
	const struct target *target = result->target;
	char *command = command_words(page, view);

	page_paragraph(page, "", "", 0,
		       "Profiled PID %d%s for %s%s: CPython %s (%s%s%s), every hold of the GIL and "
		       "every wait for it, through %zu %s probe%s.",
		       (int)target->pid, command,
		       format_time(result->capture.duration_ns, page->ascii).text,
		       end_words(result->capture.end), view->version,
		       target->is_static ? "static" : "shared",
		       target->stripped ? ", stripped" : "",
		       target->free_threaded ? ", free-threaded" : "", result->plan->site_count,
		       result->plan->method == PLAN_CALL_SITES ? "call-site" : "libc-entry",
		       result->plan->site_count == 1 ? "" : "s");
	free(command);
	put_fallback(page, view);
	put_notes(page, view);
}
