/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 gilscope contributors */
#define _GNU_SOURCE
#include "probe/plan.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "probe/forced.h"
#include "probe/graph.h"
#include "probe/planner.h"
#include "probe/roles.h"

const char *probe_role_name(enum probe_role role)
{
	switch (role) {
	case ROLE_WAIT:
		return "wait";
	case ROLE_ACQUIRE:
		return "acquire";
	case ROLE_RELEASE:
		return "release";
	case ROLE_LIBC_WAIT:
		return "libc-wait";
	case ROLE_LIBC_SIGNAL:
		return "libc-signal";
	}
	return "unknown";
}

const char *plan_method_name(enum plan_method method)
{
	return method == PLAN_CALL_SITES ? "call-sites" : "libc-entry";
}

void plan_note(struct probe_plan *plan, const char *fmt, ...)
{
	char *note;
	va_list args;

	va_start(args, fmt);
	int length = vasprintf(&note, fmt, args);
	va_end(args);
	if (length < 0)
		return;
	plan->notes = xrealloc_array(plan->notes, plan->note_count + 1, sizeof(*plan->notes));
	plan->notes[plan->note_count++] = note;
}

void plan_free(struct probe_plan *plan)
{
	for (size_t i = 0; i < plan->note_count; i++)
		free(plan->notes[i]);
	free(plan->notes);
	plan->notes = NULL;
	plan->note_count = 0;
}

bool plan_prove(struct planner *planner, struct code_refs *refs)
{
	bool complete = true;
	size_t kept = 0;

	for (size_t i = 0, end; i < refs->count; i = end) {
		struct function function;
		bool known = functions_at(planner->functions, refs->items[i].next - 1, &function);
		for (end = i + 1; known && end < refs->count; end++) {
			if (refs->items[end].next > function.end)
				break;
		}
		if (known)
			decoder_prove(planner->decoder, &function, &refs->items[i], end - i);
		for (size_t j = i; known && j < end; j++) {
			if (refs->items[j].proof == REF_PROVEN)
				refs->items[kept++] = refs->items[j];
			if (refs->items[j].proof != REF_UNPROVEN)
				continue;
			complete = false;
			plan_note(
				planner->plan,
				"the code before 0x%lx cannot be decoded, so what stands there is "
				"not proven",
				(unsigned long)refs->items[j].next);
		}
	}
	refs->count = kept;
	return complete;
}

/* Adds a site for an instruction; NULL after a note if the plan is full. */
static struct probe_site *add_site(struct probe_plan *plan, const struct elf_image *image,
				   enum probe_role role, const struct insn *insn)
{
	if (plan->site_count == PLAN_MAX_SITES) {
		plan_note(plan, "more than %d probe sites", PLAN_MAX_SITES);
		return NULL;
	}
	struct probe_site *site = &plan->sites[plan->site_count];
	memset(site, 0, sizeof(*site));
	if (!elf_image_offset(image, insn->vaddr, &site->offset))
		return NULL;
	plan->site_count++;
	site->role = role;
	site->vaddr = insn->vaddr;
	memcpy(site->bytes, insn->bytes, sizeof(site->bytes));
	site->length = insn->length;
	memcpy(site->insn, insn->text, sizeof(site->insn));
	site->emulated = insn->emulated;
	return site;
}

/* Puts the call sites into the plan. 0, or -ENOENT after a note if one of them cannot be probed. */
static int place_call_sites(struct planner *planner, const struct gil_sites *sites)
{
	struct probe_plan *plan = planner->plan;
	size_t stepped = 0;

	for (size_t i = 0; i < sites->count; i++) {
		const struct gil_site *found = &sites->items[i];
		struct insn insn;
		if (!decoder_insn(planner->decoder, found->ref.vaddr, &insn))
			return -ENOENT;
		if (insn.conditional) {
			plan_note(plan, "the branch at 0x%lx is not always taken",
				  (unsigned long)insn.vaddr);
			return -ENOENT;
		}
		struct probe_site *site =
			add_site(plan, planner->request->python, found->role, &insn);
		if (!site)
			return -ENOENT;
		site->forced = found->forced;
		site->has_cfa = found->has_cfa;
		site->cfa_offset = found->cfa.offset;
		site->return_below = found->cfa.return_below;
		stepped += !site->emulated;
	}
	if (stepped)
		plan_note(plan,
			  "%zu of %zu probes stand on an instruction that the kernel single-steps, "
			  "which is dear",
			  stepped, plan->site_count);
	return 0;
}

/*
 * From libc's entry the first return address is the one behind the interpreter's call: it is one
 * more step of each way from the eval loop.
 */
static void add_site_returns(struct planner *planner, const struct gil_sites *sites)
{
	struct probe_plan *plan = planner->plan;

	for (size_t i = 0; i < sites->count && plan->forced_known; i++) {
		const struct gil_site *site = &sites->items[i];
		struct plan_return entry = {.vaddr = site->ref.next,
					    .forced = site->forced,
					    .cfa_offset = site->cfa.offset,
					    .return_below = site->cfa.return_below};
		bool jump = site->ref.kind == REF_JUMP || site->ref.kind == REF_JUMP_SLOT;
		if ((!site->forced && !site->on_chain) || jump)
			continue;
		if (plan->return_count == PLAN_MAX_RETURNS) {
			plan_note(plan, "too many ways from the eval loop to a release");
			plan->forced_known = false;
			return;
		}
		plan->returns[plan->return_count++] = entry;
	}
}

static int place_libc_entry(const struct elf_image *libc, const char *name, enum probe_role role,
			    struct probe_plan *plan)
{
	uint64_t vaddr = elf_image_default_symbol(libc, name);
	struct decoder *decoder;
	struct insn insn;

	if (!vaddr) {
		plan_note(plan, "libc exports no %s", name);
		return -ENOENT;
	}
	if (decoder_open(libc, &decoder) != 0)
		return -ENOTSUP;
	bool decoded = decoder_entry(decoder, vaddr, &insn);
	decoder_close(decoder);
	struct probe_site *site = decoded ? add_site(plan, libc, role, &insn) : NULL;
	if (!site) {
		plan_note(plan, "the entry of libc's %s cannot be decoded", name);
		return -ENOENT;
	}
	const struct cfa_rule rule = functions_entry_rule(elf_image_machine(libc));
	site->has_cfa = true;
	site->cfa_offset = rule.offset;
	site->return_below = rule.return_below;
	return 0;
}

static int place_libc_entries(const struct plan_request *request, struct probe_plan *plan)
{
	plan->method = PLAN_LIBC_ENTRY;
	plan->site_count = 0;
	if (!request->libc) {
		plan_note(plan, "no libc with condition variables is mapped to probe instead");
		return -ENOENT;
	}
	int err = place_libc_entry(request->libc, "pthread_cond_timedwait", ROLE_LIBC_WAIT, plan);
	if (!err)
		err = place_libc_entry(request->libc, "pthread_cond_signal", ROLE_LIBC_SIGNAL,
				       plan);
	if (err) {
		plan->site_count = 0;
		return err;
	}
	plan_note(plan, "libc's own functions are probed: every condition variable of the process "
			"costs a trap, not only the GIL's");
	return 0;
}

/*
 * Finds the call sites and plans them, or, if libc's entries shall be probed, only what tells
 * forced releases from voluntary ones there.
 */
static int plan_call_sites(struct planner *planner)
{
	struct gil_sites sites = {0};
	struct graph graph;

	graph_init(&graph, planner);
	int err = gil_sites_find(planner, &graph, &sites);
	if (!err) {
		forced_find(planner, &graph, &sites);
		if (!planner->request->force_libc)
			err = place_call_sites(planner, &sites);
		if (err || planner->request->force_libc)
			add_site_returns(planner, &sites);
	}
	graph_free(&graph);
	free(sites.items);
	return err;
}

static int plan_with(struct planner *planner)
{
	struct probe_plan *plan = planner->plan;
	const struct elf_image *python = planner->request->python;

	int err = functions_open(python, &planner->functions);
	if (err)
		plan_note(plan, "no .eh_frame_hdr: where functions begin is not known");
	else
		err = plan_call_sites(planner);
	functions_close(planner->functions);
	if (!err && !planner->request->force_libc)
		return 0;
	if (err && !plan->forced_known)
		plan_note(plan, "forced and voluntary releases cannot be told apart");
	return place_libc_entries(planner->request, plan);
}

int plan_probes(const struct plan_request *request, struct probe_plan *plan)
{
	struct planner planner = {.request = request, .plan = plan};

	memset(plan, 0, sizeof(*plan));
	int err = decoder_open(request->python, &planner.decoder);
	if (err) {
		plan_note(plan, "no support for ELF machine %d, or for code of more than 4 GB",
			  elf_image_machine(request->python));
		return err;
	}
	if (elf_image_symbol(request->python, "_PyRuntime", NULL) &&
	    elf_image_symbol(request->python, "PyEval_RestoreThread", NULL)) {
		err = plan_with(&planner);
	} else {
		plan_note(plan, "no CPython interpreter from 3.7 on: _PyRuntime or "
				"PyEval_RestoreThread is not exported");
		err = -ENOENT;
	}
	decoder_close(planner.decoder);
	return err;
}
