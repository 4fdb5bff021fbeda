/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 gilscope contributors */
/* Where CPython's frames, code objects and strings have what a Python stack is made of. */
#ifndef GILSCOPE_PY_LAYOUT_H
#define GILSCOPE_PY_LAYOUT_H

#include "bpf/pystack.h"
#include "target/py_lines.h"
#include "target/target.h"

/* All that is read of a code object at once is in its first bytes, at most so many. */
#define PY_CODE_HEAD 256
/* The same of a string or bytes object, up to its data. */
#define PY_OBJECT_HEAD 128

/* What resolving needs beside the walk's layout: offsets in bytes. */
struct py_code_layout {
	uint32_t object_type;
	uint32_t code_first_line, code_file, code_name;
	uint32_t code_qualname; /* PY_NO_OFFSET: there is none (before 3.11) */
	uint32_t code_lines;
	uint32_t code_bytes;	   /* of the bytecode; PY_NO_OFFSET: `instruction` is an index */
	uint32_t instruction_size; /* bytes for each index */
	enum py_line_table lines;
	uint32_t text_length, text_state;
	uint32_t text_ascii, text_compact; /* of the characters */
	uint32_t bytes_size, bytes_data;
	uint32_t interp_threads, tstate_next; /* the list of thread states */
	bool counted; /* an object begins with its reference count (not in free-threaded builds) */
	/* Addresses in the process; 0: not known. */
	uint64_t code_type, text_type, bytes_type;
};

struct py_layouts {
	struct py_layout walk;
	struct py_code_layout code;
};

/*
 * Fills `out` for the target's version: up to 3.12 from a table, from 3.13 on from _Py_DebugOffsets
 * in the file, each offset checked. 0; -ENOTSUP: a version that is not known; -EBADMSG: the file's
 * offsets contradict what is known of the version. No message.
 */
int py_layout_find(const struct target *target, struct py_layouts *out);

#endif
