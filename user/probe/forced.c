/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 gilscope contributors */
/*
 * A thread that is asked to drop the GIL does so in the eval loop: in _PyEval_EvalFrameDefault
 * itself (3.8), in eval_frame_handle_pending, which is inlined into it (3.9 to 3.11), or in
 * _Py_HandlePending (3.12 on; exported from 3.13 on). Between that code and the call of
 * pthread_cond_signal there are, if not inlined, drop_gil and, from 3.13 on, _PyEval_ReleaseLock,
 * detach_thread and _PyThreadState_Detach. None of them is exported, and none takes the GIL again.
 * Every way that leads over an exported function (PyEval_SaveThread), or over one that takes the
 * GIL again before it returns (an inlined Py_BEGIN_ALLOW_THREADS ... Py_END_ALLOW_THREADS), is a
 * voluntary release, and so is one from take_gil, where a thread exits.
 */
#include "probe/forced.h"

#include <stdlib.h>

#include "base/mem.h"
#include "probe/callsites.h"
#include "probe/frame.h"

/* Calls and tail calls from the eval loop to a release: the functions above, one of them split. */
#define MAX_DEPTH 5

struct search {
	struct planner *planner;
	struct graph *graph;
	struct gil_sites *sites;
	size_t eval, pending;	   /* nodes; GRAPH_NONE: not known */
	bool incomplete;	   /* a way from the eval loop had to be left out */
	struct code_points takers; /* what calls of functions that take the GIL refer to */
	struct code_points exits;  /* the same for the end of a thread */
};

static bool same(const struct search *s, size_t a, size_t b)
{
	return a != GRAPH_NONE && b != GRAPH_NONE &&
	       graph_leader(s->graph, a) == graph_leader(s->graph, b);
}

static bool in_eval(const struct search *s, size_t node)
{
	return same(s, node, s->eval) || same(s, node, s->pending);
}

static void find_takers(struct search *s)
{
	call_targets_add(s->planner, "PyEval_RestoreThread", &s->takers);
	call_targets_add(s->planner, "PyEval_AcquireThread", &s->takers);
	for (size_t i = 0; i < s->graph->count; i++) {
		if (gil_sites_take(s->sites, s->graph, i))
			code_points_add(&s->takers, s->graph->items[i].function.start);
	}
}

/* True if the function calls what takes the GIL. */
static bool takes_gil(const struct search *s, size_t node)
{
	struct code_refs refs = {0};

	for (size_t i = 0; i < s->graph->count; i++) {
		if (same(s, i, node))
			decoder_find_refs(s->planner->decoder, s->takers.items, s->takers.count,
					  REF_BRANCHES | REF_SLOTS, &s->graph->items[i].function,
					  &refs);
	}
	free(refs.items);
	return refs.count != 0;
}

/* True if a release by this function is one by its callers: it is a step of dropping the GIL. */
static bool is_step(const struct search *s, size_t node)
{
	return !in_eval(s, node) && !graph_exported(s->graph, node) &&
	       !gil_sites_take(s->sites, s->graph, node) && !takes_gil(s, node);
}

static bool releases(const struct search *s, size_t node)
{
	for (size_t i = 0; i < s->sites->count; i++) {
		if (s->sites->items[i].role == ROLE_RELEASE &&
		    same(s, s->sites->items[i].node, node))
			return true;
	}
	return false;
}

/* Whether a reference enters the function: a call, or a tail call. */
static bool enters(const struct graph_node *node, const struct code_ref *ref)
{
	return ref->target == node->function.start;
}

/* Nodes whose callers matter, each once, level by level. */
struct queue {
	size_t *items;
	size_t count, cap;
};

static void enqueue(struct queue *queue, size_t node)
{
	for (size_t i = 0; i < queue->count; i++) {
		if (queue->items[i] == node)
			return;
	}
	*VEC_PUSH(queue) = node;
}

/* Adds the functions that call function `callee`. */
static void add_callers(struct search *s, size_t callee, struct queue *queue)
{
	for (size_t i = 0; i < s->graph->count; i++) {
		if (!same(s, i, callee))
			continue;
		for (size_t j = 0; j < s->graph->items[i].refs.count; j++) {
			const struct code_ref ref = s->graph->items[i].refs.items[j];
			if (!enters(&s->graph->items[i], &ref))
				continue;
			size_t caller = graph_add(s->graph, ref.next - 1);
			if (caller != GRAPH_NONE)
				enqueue(queue, caller);
		}
	}
}

/* Adds the callers of releasing functions, of their callers and so on, as long as they are steps.
 */
static void add_levels(struct search *s)
{
	struct queue queue = {0};
	size_t first = 0;

	for (size_t i = 0; i < s->sites->count; i++) {
		if (s->sites->items[i].role == ROLE_RELEASE)
			enqueue(&queue, s->sites->items[i].node);
	}
	for (int depth = 0; depth < MAX_DEPTH; depth++) {
		size_t end = queue.count;
		graph_expand(s->graph);
		for (; first < end; first++) {
			if (is_step(s, queue.items[first]))
				add_callers(s, queue.items[first], &queue);
		}
	}
	graph_expand(s->graph);
	free(queue.items);
}

/* True if `caller` calls function `callee`. */
static bool calls(const struct search *s, size_t caller, size_t callee)
{
	for (size_t i = 0; i < s->graph->count; i++) {
		if (!same(s, i, callee))
			continue;
		const struct graph_node *node = &s->graph->items[i];
		for (size_t j = 0; j < node->refs.count; j++) {
			size_t from = graph_find(s->graph, node->refs.items[j].next - 1);
			if (enters(node, &node->refs.items[j]) && same(s, from, caller))
				return true;
		}
	}
	return false;
}

/* True if the function itself drops the GIL, by its own code or by calling a step. */
static bool drops_gil(const struct search *s, size_t node)
{
	for (size_t i = 0; i < s->graph->count; i++) {
		if (releases(s, i) && (same(s, i, node) || (is_step(s, i) && calls(s, node, i))))
			return true;
	}
	return false;
}

/* True if the function calls take_gil itself, as PyEval_RestoreThread does. */
static bool calls_take(const struct search *s, size_t node)
{
	for (size_t i = 0; i < s->graph->count; i++) {
		if (gil_sites_take(s->sites, s->graph, i) && calls(s, node, i))
			return true;
	}
	return false;
}

/*
 * Where _Py_HandlePending (eval_frame_handle_pending) is not exported and not inlined it is the
 * function that the eval loop calls and that itself calls take_gil and drops the GIL.
 */
static void find_pending(struct search *s)
{
	if (drops_gil(s, s->eval) && calls_take(s, s->eval))
		return;
	for (size_t i = 0; i < s->graph->count; i++) {
		if (same(s, i, s->eval) || graph_exported(s->graph, i) ||
		    gil_sites_take(s->sites, s->graph, i) || !drops_gil(s, i) ||
		    !calls_take(s, i) || !calls(s, s->eval, i) || same(s, i, s->pending))
			continue;
		if (s->pending != GRAPH_NONE) {
			plan_note(s->planner->plan,
				  "two functions could be the one that drops the GIL on request");
			s->incomplete = true;
		}
		s->pending = i;
	}
}

static bool is_proven(const struct search *s, struct code_ref ref, size_t node)
{
	decoder_prove(s->planner->decoder, &s->graph->items[node].function, &ref, 1);
	return ref.proof == REF_PROVEN;
}

/* True if the thread ends right behind the call: up to 3.8 the eval loop itself drops the GIL of
 * threads that outlive the interpreter. */
static bool exits_thread(const struct search *s, const struct code_ref *call)
{
	const struct function behind = {.start = call->next, .end = call->next + 16};
	struct code_refs refs = {0};

	decoder_find_refs(s->planner->decoder, s->exits.items, s->exits.count, REF_CALL, &behind,
			  &refs);
	free(refs.items);
	return refs.count != 0;
}

/* A call leaves the stack pointer as it was, but not a return address in a register. */
static bool has_return_place(const struct search *s, size_t caller, uint64_t vaddr,
			     struct cfa_rule *rule)
{
	return frame_rule(s->graph, caller, vaddr, rule) && rule->return_below;
}

/* Adds a return address to the plan; false if the call is none. */
static bool add_return(struct search *s, struct code_ref call, size_t caller, bool forced)
{
	struct probe_plan *plan = s->planner->plan;
	struct plan_return entry = {.vaddr = call.next, .forced = forced};
	struct cfa_rule rule = {0};

	for (size_t i = 0; i < plan->return_count; i++) {
		if (plan->returns[i].vaddr == entry.vaddr)
			return true;
	}
	decoder_prove(s->planner->decoder, &s->graph->items[caller].function, &call, 1);
	if (call.proof == REF_FALSE || (forced && exits_thread(s, &call)))
		return false;
	if (call.proof == REF_UNPROVEN ||
	    (!forced && !has_return_place(s, caller, call.vaddr, &rule)) ||
	    plan->return_count == PLAN_MAX_RETURNS) {
		plan_note(plan, "the way of forced releases over 0x%lx cannot be followed",
			  (unsigned long)call.next);
		s->incomplete = true;
		return false;
	}
	entry.cfa_offset = rule.offset;
	entry.return_below = rule.return_below;
	plan->returns[plan->return_count++] = entry;
	return true;
}

/* Follows the callers of a function to the eval loop; true if one leads there. */
static bool climb(struct search *s, size_t callee, int depth)
{
	bool reached = false;

	if (depth == 0)
		return false;
	for (size_t i = 0; i < s->graph->count; i++) {
		const struct graph_node *node = &s->graph->items[i];
		if (!same(s, i, callee))
			continue;
		for (size_t j = 0; j < node->refs.count; j++) {
			const struct code_ref *ref = &node->refs.items[j];
			size_t from = graph_find(s->graph, ref->next - 1);
			if (!enters(node, ref) || from == GRAPH_NONE || same(s, from, callee))
				continue;
			bool eval = in_eval(s, from);
			/* A function that jumps here has left the stack: its caller is ours. */
			if (ref->kind == REF_JUMP)
				reached |= (eval || is_step(s, from)) && is_proven(s, *ref, from) &&
					   climb(s, from, depth - 1);
			else if (eval || (is_step(s, from) && climb(s, from, depth - 1)))
				reached |= add_return(s, *ref, from, eval);
		}
	}
	return reached;
}

static void follow_sites(struct search *s)
{
	bool any = false;

	for (size_t i = 0; i < s->sites->count; i++) {
		struct gil_site *site = &s->sites->items[i];
		if (site->role != ROLE_RELEASE)
			continue;
		site->forced = in_eval(s, site->node);
		site->on_chain =
			!site->forced && is_step(s, site->node) && climb(s, site->node, MAX_DEPTH);
		any |= site->forced || site->on_chain;
		site->has_cfa = frame_rule(s->graph, site->node, site->ref.vaddr, &site->cfa);
		if (site->on_chain && !site->has_cfa) {
			plan_note(s->planner->plan,
				  "the return address at the release at 0x%lx cannot be found",
				  (unsigned long)site->ref.vaddr);
			s->incomplete = true;
		}
	}
	if (!any)
		plan_note(s->planner->plan, "no way found from the eval loop to a release");
	s->planner->plan->forced_known = any && !s->incomplete;
}

static size_t add_exported(struct search *s, const char *name)
{
	uint64_t vaddr = elf_image_symbol(s->planner->request->python, name, NULL);

	return vaddr ? graph_add(s->graph, vaddr) : GRAPH_NONE;
}

void forced_find(struct planner *planner, struct graph *graph, struct gil_sites *sites)
{
	struct search s = {.planner = planner, .graph = graph, .sites = sites};

	s.eval = add_exported(&s, "_PyEval_EvalFrameDefault");
	s.pending = add_exported(&s, "_Py_HandlePending");
	if (s.eval == GRAPH_NONE) {
		plan_note(
			planner->plan,
			"the eval loop cannot be found: _PyEval_EvalFrameDefault is not exported");
		return;
	}
	call_targets_add(planner, "PyThread_exit_thread", &s.exits);
	find_takers(&s);
	add_levels(&s);
	if (s.pending == GRAPH_NONE)
		find_pending(&s);
	follow_sites(&s);
	free(s.exits.items);
	free(s.takers.items);
}
