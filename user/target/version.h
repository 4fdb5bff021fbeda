/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 gilscope contributors */
#ifndef GILSCOPE_VERSION_H
#define GILSCOPE_VERSION_H

#include "target/target.h"

/* True if the file is a CPython: it exports _PyRuntime (3.7 and later) and PyEval_RestoreThread. */
bool version_is_python(const struct elf_image *image);

/*
 * The version of the CPython in the file, from the file alone, so that a process that has not begun
 * to run can be told too. Always fills `out`. No message.
 */
void version_find(const struct elf_image *image, struct py_version *out);

#endif
