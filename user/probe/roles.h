/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 gilscope contributors */
/* Which call site is a wait, an acquire or a release. */
#ifndef GILSCOPE_ROLES_H
#define GILSCOPE_ROLES_H

#include "probe/graph.h"
#include "probe/planner.h"

struct gil_site {
	enum probe_role role;
	struct code_ref ref;
	size_t node;   /* of the function that holds it */
	bool forced;   /* it stands in the eval loop's own code */
	bool on_chain; /* a release that the eval loop reaches over return addresses of the plan */
	bool has_cfa;
	struct cfa_rule cfa; /* of a release, if has_cfa */
};

struct gil_sites {
	struct gil_site *items;
	size_t count, cap;
};

/*
 * Finds all call sites and their roles: waits, acquires, releases, each by address. Adds the
 * functions that hold them to the graph. 0; -ENOENT after a note. free(sites->items) in either
 * case.
 */
int gil_sites_find(struct planner *planner, struct graph *graph, struct gil_sites *sites);

/* True if `node` is a part of take_gil. */
bool gil_sites_take(const struct gil_sites *sites, const struct graph *graph, size_t node);

#endif
