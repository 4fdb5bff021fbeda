/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 gilscope contributors */
/*
 * The part of the call graph around the GIL's call sites: a few functions, what branches into them,
 * and which of them are parts of one function (a hot part and the cold part split off it).
 */
#ifndef GILSCOPE_GRAPH_H
#define GILSCOPE_GRAPH_H

#include "probe/planner.h"

struct graph_node {
	struct function function;
	struct code_refs refs; /* branches into it from elsewhere, by their bytes */
	bool exported;
	bool called;   /* one of `refs` calls its start */
	bool expanded; /* refs are known */
	size_t leader; /* node that stands for all parts of this function */
};

struct graph {
	struct planner *planner;
	struct graph_node *items;
	size_t count, cap;
};

#define GRAPH_NONE SIZE_MAX

void graph_init(struct graph *graph, struct planner *planner);
void graph_free(struct graph *graph);

/* The node of the function that holds an address, added if it is new; GRAPH_NONE if none does. */
size_t graph_add(struct graph *graph, uint64_t vaddr);

/* The same without adding; GRAPH_NONE if there is no such node. */
size_t graph_find(const struct graph *graph, uint64_t vaddr);

/*
 * Finds what branches into all nodes that are not expanded yet, and joins parts of one function:
 * one that nobody calls or exports, and that another jumps into, belongs to that one.
 */
void graph_expand(struct graph *graph);

/* Two nodes are parts of one function if they have the same leader. */
size_t graph_leader(const struct graph *graph, size_t node);

/* The rule at the first instruction of a function that is called. */
struct cfa_rule graph_entry_rule(const struct graph *graph);

/* True if any part of the function that `node` belongs to is exported. */
bool graph_exported(const struct graph *graph, size_t node);

#endif
