/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 gilscope contributors */
/* Where a function's return address is, from the stack pointer. */
#ifndef GILSCOPE_FRAME_H
#define GILSCOPE_FRAME_H

#include "probe/graph.h"

/*
 * Where the return address is at an instruction of function `node`, always from the stack pointer
 * (never from_fp). False if it cannot be told.
 */
bool frame_rule(const struct graph *graph, size_t node, uint64_t vaddr, struct cfa_rule *rule);

#endif
