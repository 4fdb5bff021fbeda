/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 gilscope contributors */
/*
 * In code without frame pointers .eh_frame has the answer. In code with them (CPython 3.15's own
 * default, some distributions before) it only says fp + 16 or the like: how far sp is below fp is
 * found by following all ways through the function from its entry, and what they say must agree
 * with .eh_frame.
 */
#include "probe/frame.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

#define MAX_INSNS 20000

/* The registers before an instruction, as distances below the CFA. */
struct state {
	uint64_t vaddr;
	int64_t sp;
	int64_t fp; /* 0: fp is not the frame pointer */
};

/* Ways not followed yet, and the states at the instructions already seen. */
struct walk {
	const struct graph *graph;
	size_t node;
	struct states {
		struct state *items;
		size_t count, cap;
	} todo, seen;
	bool contradicts;
};

static bool in_function(const struct walk *walk, uint64_t vaddr)
{
	size_t node = graph_find(walk->graph, vaddr);

	return node != GRAPH_NONE &&
	       graph_leader(walk->graph, node) == graph_leader(walk->graph, walk->node);
}

/* The state seen before at an instruction; NULL if it is new. */
static const struct state *seen_at(const struct walk *walk, uint64_t vaddr)
{
	for (size_t i = 0; i < walk->seen.count; i++) {
		if (walk->seen.items[i].vaddr == vaddr)
			return &walk->seen.items[i];
	}
	return NULL;
}

/* False if the stack pointer is not known behind the instruction. */
static bool apply(struct state *state, const struct insn_effect *effect)
{
	int64_t sp = state->sp;

	if (effect->stack == STACK_LOST || (effect->stack == STACK_FROM_FRAME && !state->fp))
		return false;
	if (effect->stack == STACK_GROWS)
		state->sp += effect->amount;
	if (effect->stack == STACK_FROM_FRAME)
		state->sp = state->fp + effect->amount;
	if (effect->frame != FRAME_SAME)
		state->fp = effect->frame == FRAME_SET ? sp - effect->frame_amount : 0;
	return true;
}

/* Follows the code from one state until it ends, leaves the function or was seen. */
static void follow(struct walk *walk, struct state state)
{
	struct insn_effect effect;

	while (in_function(walk, state.vaddr) && walk->seen.count < MAX_INSNS) {
		const struct state *before = seen_at(walk, state.vaddr);
		if (before) {
			walk->contradicts |= before->sp != state.sp || before->fp != state.fp;
			return;
		}
		*VEC_PUSH(&walk->seen) = state;
		if (!decoder_effect(walk->graph->planner->decoder, state.vaddr, &effect) ||
		    !apply(&state, &effect))
			return;
		if (effect.flow == FLOW_BRANCH) {
			struct state taken = state;
			taken.vaddr = effect.target;
			*VEC_PUSH(&walk->todo) = taken;
		}
		if (effect.flow == FLOW_END || (effect.flow == FLOW_JUMP && !effect.target))
			return;
		state.vaddr =
			effect.flow == FLOW_JUMP ? effect.target : state.vaddr + effect.length;
	}
}

/*
 * Whether a part of the function is where it is entered: it is called or exported, or it begins
 * without a frame and the other parts do not jump there (then it is reached by tail calls or
 * through pointers).
 */
static bool is_entry(const struct walk *walk, const struct graph_node *node)
{
	struct cfa_rule rule;

	if (node->called || node->exported)
		return true;
	for (size_t i = 0; i < node->refs.count; i++) {
		if (node->refs.items[i].target == node->function.start &&
		    in_function(walk, node->refs.items[i].next - 1))
			return false;
	}
	return functions_cfa_rule(walk->graph->planner->functions, node->function.start, &rule) &&
	       !rule.from_fp && rule.offset == graph_entry_rule(walk->graph).offset;
}

static void walk_function(struct walk *walk)
{
	const int64_t sp = graph_entry_rule(walk->graph).offset;

	for (size_t i = 0; i < walk->graph->count; i++) {
		const struct graph_node *node = &walk->graph->items[i];
		if (in_function(walk, node->function.start) && is_entry(walk, node))
			follow(walk, (struct state){node->function.start, sp, 0});
	}
	while (walk->todo.count)
		follow(walk, walk->todo.items[--walk->todo.count]);
}

static bool depth_below_frame(const struct graph *graph, size_t node, uint64_t vaddr,
			      uint32_t fp_offset, uint32_t *offset)
{
	struct walk walk = {.graph = graph, .node = node};

	walk_function(&walk);
	const struct state *state = walk.contradicts ? NULL : seen_at(&walk, vaddr);
	bool ok = state && state->fp == fp_offset && state->sp >= state->fp;
	if (ok)
		*offset = (uint32_t)state->sp;
	free(walk.todo.items);
	free(walk.seen.items);
	return ok;
}

bool frame_rule(const struct graph *graph, size_t node, uint64_t vaddr, struct cfa_rule *rule)
{
	if (node == GRAPH_NONE || !functions_cfa_rule(graph->planner->functions, vaddr, rule))
		return false;
	if (!rule->from_fp)
		return true;
	rule->from_fp = false;
	return depth_below_frame(graph, node, vaddr, rule->offset, &rule->offset);
}
