/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 gilscope contributors */
/* The probe plans, one for each pair of interpreter and libc: making one takes longer than all else. */
#ifndef GILSCOPE_CODES_H
#define GILSCOPE_CODES_H

#include <stdint.h>

#include "probe/bpf_object.h"
#include "probe/plan.h"
#include "target/target.h"

struct code_plan {
	struct probe_plan plan;
	uint32_t index;		  /* in the programs' table */
	struct gil_bpf *programs; /* the object that has the one for its probes */
	struct elf_image *python, *libc;
	struct symbols *python_names, *libc_names;
};

struct codes {
	struct code_plan **items;
	size_t count, cap;
	bool force_libc;
	struct gil_bpf *libc_entry; /* NULL: no plan has needed it yet */
};

/*
 * The plan for a target, whose images become those of the plan if the files are the same. Owned by
 * `codes`. NULL after a message, with the reason in *err: the GIL's code cannot be found, or the
 * table is full.
 */
const struct code_plan *codes_find(struct codes *codes, struct gil_bpf *skel, struct target *target,
				   int *err);
/* Names, in all plans, the functions that have probes in them; see probe/names.h. */
void codes_name_sites(struct codes *codes);
void codes_free(struct codes *codes);

#endif
