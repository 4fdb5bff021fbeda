/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 gilscope contributors */
/* Where a function's return address is, from the stack pointer. */
#ifndef GILSCOPE_FRAME_H
#define GILSCOPE_FRAME_H

#include "probe/graph.h"

/*
 * CFA offset at an instruction of function `node`: the return address stands at sp + offset - 8,
 * where sp is the stack pointer before the instruction executes. False if it cannot be told.
 */
bool frame_cfa_offset(const struct graph *graph, size_t node, uint64_t vaddr, uint32_t *offset);

#endif
