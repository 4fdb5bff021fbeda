/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 gilscope contributors */
#ifndef GILSCOPE_PY_TEXT_H
#define GILSCOPE_PY_TEXT_H

#include <stdbool.h>
#include <stddef.h>

/*
 * Writes `count` characters of a Python string, each of `kind` bytes (1, 2 or 4: PyUnicode_KIND), as
 * UTF-8 with a zero byte at the end into `out`. What does not fit into `size` bytes is left out, and
 * so is the rest if `more` follows that `chars` does not have; "…" stands in its place. Control
 * characters become "?", what is no character (a lone surrogate) U+FFFD. `size` is at least 4. The
 * length in bytes.
 */
size_t py_text_to_utf8(char *out, size_t size, const void *chars, unsigned kind, size_t count,
		       bool more);

#endif
