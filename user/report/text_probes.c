/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 gilscope contributors */
/* The list of probes that the verbose text report has. */
#include <errno.h>
#include <inttypes.h>
#include <libsmartcols.h>
#include <stdlib.h>

#include "base/mem.h"
#include "report/clean.h"
#include "report/format.h"
#include "report/text.h"

enum { OFFSET, ROLE, HITS, OTHER, KERNEL, INSTRUCTION, FUNCTION };

static const struct {
	const char *title;
	int flags;
} titles[] = {
	[OFFSET] = {"      OFFSET", SCOLS_FL_RIGHT}, /* the title makes the indent */
	[ROLE] = {"ROLE", 0},
	[HITS] = {"HITS", SCOLS_FL_RIGHT},
	[OTHER] = {"OTHER", SCOLS_FL_RIGHT}, /* at condition variables of no GIL */
	[KERNEL] = {"KERNEL", 0},
	[INSTRUCTION] = {"INSTRUCTION", 0},
	[FUNCTION] = {"FUNCTION", 0},
};

static int set_clean(struct libscols_line *line, size_t cell, const char *text, bool ascii)
{
	char *clean = clean_text(text, ascii);
	int err = scols_line_set_data(line, cell, clean);

	free(clean);
	return err;
}

static int fill_row(struct libscols_table *table, const struct page *page,
		    const struct result *result, size_t index)
{
	const struct probe_site *site = &result->plan->sites[index];
	struct libscols_line *line = scols_table_new_line(table, NULL);
	uint64_t other = result->foreign_hits[index];
	char offset[24];

	if (!line)
		return -ENOMEM;
	snprintf(offset, sizeof(offset), "0x%" PRIx64, site->offset);
	int err = scols_line_set_data(line, ROLE, probe_role_name(site->role));
	if (!err)
		err = scols_line_set_data(line, HITS,
					  format_count(result->site_hits[index] + other).text);
	if (!err)
		err = scols_line_set_data(line, OTHER, format_count(other).text);
	if (!err)
		err = scols_line_set_data(line, KERNEL,
					  site->emulated ? "emulates" : "single-steps");
	if (!err)
		err = scols_line_set_data(line, OFFSET, offset);
	if (!err)
		err = set_clean(line, INSTRUCTION, site->insn, page->ascii);
	if (!err)
		err = set_clean(line, FUNCTION, site->function[0] ? site->function : "-",
				page->ascii);
	return err;
}

static int fill_table(struct libscols_table *table, const struct page *page,
		      const struct result *result)
{
	for (size_t i = 0; i < ARRAY_SIZE(titles); i++) {
		struct libscols_column *column =
			scols_table_new_column(table, titles[i].title, 0, titles[i].flags);

		if (!column)
			return -ENOMEM;
		if (page->color)
			scols_cell_set_color(scols_column_get_header(column), page_bold(page));
	}
	for (size_t i = 0; i < result->plan->site_count; i++) {
		int err = fill_row(table, page, result, i);
		if (err)
			return err;
	}
	return 0;
}

int text_probes(const struct page *page, const struct view *view)
{
	struct libscols_table *table = scols_new_table();
	bool libc = view->result->plan->method == PLAN_LIBC_ENTRY;

	if (!table)
		return -ENOMEM;
	page_heading(page, "Probes", libc ? view->libc_file : view->python_file);
	scols_table_set_stream(table, page->out);
	scols_table_set_termforce(table, SCOLS_TERMFORCE_NEVER);
	scols_table_enable_colors(table, page->color);
	scols_table_set_column_separator(table, "  ");
	int err = fill_table(table, page, view->result);
	if (!err)
		err = scols_print_table(table);
	scols_unref_table(table);
	return err;
}
