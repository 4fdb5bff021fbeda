/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 gilscope contributors */
/*
 * The columns of the thread table: one list drives the text table, the CSV report and its
 * documentation.
 */
#ifndef GILSCOPE_COLUMNS_H
#define GILSCOPE_COLUMNS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "report/view.h"

enum column_kind {
	COLUMN_NAME,  /* text */
	COLUMN_ID,    /* an integer without separators */
	COLUMN_COUNT, /* an integer */
	COLUMN_TIME,  /* ns */
	COLUMN_SHARE, /* ns; for people a share of the time the thread was observed */
};

struct column {
	const char *key;   /* in CSV: unique, with the unit */
	const char *title; /* in the text table; NULL: only in CSV */
	const char *help;
	enum column_kind kind;
	/* The text table keeps rank 0 and drops the highest rank first when the terminal is narrow.
	 */
	int rank;
	/* One of the three; `times_offset` is where in struct model_thread its argument stands. */
	uint64_t (*of_process)(const struct view_process *process);
	uint64_t (*of_thread)(const struct model_thread *thread);
	uint64_t (*of_times)(const struct model_times *times);
	size_t times_offset;
	size_t text_offset; /* of COLUMN_NAME, in struct view_thread: where the text stands */
	bool several_gils;  /* in the text table only if there are several GILs */
	bool if_short;	    /* in the text table only if a thread was not there all the time */
	bool releases;	    /* known only if forced and voluntary releases can be told apart */
	bool if_grouped;    /* in the text table only if its rows are groups */
	bool of_one;	    /* of one thread: several together do not have it */
	bool complete;	    /* of complete holds or waits: says nothing if there are none */
};

/* All columns in the order of the tables; their number in `count`. */
const struct column *columns_all(size_t *count);

/* The holds or waits that a column is about; NULL if it is about neither. */
const struct model_times *column_times(const struct column *column,
				       const struct model_thread *thread);

/* The text of a COLUMN_NAME. */
const char *column_text(const struct column *column, const struct view_thread *row);

/* The value of a column that is not COLUMN_NAME, for a thread of the process, in the machine's unit.
 */
uint64_t column_value(const struct column *column, const struct view_process *process,
		      const struct model_thread *thread);

#endif
