/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 gilscope contributors */
/* The line tables of CPython's code objects: from an offset in the bytecode to a line. */
#ifndef GILSCOPE_PY_LINES_H
#define GILSCOPE_PY_LINES_H

#include <stddef.h>
#include <stdint.h>

enum py_line_table {
	PY_LNOTAB,    /* up to 3.9: co_lnotab (Objects/lnotab_notes.txt) */
	PY_LINETABLE, /* 3.10: co_linetable of PEP 626 */
	PY_LOCATIONS, /* 3.11 and later: co_linetable with columns (Objects/locations.md) */
};

/* The kind that CPython 3.`minor` has. */
enum py_line_table py_line_table_of(int minor);

/*
 * The line of the instruction at `offset` (bytes), as PyCode_Addr2Line has it: `first_line` for a
 * negative offset, which is a frame that has not begun; -1 for an instruction that belongs to no
 * line, or that the table does not cover. Any bytes are allowed in the table.
 */
int py_line_of(enum py_line_table kind, const uint8_t *table, size_t size, int first_line,
	       int64_t offset);

#endif
