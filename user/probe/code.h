/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 gilscope contributors */
#ifndef GILSCOPE_CODE_H
#define GILSCOPE_CODE_H

#include "probe/plan.h"
#include "target/target.h"

/* The file that the plan's sites are in. */
const struct mapped_file *code_file(const struct target *target, const struct probe_plan *plan);

/*
 * Compares each site's bytes with the process's memory: a file that was replaced, or code that was
 * patched, is never probed. 0, or a negative errno after a message.
 */
int code_compare(const struct target *target, const struct probe_plan *plan);

#endif
