/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 gilscope contributors */
/* Calls through a register, as some compilers make them without a PLT (clang -fno-plt). */
#ifndef GILSCOPE_REGISTER_CALLS_H
#define GILSCOPE_REGISTER_CALLS_H

#include "probe/insn.h"

/*
 * Appends to `refs` the calls in `function` through the register that `load` (a proven
 * REF_LOAD_SLOT in it) fills: proven, as REF_CALL_SLOT, in the order of their addresses. False if
 * they cannot be told for sure: the register has another value at times, its value goes elsewhere,
 * or the function goes on outside of `function`. `refs` is then as it was.
 */
bool register_calls_find(struct decoder *decoder, const struct function *function,
			 const struct code_ref *load, struct code_refs *refs);

#endif
