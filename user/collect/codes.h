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
	uint32_t index; /* in the programs' table */
	bool named;
	struct elf_image *python, *libc;
};

struct codes {
	struct code_plan **items;
	size_t count, cap;
	bool force_libc;
};

/*
 * The plan for a target, whose images become those of the plan if the files are the same. Owned by
 * `codes`. NULL after a message, with the reason in *err: the GIL's code cannot be found, or the
 * table is full.
 */
const struct code_plan *codes_find(struct codes *codes, struct gil_bpf *skel, struct target *target,
				   int *err);

/*
 * Names the functions of a plan (plan_name_sites), once; `target` is one that it serves and that
 * was resolved by itself.
 */
void codes_name(struct codes *codes, const struct code_plan *code, const struct target *target);

void codes_free(struct codes *codes);

#endif
