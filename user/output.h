/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 gilscope contributors */
#ifndef GILSCOPE_OUTPUT_H
#define GILSCOPE_OUTPUT_H

#include <stdio.h>

#include "options.h"

/*
 * Where the report goes. A file is opened before the capture, so that a path that cannot be written
 * fails at once; what it held is kept until the report is written, and a file that was made for a
 * report that never came is removed.
 */
struct output {
	FILE *file;
	const char *path; /* NULL: stdout */
	bool created;
};

/* 0, or a negative errno after a message. */
int output_open(const char *path, struct output *out);
/* Drops the old contents: the report follows. 0, or a negative errno after a message. */
int output_begin(struct output *out);
/* Closes; `keep` false: there is no report. 0, or a negative errno after a message. */
int output_close(struct output *out, bool keep);

/* How a report looks on `out`: width, colours and characters by the terminal and the locale. */
struct report_options output_style(FILE *out, const struct options *options);

#endif
