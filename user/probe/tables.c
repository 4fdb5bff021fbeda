/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 gilscope contributors */
#include "probe/tables.h"

#include <errno.h>
#include <string.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "base/log.h"
#include "gil.skel.h"

_Static_assert(STATE_MAX_SITES == PLAN_MAX_SITES, "one table entry a site");
_Static_assert(STATE_MAX_RETURNS == PLAN_MAX_RETURNS, "one table entry a return address");
_Static_assert((int)SITE_WAIT == (int)ROLE_WAIT && (int)SITE_ACQUIRE == (int)ROLE_ACQUIRE &&
		       (int)SITE_RELEASE == (int)ROLE_RELEASE &&
		       (int)SITE_LIBC_WAIT == (int)ROLE_LIBC_WAIT &&
		       (int)SITE_LIBC_SIGNAL == (int)ROLE_LIBC_SIGNAL,
	       "the roles of the plan are those of the programs");

static int push_free(struct gil_bpf *skel, uint32_t slot)
{
	return bpf_map_update_elem(bpf_map__fd(skel->maps.free_gils), NULL, &slot, BPF_ANY);
}

int tables_init(struct gil_bpf *skel)
{
	for (uint32_t slot = 0; slot < STATE_MAX_GILS; slot++) {
		const int err = push_free(skel, slot);
		if (err)
			return log_err(err, "cannot fill the table of GILs: %s", strerror(-err));
	}
	return 0;
}

/* A multiplier that gives each site a place of its own in the table. */
static uint64_t find_multiplier(const struct probe_plan *plan)
{
	uint64_t multiplier = 0x9e3779b97f4a7c15; /* 2^64 / golden ratio: spreads well, is odd, as
						     are its successors */

	for (;; multiplier += 0x632be59bd9b4e01a) {
		bool taken[STATE_SITE_TABLE] = {0}, ok = true;
		for (size_t i = 0; i < plan->site_count && ok; i++) {
			bool *place = &taken[site_slot(plan->sites[i].vaddr, multiplier)];
			ok = !*place;
			*place = true;
		}
		if (ok)
			return multiplier;
	}
}

static void fill_sites(struct code *code, const struct probe_plan *plan)
{
	code->multiplier = find_multiplier(plan);
	for (size_t i = 0; i < plan->site_count; i++) {
		const struct probe_site *from = &plan->sites[i];

		code->sites[site_slot(from->vaddr, code->multiplier)] = (struct site){
			.vaddr = from->vaddr,
			.index = (uint32_t)i,
			.cfa_offset = from->cfa_offset,
			.role = (uint8_t)from->role,
			.forced = from->forced,
			.has_cfa = from->has_cfa && plan->forced_known,
			.return_below = from->return_below,
		};
	}
	for (size_t i = 0; i < plan->return_count; i++)
		code->returns[i] = (struct return_site){
			.vaddr = plan->returns[i].vaddr,
			.cfa_offset = plan->returns[i].cfa_offset,
			.return_below = plan->returns[i].return_below,
			.forced = plan->returns[i].forced,
		};
}

/* From the first to the last byte of code of the file. */
static void fill_range(struct code *code, const struct elf_image *python)
{
	const struct elf_segment *segments;
	const size_t count = elf_image_segments(python, &segments);

	code->python_begin = UINT64_MAX;
	for (size_t i = 0; i < count; i++) {
		const struct elf_segment *s = &segments[i];
		if (!s->executable)
			continue;
		if (s->vaddr < code->python_begin)
			code->python_begin = s->vaddr;
		if (s->vaddr + s->memsz > code->python_end)
			code->python_end = s->vaddr + s->memsz;
	}
}

/* The rest of an entry is zero until it is used, and an entry in use has a multiplier. */
int tables_add_code(struct gil_bpf *skel, const struct target *target,
		    const struct probe_plan *plan)
{
	for (int i = 0; i < STATE_MAX_CODES; i++) {
		struct code *code = &skel->bss->codes[i];

		if (code->multiplier)
			continue;
		code->off_last_holder = target->off.gil_last_holder;
		code->off_locked = target->off.gil_locked;
		code->off_cond = target->off.gil_cond;
		code->off_switch_cond = target->off.gil_switch_cond;
		code->free_threaded = target->free_threaded;
		fill_range(code, target->python.image);
		fill_sites(code, plan);
		return i;
	}
	return log_err(-ENOSPC, "more than %d different interpreters: profile fewer at a time",
		       STATE_MAX_CODES);
}

struct process *tables_add_process(struct gil_bpf *skel, const struct target *target,
				   const struct probe_plan *plan, uint32_t code, uint32_t id)
{
	const bool libc = plan->method == PLAN_LIBC_ENTRY;
	const uint32_t tgid = (uint32_t)target->pid;

	for (uint32_t slot = 0; slot < STATE_MAX_PROCESSES; slot++) {
		struct process *process = &skel->bss->processes[slot];

		if (process->id)
			continue;
		*process = (struct process){
			.id = id,
			.tgid = tgid,
			.code = code,
			.site_bias = libc ? target->libc.bias : target->python.bias,
			.python_bias = target->python.bias,
			.slot = slot,
		};
		const int err = bpf_map_update_elem(bpf_map__fd(skel->maps.process_slots), &tgid,
						    &slot, BPF_ANY);
		if (!err)
			return process;
		process->id = process->tgid = 0;
		log_err(err, "cannot enter process %u into the table of processes: %s", tgid,
			strerror(-err));
		return NULL;
	}
	log_err(-ENOSPC, "more than %d processes at a time: process %u is left out",
		STATE_MAX_PROCESSES, tgid);
	return NULL;
}

/* As the programs do it: the insert decides who has the place. */
static bool take_place(struct gil_bpf *skel, struct process *process, uint32_t slot)
{
	for (uint32_t i = 0; i < STATE_PROCESS_GILS; i++) {
		const struct gil_place place = {.process = process->slot, .place = i};

		if (process->gils[i] ||
		    bpf_map_update_elem(bpf_map__fd(skel->maps.places), &place, &slot, BPF_NOEXIST))
			continue;
		process->gils[i] = slot + 1;
		return true;
	}
	return false;
}

uint32_t tables_add_gil(struct gil_bpf *skel, struct process *process, uint64_t address,
			uint64_t first_ns)
{
	const struct gil_key key = {.address = address, .process = process->slot};
	uint32_t slot;

	if (bpf_map_lookup_and_delete_elem(bpf_map__fd(skel->maps.free_gils), NULL, &slot))
		return STATE_NO_GIL;
	skel->bss->gils[slot].process = process->slot;
	skel->bss->gils[slot].first_ns = first_ns;
	skel->bss->gils[slot].address = address;
	if (!take_place(skel, process, slot)) {
		skel->bss->gils[slot].address = 0;
		push_free(skel, slot);
		return STATE_NO_GIL;
	}
	bpf_map_update_elem(bpf_map__fd(skel->maps.gil_slots), &key, &slot, BPF_ANY);
	return slot;
}

static void free_gil(struct gil_bpf *skel, const struct process *process, uint32_t place)
{
	const uint32_t slot = process->gils[place] - 1;
	struct gil_slot *gil = &skel->bss->gils[slot];
	const struct gil_key key = {.address = gil->address, .process = process->slot};
	const struct gil_place at = {.process = process->slot, .place = place};

	bpf_map_delete_elem(bpf_map__fd(skel->maps.gil_slots), &key);
	bpf_map_delete_elem(bpf_map__fd(skel->maps.places), &at);
	memset(gil, 0, sizeof(*gil));
	push_free(skel, slot);
}

void tables_remove_process(struct gil_bpf *skel, struct process *process, bool reuse)
{
	const uint32_t tgid = process->tgid;

	if (!process->id)
		return;
	/* The same PID may have entered again, as another run. */
	uint32_t slot;
	const int slots = bpf_map__fd(skel->maps.process_slots);
	if (!bpf_map_lookup_elem(slots, &tgid, &slot) && slot == process->slot)
		bpf_map_delete_elem(slots, &tgid);
	process->tgid = 0;
	if (!reuse)
		return;
	for (uint32_t i = 0; i < STATE_PROCESS_GILS; i++)
		if (process->gils[i])
			free_gil(skel, process, i);
	process->id = 0;
}
