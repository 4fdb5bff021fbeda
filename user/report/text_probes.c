/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 gilscope contributors */
/* The list of probes that the verbose text report has. */
#include <inttypes.h>

#include "base/mem.h"
#include "report/clean.h"
#include "report/format.h"
#include "report/table.h"
#include "report/text.h"

enum { OFFSET, ROLE, HITS, OTHER, KERNEL, INSTRUCTION, FUNCTION };

static const struct {
	const char *title;
	bool right;
} titles[] = {
	[OFFSET] = {"    OFFSET", true},
	[ROLE] = {"ROLE", false},
	[HITS] = {"HITS", true},
	[OTHER] = {"OTHER", true}, /* at condition variables of no GIL */
	[KERNEL] = {"KERNEL", false},
	[INSTRUCTION] = {"INSTRUCTION", false},
	[FUNCTION] = {"FUNCTION", false},
};

static char *cell_text(const struct page *page, const struct result_process *process, size_t row,
		       size_t column)
{
	const struct probe_site *site = &process->plan->sites[row];
	uint64_t other = process->foreign_hits[row];

	switch (column) {
	case OFFSET:
		return xasprintf("0x%" PRIx64, site->offset);
	case ROLE:
		return xstrdup(probe_role_name(site->role));
	case HITS:
		return xstrdup(format_count(process->site_hits[row] + other).text);
	case OTHER:
		return xstrdup(format_count(other).text);
	case KERNEL:
		return xstrdup(site->emulated ? "emulates" : "single-steps");
	case INSTRUCTION:
		return clean_text(site->insn, page->ascii);
	default:
		return clean_text(site->function[0] ? site->function : "-", page->ascii);
	}
}

int text_probes(const struct page *page, const struct view_process *process)
{
	const struct probe_plan *plan = process->process->plan;
	bool libc = plan->method == PLAN_LIBC_ENTRY;
	struct table table = {.rows = plan->site_count};

	page_heading(page, "Probes", libc ? process->libc_file : process->python_file);
	for (size_t i = 0; i < ARRAY_SIZE(titles); i++) {
		struct table_column *column =
			table_add(&table, titles[i].title, 0, titles[i].right);

		for (size_t r = 0; r < table.rows; r++)
			column->cells[r] = cell_text(page, process->process, r, i);
		table_measure(&table, column);
	}
	int err = table_print(&table, page);
	table_free(&table);
	return err;
}
