/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 gilscope contributors */
#include "report/blame.h"

#include <stdlib.h>

#include "base/mem.h"

#define FLOOR 1000 /* a holder of less than this part of a waiter's time is not told by itself */

struct gathering {
	const struct view_process *process;
	const struct view_thread **shown; /* by the model's index */
	struct blame_rows rows;
	uint64_t *small; /* by the model's index: what is below the floor */
};

static void add(struct gathering *g, const struct view_thread *waiter, uint32_t gil,
		enum blame_kind kind, uint64_t ns)
{
	if (ns)
		*VEC_PUSH(&g->rows) =
			(struct blame_row){.waiter = waiter, .gil = gil, .kind = kind, .ns = ns};
}

static void add_pair(struct gathering *g, const struct model_blame *pair)
{
	const struct model_result *model = g->process->process->model;
	struct blame_row *row;

	if (pair->waiter != MODEL_EXITED &&
	    pair->ns * FLOOR < model->threads[pair->waiter].wait.total_ns) {
		g->small[pair->waiter] += pair->ns;
		return;
	}
	row = VEC_PUSH(&g->rows);
	row->gil = pair->gil;
	row->ns = pair->ns;
	row->waits = pair->waits;
	if (pair->waiter != MODEL_EXITED)
		row->waiter = g->shown[pair->waiter];
	row->kind = pair->holder == MODEL_EXITED ? BLAME_EXITED : BLAME_THREAD;
	if (pair->holder != MODEL_EXITED)
		row->holder = g->shown[pair->holder];
}

static void add_rest(struct gathering *g, const struct view_thread *waiter,
		     const struct model_thread *thread, uint64_t small)
{
	add(g, waiter, thread->gil, BLAME_OTHERS, thread->others_ns + small);
	add(g, waiter, thread->gil, BLAME_HANDOFF, thread->handoff_ns);
	add(g, waiter, thread->gil, BLAME_UNKNOWN, thread->unknown_ns);
}

static int compare_rows(const void *a, const void *b)
{
	const struct blame_row *x = a, *y = b;

	if (x->ns != y->ns)
		return x->ns < y->ns ? 1 : -1;
	if (x->waiter != y->waiter)
		return x->waiter < y->waiter ? -1 : 1;
	return (x->holder > y->holder) - (x->holder < y->holder);
}

struct blame_rows blame_rows(const struct view_process *process)
{
	const struct model_result *model = process->process->model;
	struct gathering g = {
		.process = process,
		.shown = xcalloc(model->thread_count + 1, sizeof(*g.shown)),
		.small = xcalloc(model->thread_count + 1, sizeof(*g.small)),
	};

	for (size_t i = 0; i < process->thread_count; i++)
		g.shown[process->threads[i].thread - model->threads] = &process->threads[i];
	for (size_t i = 0; i < model->blame_count; i++)
		add_pair(&g, &model->blame[i]);
	for (size_t i = 0; i < model->thread_count; i++)
		add_rest(&g, g.shown[i], &model->threads[i], g.small[i]);
	for (size_t i = 0; i < model->exited_count; i++)
		add_rest(&g, NULL, &model->exited[i], 0);
	if (g.rows.count)
		qsort(g.rows.items, g.rows.count, sizeof(*g.rows.items), compare_rows);
	free(g.shown);
	free(g.small);
	return g.rows;
}

void blame_rows_free(struct blame_rows *rows)
{
	free(rows->items);
	*rows = (struct blame_rows){0};
}
