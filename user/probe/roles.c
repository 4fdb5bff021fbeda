/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 gilscope contributors */
/*
 * Only take_gil calls pthread_cond_timedwait in an interpreter, and it signals gil->switch_cond;
 * every other pthread_cond_signal is gil->cond in a copy of drop_gil, most of them inlined
 * (Python/ceval_gil.c or ceval_gil.h, the same from 3.7 to 3.15).
 */
#define _GNU_SOURCE
#include "probe/roles.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "probe/callsites.h"

/* ceval_gil.c aborts with "PyCOND_SIGNAL(gil->cond) failed" or "...switch_cond...". */
#define ERROR_PREFIX "PyCOND_SIGNAL("

enum label { LABEL_NONE, LABEL_ACQUIRE, LABEL_RELEASE };

static enum label label_of(struct planner *planner, const struct code_ref *ref)
{
	const char *text = decoder_error_string(planner->decoder, ref->next, ERROR_PREFIX);

	if (!text)
		return LABEL_NONE;
	size_t length = strnlen(text, ERROR_STRING_SIZE);
	return memmem(text, length, "switch_cond", strlen("switch_cond")) ? LABEL_ACQUIRE
									  : LABEL_RELEASE;
}

bool gil_sites_take(const struct gil_sites *sites, const struct graph *graph, size_t node)
{
	for (size_t i = 0; i < sites->count; i++) {
		if (sites->items[i].role == ROLE_WAIT &&
		    graph_leader(graph, sites->items[i].node) == graph_leader(graph, node))
			return true;
	}
	return false;
}

static void add_sites(struct graph *graph, const struct code_refs *refs, enum probe_role role,
		      struct gil_sites *sites)
{
	for (size_t i = 0; i < refs->count; i++) {
		struct gil_site *site = VEC_PUSH(sites);
		site->role = role;
		site->ref = refs->items[i];
		site->node = graph_add(graph, refs->items[i].vaddr);
	}
}

/* Removes timed waits of functions that never signal: they are not the GIL's. */
static void drop_foreign_waits(const struct graph *graph, struct gil_sites *sites)
{
	size_t kept = 0;

	for (size_t i = 0; i < sites->count; i++) {
		bool signals = sites->items[i].role != ROLE_WAIT;
		for (size_t j = 0; j < sites->count && !signals; j++)
			signals = sites->items[j].role != ROLE_WAIT &&
				  graph_leader(graph, sites->items[j].node) ==
					  graph_leader(graph, sites->items[i].node);
		if (signals)
			sites->items[kept++] = sites->items[i];
	}
	sites->count = kept;
}

/* The role of a signal by the function that holds it, checked against the message of its failure.
 */
static void set_role(struct planner *planner, struct graph *graph, const struct gil_sites *sites,
		     struct gil_site *site)
{
	bool take = gil_sites_take(sites, graph, site->node);
	enum label label = label_of(planner, &site->ref);

	/* A thread that must exit drops the GIL in take_gil, which can be inlined there (3.9-3.12).
	 */
	site->role = take && label != LABEL_RELEASE ? ROLE_ACQUIRE : ROLE_RELEASE;
	if (take || label == LABEL_RELEASE)
		return;
	if (label == LABEL_NONE) {
		plan_note(planner->plan,
			  "the pthread_cond_signal at 0x%lx may be no release of a GIL: its error "
			  "message is not CPython's",
			  (unsigned long)site->ref.vaddr);
		return;
	}
	site->role = ROLE_ACQUIRE;
	plan_note(planner->plan, "the acquire at 0x%lx stands outside of take_gil",
		  (unsigned long)site->ref.vaddr);
}

static int by_role(const void *a, const void *b)
{
	const struct gil_site *x = a, *y = b;

	if (x->role != y->role)
		return x->role < y->role ? -1 : 1;
	return x->ref.vaddr < y->ref.vaddr ? -1 : x->ref.vaddr > y->ref.vaddr;
}

static bool has_role(const struct gil_sites *sites, enum probe_role role)
{
	for (size_t i = 0; i < sites->count; i++) {
		if (sites->items[i].role == role)
			return true;
	}
	return false;
}

static int assign_roles(struct planner *planner, struct graph *graph, struct gil_sites *sites)
{
	drop_foreign_waits(graph, sites);
	if (!has_role(sites, ROLE_WAIT)) {
		plan_note(planner->plan, "no function calls both pthread_cond_timedwait and "
					 "pthread_cond_signal, as take_gil does");
		return -ENOENT;
	}
	for (size_t i = 0; i < sites->count; i++) {
		if (sites->items[i].role != ROLE_WAIT)
			set_role(planner, graph, sites, &sites->items[i]);
	}
	if (!has_role(sites, ROLE_ACQUIRE) || !has_role(sites, ROLE_RELEASE)) {
		plan_note(planner->plan, "no %s among the calls of pthread_cond_signal",
			  has_role(sites, ROLE_ACQUIRE) ? "release" : "acquire");
		return -ENOENT;
	}
	qsort(sites->items, sites->count, sizeof(*sites->items), by_role);
	return 0;
}

int gil_sites_find(struct planner *planner, struct graph *graph, struct gil_sites *sites)
{
	struct code_refs waits = {0}, signals = {0};

	int err = call_sites_find(planner, "pthread_cond_timedwait", &waits);
	if (!err)
		err = call_sites_find(planner, "pthread_cond_signal", &signals);
	if (!err) {
		add_sites(graph, &waits, ROLE_WAIT, sites);
		add_sites(graph, &signals, ROLE_RELEASE, sites);
		graph_expand(graph);
		err = assign_roles(planner, graph, sites);
	}
	free(waits.items);
	free(signals.items);
	return err;
}
