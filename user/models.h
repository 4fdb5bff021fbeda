/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 gilscope contributors */
/* The models of a capture, one for each process, and what belongs to no process. */
#ifndef GILSCOPE_MODELS_H
#define GILSCOPE_MODELS_H

#include "collect/collector.h"
#include "model/model.h"

struct models {
	uint64_t interval_ns, start_ns;
	struct model **items; /* by the number of the process's records */
	size_t count, cap;
	/* Numbers of those that may still be in an interval that is asked for. */
	struct {
		uint32_t *items;
		size_t count, cap;
	} going;
	uint64_t losses[LOSS_KINDS]; /* of no process */
};

void models_init(struct models *models, uint64_t interval_ns);
void models_free(struct models *models);

/* The instant from which intervals are counted, CLOCK_MONOTONIC; before the first record of a
 * process that begins later. */
void models_set_start(struct models *models, uint64_t start_ns);

/* Gives a record of the stream to the model of its process. */
void models_feed(struct models *models, const void *record, size_t size);

/* The result of one process; NULL: its stream is not complete. */
const struct model_result *models_result(const struct models *models, uint32_t process);

/* All losses, those of the processes included. */
void models_losses(const struct models *models, uint64_t losses[LOSS_KINDS]);

/* model_peek_bin over all processes together; `index` never goes back. */
bool models_peek_bin(struct models *models, size_t index, const struct open_interval *open,
		     size_t open_count, struct model_bin *bin);

#endif
