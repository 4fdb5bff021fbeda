/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 gilscope contributors */
/* The tables in the memory that we share with the BPF programs: which code is probed, in which
 * processes, and which GILs they have (bpf/state.h). */
#ifndef GILSCOPE_TABLES_H
#define GILSCOPE_TABLES_H

#include "probe/bpf_object.h"
#include "probe/plan.h"
#include "target/target.h"

/* Makes the tables ready, once. 0 or a negative errno after a message. */
int tables_init(struct gil_bpf *skel);

/*
 * Enters the code of `plan`, which was made for `target` and serves every process with the same
 * files. Its index, or -ENOSPC after a message: too many different ones.
 */
int tables_add_code(struct gil_bpf *skel, const struct target *target,
		    const struct probe_plan *plan);

/*
 * Enters a process in the state STATE_OFF; `id` is the number of its records. NULL after a message:
 * too many at a time, or -errno from the kernel. Leaves the table with tables_remove_process.
 */
struct process *tables_add_process(struct gil_bpf *skel, const struct target *target,
				   const struct probe_plan *plan, uint32_t code, uint32_t id);

/* Gives a GIL of the process, first seen at first_ns, its slot; the slot's number, or STATE_NO_GIL:
 * the table is full. */
uint32_t tables_add_gil(struct gil_bpf *skel, struct process *process, uint64_t address,
			uint64_t first_ns);

/*
 * Nothing finds the process any more. `reuse`: its threads are gone, so that no program can be at
 * work on it, and its slots are free for others.
 */
void tables_remove_process(struct gil_bpf *skel, struct process *process, bool reuse);

#endif
