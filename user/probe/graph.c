/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 gilscope contributors */
#include "probe/graph.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

void graph_init(struct graph *graph, struct planner *planner)
{
	memset(graph, 0, sizeof(*graph));
	graph->planner = planner;
}

void graph_free(struct graph *graph)
{
	for (size_t i = 0; i < graph->count; i++)
		free(graph->items[i].refs.items);
	free(graph->items);
}

size_t graph_find(const struct graph *graph, uint64_t vaddr)
{
	for (size_t i = 0; i < graph->count; i++) {
		const struct function *f = &graph->items[i].function;
		if (vaddr >= f->start && vaddr < f->end)
			return i;
	}
	return GRAPH_NONE;
}

size_t graph_add(struct graph *graph, uint64_t vaddr)
{
	struct function function;
	size_t known = graph_find(graph, vaddr);

	if (known != GRAPH_NONE)
		return known;
	if (!functions_at(graph->planner->functions, vaddr, &function))
		return GRAPH_NONE;
	struct graph_node *node = VEC_PUSH(graph);
	node->function = function;
	node->exported = elf_image_exports(graph->planner->request->python, function.start);
	node->leader = graph->count - 1;
	return graph->count - 1;
}

size_t graph_leader(const struct graph *graph, size_t node)
{
	while (graph->items[node].leader != node)
		node = graph->items[node].leader;
	return node;
}

struct cfa_rule graph_entry_rule(const struct graph *graph)
{
	return functions_entry_rule(elf_image_machine(graph->planner->request->python));
}

bool graph_exported(const struct graph *graph, size_t node)
{
	size_t leader = graph_leader(graph, node);

	for (size_t i = 0; i < graph->count; i++) {
		if (graph->items[i].exported && graph_leader(graph, i) == leader)
			return true;
	}
	return false;
}

static int by_start(const void *a, const void *b)
{
	const struct function *x = a, *y = b;

	return x->start < y->start ? -1 : x->start > y->start;
}

static int by_address(const void *a, const void *b)
{
	const struct code_ref *x = a, *y = b;

	return x->next < y->next ? -1 : x->next > y->next;
}

/* Fills the refs of all nodes from `first` on. */
static void find_refs(struct graph *graph, size_t first)
{
	size_t count = graph->count - first;
	struct function *targets = xcalloc(count, sizeof(*targets));
	struct code_refs refs = {0};

	for (size_t i = 0; i < count; i++)
		targets[i] = graph->items[first + i].function;
	qsort(targets, count, sizeof(*targets), by_start);
	decoder_find_refs(graph->planner->decoder, targets, count, REF_BRANCHES, NULL, &refs);
	for (size_t i = 0; i < refs.count; i++) {
		const struct code_ref *ref = &refs.items[i];
		struct graph_node *node = &graph->items[graph_find(graph, ref->target)];
		if (ref->next - 1 >= node->function.start && ref->next - 1 < node->function.end)
			continue;
		/* A call to the middle of a function is chance bytes. */
		if (ref->kind == REF_CALL && ref->target != node->function.start)
			continue;
		node->called |= ref->kind == REF_CALL;
		*VEC_PUSH(&node->refs) = *ref;
	}
	for (size_t i = first; i < graph->count; i++) {
		struct graph_node *node = &graph->items[i];
		decoder_find_short_jumps(graph->planner->decoder, &node->function, &node->refs);
		if (node->refs.count)
			qsort(node->refs.items, node->refs.count, sizeof(*node->refs.items),
			      by_address);
		node->expanded = true;
	}
	free(refs.items);
	free(targets);
}

/* True if a function jumps into the middle of another. */
static bool jumps_into(const struct graph *graph, size_t from, size_t to)
{
	struct function inner = graph->items[to].function;
	struct code_refs refs = {0};

	inner.start++;
	decoder_find_refs(graph->planner->decoder, &inner, 1, REF_JUMP,
			  &graph->items[from].function, &refs);
	free(refs.items);
	return refs.count != 0;
}

/*
 * Whether a jump from `other` shows that `node` is a part of it and no function that it ends with a
 * tail call of: it goes to the middle, or the part begins with a frame, or jumps back.
 */
static bool is_part(const struct graph *graph, size_t node, size_t other,
		    const struct code_ref *jump)
{
	const struct function *function = &graph->items[node].function;
	struct cfa_rule rule;

	if (jump->target != function->start)
		return true;
	if (functions_cfa_rule(graph->planner->functions, function->start, &rule) &&
	    (rule.from_fp || rule.offset != graph_entry_rule(graph).offset))
		return true;
	return jumps_into(graph, node, other);
}

/* Joins a function that nobody calls or exports with those it is a part of; new nodes may be added.
 */
static void join_parts(struct graph *graph, size_t node)
{
	struct code_refs jumps = {0};

	if (graph->items[node].called || graph->items[node].exported)
		return;
	for (size_t i = 0; i < graph->items[node].refs.count; i++)
		*VEC_PUSH(&jumps) = graph->items[node].refs.items[i];
	/* What cannot be proven joins nothing. */
	plan_prove(graph->planner, &jumps);
	for (size_t i = 0; i < jumps.count; i++) {
		size_t other = graph_add(graph, jumps.items[i].vaddr);
		if (other != GRAPH_NONE && is_part(graph, node, other, &jumps.items[i]))
			graph->items[graph_leader(graph, node)].leader = graph_leader(graph, other);
	}
	free(jumps.items);
}

void graph_expand(struct graph *graph)
{
	size_t first = 0;

	while (first < graph->count && graph->items[first].expanded)
		first++;
	while (first < graph->count) {
		size_t end = graph->count;
		find_refs(graph, first);
		for (size_t i = first; i < end; i++)
			join_parts(graph, i);
		first = end;
	}
}
