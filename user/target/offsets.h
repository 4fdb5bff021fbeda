/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 gilscope contributors */
#ifndef GILSCOPE_OFFSETS_H
#define GILSCOPE_OFFSETS_H

#include "target/target.h"

#define OFFSETS_OLDEST_MINOR 8
#define OFFSETS_NEWEST_MINOR 15

/*
 * Fills `off` for CPython `version` that runs with `libc` ("glibc", "musl", "none"): up to 3.12 from a table, from 3.13 on from the
 * _Py_DebugOffsets that stand at the beginning of _PyRuntime in the file. `free_threaded` is set
 * where the file tells it. 0; -ENOTSUP: a version that is not known; -EBADMSG: the file's
 * _Py_DebugOffsets contradict the version. No message.
 */
int offsets_find(const struct py_version *version, const struct elf_image *python, const char *libc,
		 struct py_offsets *off, bool *free_threaded);

#endif
