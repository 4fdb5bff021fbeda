/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 gilscope contributors */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "report/format.h"
#include "report/text.h"

enum { MAX_COMMAND = 60, MAX_NOTES = 3, NOTE_INDENT = 6 };

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

static void put_note(const struct page *page, const char *note)
{
	size_t length = strlen(note);
	bool ended = length > 0 && note[length - 1] == '.';

	page_paragraph(page, "", "Note:", NOTE_INDENT, "%s%s", note, ended ? "" : ".");
}

static void put_notes(const struct page *page, const struct view *view)
{
	const size_t count = view->result->plan->note_count;
	size_t shown = count;

	if (view->note[0])
		put_note(page, view->note);
	if (shown > MAX_NOTES && !view->options->verbose)
		shown = MAX_NOTES;
	for (size_t i = 0; i < shown; i++)
		put_note(page, view->notes[i]);
	if (shown < count)
		page_paragraph(page, "", "", NOTE_INDENT, "... and %zu more (see --verbose).",
			       count - shown);
}

/* What the fallback costs: it traps at every condition variable of the process. */
static void put_fallback(const struct page *page, const struct view *view)
{
	const uint64_t ns_per_hit = view->result->overhead.ns_per_hit;

	if (view->result->plan->method != PLAN_LIBC_ENTRY || !view->foreign_hits)
		return;
	page_paragraph(page, "", "Note:", NOTE_INDENT,
		       "%s of %s hits (%s) were at condition variables that belong to no GIL; they "
		       "cost the target %s.",
		       format_count(view->foreign_hits).text, format_count(view->hits).text,
		       format_share(view->foreign_hits, view->hits).text,
		       ns_per_hit ? format_time(view->foreign_hits * ns_per_hit, page->ascii).text
				  : "an unknown time");
}

void text_intro(const struct page *page, const struct view *view)
{
	const struct result *result = view->result;
	const struct target *target = result->target;
	char *command = command_words(page, view);

	page_paragraph(
		page, "", "", 0,
		"Profiled PID %d%s for %s%s: CPython %s (%s%s%s), %s, through %zu %s probe%s.",
		(int)target->pid, command,
		format_time(result->capture.duration_ns, page->ascii).text,
		end_words(result->capture.end), view->version,
		target->is_static ? "static" : "shared", target->stripped ? ", stripped" : "",
		target->free_threaded ? ", free-threaded" : "",
		view->losses ? "holds of the GIL and waits for it, with losses (see below)"
			     : "every hold of the GIL and every wait for it",
		result->plan->site_count,
		result->plan->method == PLAN_CALL_SITES ? "call-site" : "libc-entry",
		result->plan->site_count == 1 ? "" : "s");
	free(command);
	put_notes(page, view);
	put_fallback(page, view);
}
