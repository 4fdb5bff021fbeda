/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 gilscope contributors */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "report/format.h"
#include "report/text.h"

enum { MAX_COMMAND = 60, MAX_NOTES = 3, MAX_VERSIONS = 4, NOTE_INDENT = 6 };

const char *text_method(const struct probe_plan *plan)
{
	return plan->method == PLAN_CALL_SITES ? "call-site" : "libc-entry";
}

const char *text_command(const struct view_process *process)
{
	return process->cmdline[0] ? process->cmdline : process->exe;
}

/* A text that several processes have in common. */
struct common {
	const char *text;
	size_t processes;
};

struct commons {
	struct common *items;
	size_t count, cap;
};

static void add_common(struct commons *commons, const char *text)
{
	for (size_t i = 0; i < commons->count; i++) {
		if (!strcmp(commons->items[i].text, text)) {
			commons->items[i].processes++;
			return;
		}
	}
	*VEC_PUSH(commons) = (struct common){text, 1};
}

static void put_note(const struct page *page, const struct view *view, const struct common *note)
{
	size_t count = view->result->process_count, length = strlen(note->text);
	bool ended = length > 0 && note->text[length - 1] == '.';

	if (note->processes < count)
		page_paragraph(page, "", "Note:", NOTE_INDENT, "%.*s (%s of %s processes).",
			       (int)(length - ended), note->text,
			       format_count(note->processes).text, format_count(count).text);
	else
		page_paragraph(page, "", "Note:", NOTE_INDENT, "%s%s", note->text,
			       ended ? "" : ".");
}

/* Reasons for every fallback and doubt; those that the plans of several processes share once. */
static void put_plan_notes(const struct page *page, const struct view *view)
{
	struct commons notes = {0};

	for (size_t p = 0; p < view->result->process_count; p++)
		for (size_t i = 0; i < view->processes[p].process->plan->note_count; i++)
			add_common(&notes, view->processes[p].notes[i]);

	size_t shown = notes.count;
	if (shown > MAX_NOTES && !view->options->verbose)
		shown = MAX_NOTES;
	for (size_t i = 0; i < shown; i++)
		put_note(page, view, &notes.items[i]);
	if (shown < notes.count)
		page_paragraph(page, "", "", NOTE_INDENT, "... and %zu more (see --verbose).",
			       notes.count - shown);
	free(notes.items);
}

static void put_unobserved(const struct page *page, const struct view *view)
{
	const struct view_sums *sums = &view->sums;

	if (view->result->capture.missed_ns)
		page_paragraph(
			page, "", "Note:", NOTE_INDENT,
			"%s of processes that ended before gilscope had attached to them, or that it "
			"could not attach to, is not in the report.",
			format_time(view->result->capture.missed_ns, page->ascii).text);
	if (!sums->unobserved_ns)
		return;
	page_paragraph(
		page, "", "Note:", NOTE_INDENT,
		"%s (%s) of the %s time passed before gilscope had attached to %s and is not "
		"in the report.",
		format_time(sums->unobserved_ns, page->ascii).text,
		format_share(sums->unobserved_ns, sums->unobserved_ns + sums->observed_ns).text,
		view->several ? "processes'" : "process's", view->several ? "them" : "it");
}

/* What the fallback costs: it traps at every condition variable of the process. */
static void put_fallback(const struct page *page, const struct view *view)
{
	const uint64_t ns_per_hit = view->result->overhead.ns_per_hit;
	const struct view_sums *sums = &view->sums;
	bool fallback = false;

	for (size_t i = 0; i < view->result->process_count; i++)
		fallback |= view->processes[i].process->plan->method == PLAN_LIBC_ENTRY;
	if (!fallback || !sums->foreign_hits)
		return;
	page_paragraph(page, "", "Note:", NOTE_INDENT,
		       "%s of %s hits (%s) were at condition variables that belong to no GIL; they "
		       "cost the target%s %s.",
		       format_count(sums->foreign_hits).text, format_count(sums->hits).text,
		       format_share(sums->foreign_hits, sums->hits).text, view->several ? "s" : "",
		       ns_per_hit ? format_time(sums->foreign_hits * ns_per_hit, page->ascii).text
				  : "an unknown time");
}

void text_notes(const struct page *page, const struct view *view)
{
	const struct common capture = {view->note, view->result->process_count};

	if (view->note[0])
		put_note(page, view, &capture);
	put_unobserved(page, view);
	put_plan_notes(page, view);
	put_fallback(page, view);
}

static const char *end_words(const struct view *view)
{
	const bool several = view->several;

	switch (view->result->capture.end) {
	case END_SIGNAL:
		return ", until it was interrupted";
	case END_TARGET_EXIT:
		return several ? ", until the last of them exited" : ", until the process exited";
	case END_EXEC:
		return several ? ", until the last of them executed another program"
			       : ", until the process executed another program";
	default:
		return "";
	}
}

static const char *trust_words(const struct view *view)
{
	return view->losses ? "holds of the GIL and waits for it, with losses (see below)"
			    : "every hold of the GIL and every wait for it";
}

/* The command in parentheses, cut to a length that leaves the paragraph readable; owned. */
static char *command_words(const struct page *page, const struct view_process *process)
{
	const char *command = text_command(process);

	if (!command[0])
		return xstrdup("");
	char *cut = fit_text(page, command, MAX_COMMAND);
	char *words = xasprintf(" (%s)", cut);
	free(cut);
	return words;
}

void text_intro(const struct page *page, const struct view *view)
{
	const struct view_process *process = &view->processes[0];
	const struct target *target = process->process->target;
	const struct probe_plan *plan = process->process->plan;
	char *command = command_words(page, process);

	page_paragraph(page, "", "", 0,
		       "Profiled PID %d%s for %s%s: CPython %s (%s%s%s), %s, through %zu %s "
		       "probe%s.",
		       (int)target->pid, command,
		       format_time(view->result->capture.duration_ns, page->ascii).text,
		       end_words(view), process->version, target->is_static ? "static" : "shared",
		       target->stripped ? ", stripped" : "",
		       target->free_threaded ? ", free-threaded" : "", trust_words(view),
		       plan->site_count, text_method(plan), plan->site_count == 1 ? "" : "s");
	free(command);
	text_notes(page, view);
}

/* "3.11.2", "3.11.2, 3.12.1 and 2 other versions"; owned. */
static char *version_words(const struct view *view)
{
	struct commons versions = {0};
	char *words = xstrdup("");

	for (size_t i = 0; i < view->result->process_count; i++)
		add_common(&versions, view->processes[i].version);
	for (size_t i = 0; i < versions.count && i < MAX_VERSIONS; i++) {
		bool last = i + 1 == versions.count;
		char *longer = xasprintf("%s%s%s", words,
					 i == 0 ? ""
					 : last ? " and "
						: ", ",
					 versions.items[i].text);

		free(words);
		words = longer;
	}
	if (versions.count > MAX_VERSIONS) {
		size_t more = versions.count - MAX_VERSIONS;
		char *longer =
			xasprintf("%s and %zu other version%s", words, more, more == 1 ? "" : "s");

		free(words);
		words = longer;
	}
	free(versions.items);
	return words;
}

/* "call-site", or both kinds of probes. */
static const char *methods_words(const struct view *view)
{
	const char *method = text_method(view->processes[0].process->plan);

	for (size_t i = 1; i < view->result->process_count; i++)
		if (strcmp(text_method(view->processes[i].process->plan), method) != 0)
			return "call-site and libc-entry";
	return method;
}

static size_t count_ends(const struct view *view, enum ev_end end)
{
	size_t count = 0;

	for (size_t i = 0; i < view->result->process_count; i++)
		count += view->processes[i].process->model->end == end;
	return count;
}

/* What became of the processes, as a sentence after a blank; "" if nothing. Owned. */
static char *fate_words(const struct view *view)
{
	const size_t exited = count_ends(view, END_TARGET_EXIT);
	const size_t executed = count_ends(view, END_EXEC);

	if (exited && executed)
		return xasprintf(" %s of them exited, %s executed another program.",
				 format_count(exited).text, format_count(executed).text);
	if (exited)
		return xasprintf(" %s of them exited.", format_count(exited).text);
	if (executed)
		return xasprintf(" %s of them executed another program.",
				 format_count(executed).text);
	return xstrdup("");
}

void text_intro_several(const struct page *page, const struct view *view)
{
	const size_t count = view->result->process_count;
	char *versions = version_words(view), *fates = fate_words(view);

	page_paragraph(page, "", "", 0,
		       "Profiled %s process%s for %s%s: CPython %s, %s, through %s probes.%s",
		       format_count(count).text, count == 1 ? "" : "es",
		       format_time(view->result->capture.duration_ns, page->ascii).text,
		       end_words(view), versions, trust_words(view), methods_words(view), fates);
	free(versions);
	free(fates);
	text_notes(page, view);
}
