/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 gilscope contributors */
/* The checklist for people: one line a check, and what to do where something is wrong. */
#include <errno.h>
#include <inttypes.h>
#include <libsmartcols.h>
#include <stdlib.h>

#include "base/mem.h"
#include "report/clean.h"
#include "report/doctor.h"
#include "report/layout.h"

enum { LABEL = 32 }; /* "  warning  Function names       " */

static void put_check(const struct page *page, const struct doctor_check *check)
{
	const bool failed = check->status == CHECK_FAILED;
	char *detail = clean_text(check->detail, page->ascii);
	char *advice = clean_text(check->advice, page->ascii);
	char label[LABEL + 1];

	snprintf(label, sizeof(label), "  %-7s  %-*s ", check_status_name(check->status),
		 LABEL - 12, check->title);
	page_paragraph(page, failed ? page_red(page) : "", label, LABEL, "%s", detail);
	if (advice[0])
		page_paragraph(page, failed ? page_red(page) : "", "", LABEL, "-> %s", advice);
	free(detail);
	free(advice);
}

static void put_checks(const struct page *page, const struct doctor_checks *checks)
{
	for (size_t i = 0; i < checks->count; i++)
		put_check(page, &checks->items[i]);
}

enum { OFFSET, ROLE, KERNEL, INSTRUCTION, FUNCTION };

static const struct {
	const char *title;
	int flags;
} titles[] = {
	[OFFSET] = {"      OFFSET", SCOLS_FL_RIGHT}, /* the title makes the indent */
	[ROLE] = {"ROLE", 0},
	[KERNEL] = {"KERNEL", 0},
	[INSTRUCTION] = {"INSTRUCTION", 0},
	[FUNCTION] = {"FUNCTION", 0},
};

static int fill_row(struct libscols_table *table, const struct page *page,
		    const struct probe_site *site)
{
	struct libscols_line *line = scols_table_new_line(table, NULL);
	char offset[24];

	if (!line)
		return -ENOMEM;
	snprintf(offset, sizeof(offset), "0x%" PRIx64, site->offset);
	char *insn = clean_text(site->insn, page->ascii);
	char *function = clean_text(site->function[0] ? site->function : "-", page->ascii);
	const char *const cells[ARRAY_SIZE(titles)] = {
		[OFFSET] = offset,
		[ROLE] = probe_role_name(site->role),
		[KERNEL] = site->emulated ? "emulates" : "single-steps",
		[INSTRUCTION] = insn,
		[FUNCTION] = function,
	};
	int err = 0;
	for (size_t i = 0; i < ARRAY_SIZE(cells) && !err; i++)
		err = scols_line_set_data(line, i, cells[i]);
	free(insn);
	free(function);
	return err;
}

static int fill_table(struct libscols_table *table, const struct page *page,
		      const struct probe_plan *plan)
{
	for (size_t i = 0; i < ARRAY_SIZE(titles); i++) {
		struct libscols_column *column =
			scols_table_new_column(table, titles[i].title, 0, titles[i].flags);

		if (!column)
			return -ENOMEM;
		if (page->color)
			scols_cell_set_color(scols_column_get_header(column), page_bold(page));
	}
	for (size_t i = 0; i < plan->site_count; i++) {
		int err = fill_row(table, page, &plan->sites[i]);
		if (err)
			return err;
	}
	return 0;
}

static int put_probes(const struct page *page, const struct doctor_process *process)
{
	const bool libc = process->plan.method == PLAN_LIBC_ENTRY;
	struct libscols_table *table = scols_new_table();

	if (!table)
		return -ENOMEM;
	char *file = clean_text(libc ? process->target.libc.path : process->target.python.path,
				page->ascii);
	page_heading(page, "Planned probes", file);
	free(file);
	scols_table_set_stream(table, page->out);
	scols_table_set_termforce(table, SCOLS_TERMFORCE_NEVER);
	scols_table_enable_colors(table, page->color);
	scols_table_set_column_separator(table, "  ");
	int err = fill_table(table, page, &process->plan);
	if (!err)
		err = scols_print_table(table);
	scols_unref_table(table);
	return err;
}

static int put_process(const struct page *page, const struct doctor_process *process)
{
	char title[32];

	snprintf(title, sizeof(title), "Process %d", (int)process->pid);
	page_heading(page, title, "");
	put_checks(page, &process->checks);
	return process->plan.site_count ? put_probes(page, process) : 0;
}

static void put_verdict(const struct page *page, const struct doctor_result *result)
{
	const size_t failed = doctor_checks_count(&result->machine, CHECK_FAILED) +
			      doctor_checks_count(&result->process.checks, CHECK_FAILED);
	char of[48] = "";

	if (result->has_process)
		snprintf(of, sizeof(of), " of process %d", (int)result->process.pid);
	fputc('\n', page->out);
	if (failed)
		page_paragraph(page, page_red(page), "", 0,
			       "A capture%s would not work: %zu check%s failed.", of, failed,
			       failed == 1 ? "" : "s");
	else
		page_paragraph(page, "", "", 0, "A capture%s would work.", of);
}

int doctor_text(FILE *out, const struct doctor_result *result, const struct report_options *options)
{
	struct page page;
	int err = 0;

	page_init(&page, out, options);
	fprintf(out, "%sMachine%s\n", page_bold(&page), page_plain(&page));
	put_checks(&page, &result->machine);
	if (result->has_process)
		err = put_process(&page, &result->process);
	put_verdict(&page, result);
	return err;
}
