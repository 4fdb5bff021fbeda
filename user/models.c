/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 gilscope contributors */
#include "models.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "model/series.h"

void models_init(struct models *models, uint64_t interval_ns)
{
	*models = (struct models){.interval_ns = interval_ns};
}

void models_free(struct models *models)
{
	for (size_t i = 0; i < models->count; i++)
		model_free(models->items[i]);
	free(models->items);
	free(models->going.items);
}

void models_set_start(struct models *models, uint64_t start_ns)
{
	models->start_ns = start_ns;
}

static struct model *model_of(struct models *models, uint32_t process)
{
	const struct model_options options = {.interval_ns = models->interval_ns,
					      .series_start_ns = models->start_ns};

	while (models->count <= process)
		*VEC_PUSH(models) = NULL;
	if (!models->items[process]) {
		models->items[process] = model_new(&options);
		*VEC_PUSH(&models->going) = process;
	}
	return models->items[process];
}

void models_feed(struct models *models, const void *record, size_t size)
{
	struct ev_head head;

	if (size < sizeof(head))
		return;
	memcpy(&head, record, sizeof(head));
	if (head.process) {
		model_feed(model_of(models, head.process), record, size);
	} else if (head.kind == EV_LOSS && size == sizeof(struct ev_loss)) {
		struct ev_loss loss;

		memcpy(&loss, record, sizeof(loss));
		if (loss.loss < LOSS_KINDS)
			models->losses[loss.loss] += loss.count;
	}
}

const struct model_result *models_result(const struct models *models, uint32_t process)
{
	if (process >= models->count || !models->items[process])
		return NULL;
	return model_result(models->items[process]);
}

void models_losses(const struct models *models, uint64_t losses[LOSS_KINDS])
{
	for (int kind = 0; kind < LOSS_KINDS; kind++) {
		losses[kind] = models->losses[kind];
		for (size_t i = 0; i < models->count; i++)
			if (models->items[i])
				losses[kind] +=
					model_losses(models->items[i], (enum loss_kind)kind);
	}
}

/* What goes on in one process, as its model takes it; their number. */
static size_t open_of(const struct open_interval *open, size_t count, uint32_t process,
		      struct model_open *to)
{
	size_t found = 0;

	for (size_t i = 0; i < count; i++)
		if (open[i].process == process)
			to[found++] = (struct model_open){.gil = open[i].gil,
							  .is_wait = open[i].is_wait,
							  .handoff = open[i].handoff,
							  .from_ns = open[i].from_ns};
	return found;
}

bool models_peek_bin(struct models *models, size_t index, const struct open_interval *open,
		     size_t open_count, struct model_bin *bin)
{
	struct model_open *of_process = xcalloc(open_count + 1, sizeof(*of_process));

	*bin = (struct model_bin){.at_ns = index * models->interval_ns,
				  .span_ns = models->interval_ns};
	for (size_t i = models->going.count; i-- > 0;) {
		struct model *m = models->items[models->going.items[i]];
		const size_t count = open_of(open, open_count, models->going.items[i], of_process);
		struct model_bin one;

		if (model_peek_bin(m, index, of_process, count, &one))
			bin_merge(bin, &one);
		else if (model_result(m)) /* it ended before */
			models->going.items[i] = models->going.items[--models->going.count];
	}
	free(of_process);
	return models->interval_ns != 0;
}
