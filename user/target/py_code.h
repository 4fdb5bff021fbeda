/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 gilscope contributors */
/* From the frames of a Python stack to functions, files and lines, in the memory of the process. */
#ifndef GILSCOPE_PY_CODE_H
#define GILSCOPE_PY_CODE_H

#include "target/py_layout.h"

/* Longest name of a function or file in bytes, with the zero byte: UTF-8 (py_text.h). */
#define PY_NAME_SIZE 512

enum py_resolve {
	PY_RESOLVED,
	PY_STALE,      /* the code object that the frame ran has been freed */
	PY_UNREADABLE, /* it cannot be told: the walk could not read it, or the process has ended */
};

struct py_location {
	const char *function; /* qualified from 3.11 on */
	const char *file;     /* co_filename, as the process compiled it */
	int line;	      /* that of the first line if the instruction has none; 0: not known */
	int first_line;	      /* of the code object */
};

struct py_codes;

/* The code objects of one process, of which the last used are remembered (at most 2 MiB). Never
 * NULL; free with py_codes_free. */
struct py_codes *py_codes_new(pid_t pid, const struct py_layouts *layouts);
void py_codes_free(struct py_codes *codes);

/*
 * Where a frame is. `out` is filled only if PY_RESOLVED is returned; its strings are lent until the
 * next call for the same `codes`. Four system calls for a code object that is new, none for one that
 * is remembered. No message.
 */
enum py_resolve py_codes_resolve(struct py_codes *codes, const struct py_frame *frame,
				 struct py_location *out);

#endif
