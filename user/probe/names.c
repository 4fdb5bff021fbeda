/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 gilscope contributors */
#include "probe/names.h"

#include <stdio.h>

#include "probe/planner.h"

void plan_name_sites(struct probe_plan *plan, struct symbols *python, struct symbols *libc)
{
	struct symbols *file = plan->method == PLAN_LIBC_ENTRY ? libc : python;

	for (size_t i = 0; i < plan->site_count; i++) {
		struct probe_site *site = &plan->sites[i];
		const char *name = symbols_name(file, site->vaddr);

		snprintf(site->function, sizeof(site->function), "%s", name ? name : "");
	}
	plan->symbols = symbols_source(python);
	if (symbols_note(python))
		plan_note(plan, "%s", symbols_note(python));
	if (file != python && symbols_note(file))
		plan_note(plan, "%s", symbols_note(file));
}

const char *plan_symbols_name(const struct probe_plan *plan)
{
	const bool downloaded = plan->symbols == SYMBOLS_DEBUGINFOD;

	return symbols_source_name(downloaded ? SYMBOLS_DEBUGFILE : plan->symbols);
}
