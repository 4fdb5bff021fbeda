/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 gilscope contributors */
#include "probe/callsites.h"

#include <errno.h>
#include <stdlib.h>

#include "base/mem.h"
#include "probe/register_calls.h"

#define MAX_SLOTS 8

static int by_next(const void *a, const void *b)
{
	const struct code_ref *x = a, *y = b;

	return x->next < y->next ? -1 : x->next > y->next;
}

static bool same_function(struct planner *planner, uint64_t a, uint64_t b)
{
	struct function function;

	return functions_at(planner->functions, a, &function) && b >= function.start &&
	       b < function.end;
}

/* All branches to stub `jump` from outside of the function it stands in. Their number. */
static size_t find_stub_calls(struct planner *planner, const struct code_ref *jump,
			      struct code_refs *refs)
{
	struct code_refs found = {0};
	struct code_points entries = {0};
	uint64_t addresses[3];
	size_t before = refs->count;

	size_t count = decoder_stub_entries(planner->decoder, jump, addresses);
	for (size_t i = 0; i < count; i++)
		code_points_add(&entries, addresses[i]);
	decoder_find_refs(planner->decoder, entries.items, entries.count, REF_BRANCHES, NULL,
			  &found);
	for (size_t i = 0; i < found.count; i++) {
		if (!same_function(planner, jump->next - 1, found.items[i].next - 1))
			*VEC_PUSH(refs) = found.items[i];
	}
	free(entries.items);
	free(found.items);
	return refs->count - before;
}

/*
 * What refers to the slots: calls and jumps through them, loads, and the stubs' jumps. A jump
 * through a slot is a stub if it is branched to from other functions, else a tail call.
 */
static void sort_out(struct planner *planner, const struct code_refs *slot_refs,
		     struct code_refs *sites, struct code_refs *loads)
{
	for (size_t i = 0; i < slot_refs->count; i++) {
		const struct code_ref *ref = &slot_refs->items[i];
		if (ref->kind == REF_LOAD_SLOT)
			*VEC_PUSH(loads) = *ref;
		else if (ref->kind == REF_CALL_SLOT || !find_stub_calls(planner, ref, sites))
			*VEC_PUSH(sites) = *ref;
	}
	if (sites->count)
		qsort(sites->items, sites->count, sizeof(*sites->items), by_next);
}

/* True if a slot is one that code uses directly, without a stub (-fno-plt). */
static bool loads_count(const struct elf_got_slot *slots, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (!slots[i].plt)
			return true;
	}
	return false;
}

static bool has_ref(const struct code_refs *refs, uint64_t next)
{
	for (size_t i = 0; i < refs->count; i++) {
		if (refs->items[i].next == next)
			return true;
	}
	return false;
}

/* Adds the calls through registers that the loads (proven) fill. False, after a note, if some
 * cannot be found. */
static bool add_register_calls(struct planner *planner, const struct code_refs *loads,
			       const char *name, struct code_refs *refs)
{
	bool complete = true;

	for (size_t i = 0; i < loads->count && complete; i++) {
		struct code_refs calls = {0};
		struct function function;

		complete =
			functions_at(planner->functions, loads->items[i].vaddr, &function) &&
			register_calls_find(planner->decoder, &function, &loads->items[i], &calls);
		/* A register that is loaded at several places. */
		for (size_t j = 0; j < calls.count; j++) {
			if (!has_ref(refs, calls.items[j].next))
				*VEC_PUSH(refs) = calls.items[j];
		}
		free(calls.items);
	}
	if (refs->count)
		qsort(refs->items, refs->count, sizeof(*refs->items), by_next);
	if (!complete)
		plan_note(planner->plan,
			  "%s is called through a register: such calls cannot be found all", name);
	return complete;
}

int call_sites_find(struct planner *planner, const char *name, struct code_refs *refs)
{
	struct elf_got_slot slots[MAX_SLOTS];
	struct code_refs slot_refs = {0}, loads = {0};
	struct code_points targets = {0};

	size_t count = elf_image_got_slots(planner->request->python, name, slots, MAX_SLOTS);
	if (count == 0) {
		plan_note(planner->plan,
			  "no GOT slot for %s: the interpreter is linked without a PLT to it",
			  name);
		return -ENOENT;
	}
	for (size_t i = 0; i < count; i++)
		code_points_add(&targets, slots[i].vaddr);
	decoder_find_refs(planner->decoder, targets.items, targets.count, REF_SLOTS, NULL,
			  &slot_refs);
	sort_out(planner, &slot_refs, refs, &loads);

	bool complete = plan_prove(planner, refs);
	if (complete && loads_count(slots, count))
		complete = plan_prove(planner, &loads) &&
			   add_register_calls(planner, &loads, name, refs);
	if (complete && refs->count == 0) {
		plan_note(planner->plan, "no call of %s in the interpreter's code", name);
		complete = false;
	}
	free(targets.items);
	free(slot_refs.items);
	free(loads.items);
	return complete ? 0 : -ENOENT;
}

void call_targets_add(struct planner *planner, const char *name, struct code_points *points)
{
	const struct elf_image *image = planner->request->python;
	struct elf_got_slot slots[MAX_SLOTS];
	struct code_points slot_points = {0};
	struct code_refs jumps = {0};
	uint64_t entries[3];
	uint64_t vaddr = elf_image_symbol(image, name, NULL);

	if (vaddr)
		code_points_add(points, vaddr);
	size_t count = elf_image_got_slots(image, name, slots, MAX_SLOTS);
	for (size_t i = 0; i < count; i++) {
		code_points_add(points, slots[i].vaddr);
		code_points_add(&slot_points, slots[i].vaddr);
	}
	decoder_find_refs(planner->decoder, slot_points.items, slot_points.count, REF_JUMP_SLOT,
			  NULL, &jumps);
	for (size_t i = 0; i < jumps.count; i++) {
		count = decoder_stub_entries(planner->decoder, &jumps.items[i], entries);
		while (count)
			code_points_add(points, entries[--count]);
	}
	free(slot_points.items);
	free(jumps.items);
}
