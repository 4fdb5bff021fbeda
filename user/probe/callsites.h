/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 gilscope contributors */
/* The places in the interpreter's file that call pthread_cond_signal and pthread_cond_timedwait. */
#ifndef GILSCOPE_CALLSITES_H
#define GILSCOPE_CALLSITES_H

#include "probe/planner.h"

/*
 * Finds the calls (and tail jumps) to imported function `name` and proves that they are
 * instructions. Appends them to `refs` in the order of their addresses; free(refs->items). 0;
 * -ENOENT after a note if there are none or not all of them can be found.
 */
int call_sites_find(struct planner *planner, const char *name, struct code_refs *refs);

/* Adds all addresses that calls of function `name` refer to, be it imported or the file's own: its
 * entry, its PLT stubs and its GOT slots. */
void call_targets_add(struct planner *planner, const char *name, struct code_points *points);

#endif
