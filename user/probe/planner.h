/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 gilscope contributors */
/* What the steps of planning share. */
#ifndef GILSCOPE_PLANNER_H
#define GILSCOPE_PLANNER_H

#include "probe/functions.h"
#include "probe/insn.h"
#include "probe/plan.h"

struct planner {
	const struct plan_request *request;
	struct functions *functions; /* of request->python */
	struct decoder *decoder;     /* of request->python */
	struct probe_plan *plan;
};

/* Adds a sentence to the plan's notes. */
void plan_note(struct probe_plan *plan, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/*
 * Proves those of `refs` (in the order of their addresses) that are still unproven and drops those
 * that are no instructions or stand in no function. False if one could not be proven because the
 * function that holds it could not be decoded as far as there; a note says so.
 */
bool plan_prove(struct planner *planner, struct code_refs *refs);

#endif
