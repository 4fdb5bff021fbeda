/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 gilscope contributors */
#ifndef GILSCOPE_NAMES_H
#define GILSCOPE_NAMES_H

#include "probe/plan.h"

/*
 * Fills in, for people, which functions the plan's sites stand in and where the interpreter's names
 * are from. That can take seconds (symbols.h): for after the capture, and only where names are shown.
 * `python` and `libc` are the symbols of the files of the plan's request; either may be NULL.
 */
void plan_name_sites(struct probe_plan *plan, struct symbols *python, struct symbols *libc);

/* Where they are from, for reports: "symtab", "debugdata", "debugfile" or "none". A debug file is one
 * wherever it is from; a note says if debuginfod had it. */
const char *plan_symbols_name(const struct probe_plan *plan);

#endif
