/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 gilscope contributors */
/* The bins of the series: time spread exactly over the bins that it covers. */
#ifndef GILSCOPE_SERIES_H
#define GILSCOPE_SERIES_H

#include "model/model.h"

/* What a stretch of time was spent with. The first four are a GIL's, SPAN_WAIT is a thread's. */
enum span_kind { SPAN_HELD, SPAN_HANDOFF, SPAN_IDLE, SPAN_UNKNOWN, SPAN_WAIT };

struct series {
	uint64_t interval_ns; /* 0: off, and the functions below do nothing */
	uint64_t start_ns;    /* begin of bin 0 */
	size_t first; /* number of the first bin that there is; earlier times belong to it */
	struct model_bin *items;
	size_t count, cap;
};

/* There is nothing before this instant, so no bins; before anything is added. */
void series_begin(struct series *s, uint64_t at);

/* A bin by its number; NULL: it is not there, or not yet. */
const struct model_bin *series_bin(const struct series *s, size_t number);

/* Adds the time [from, to) to its bins. */
void series_spread(struct series *s, enum span_kind kind, uint64_t from, uint64_t to);

/* The bin of an instant, valid until the next call; not for a series that is off. */
struct model_bin *series_at(struct series *s, uint64_t at);

/* Adds time to a bin. */
void bin_add(struct model_bin *bin, enum span_kind kind, uint64_t ns);

/* Adds everything but the place of the bin. */
void bin_merge(struct model_bin *into, const struct model_bin *from);

/*
 * Makes the bins those up to the end: adds empty ones, cuts the last one, and puts what was
 * counted at or after the end into it.
 */
void series_close(struct series *s, uint64_t end);

void series_free(struct series *s);

#endif
