/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 gilscope contributors */
#include "report/view.h"

#include <stdlib.h>

#include "base/mem.h"
#include "report/clean.h"

static int compare_u64_desc(uint64_t a, uint64_t b)
{
	return (a < b) - (a > b);
}

static int compare_threads(const void *a, const void *b)
{
	const struct model_thread *x = ((const struct view_thread *)a)->thread;
	const struct model_thread *y = ((const struct view_thread *)b)->thread;
	int order = compare_u64_desc(x->wait.total_ns, y->wait.total_ns);

	if (!order)
		order = compare_u64_desc(x->hold.total_ns, y->hold.total_ns);
	if (!order)
		order = compare_u64_desc(y->tid, x->tid);
	return order ? order : compare_u64_desc(y->gil, x->gil);
}

static void add_clipped(struct view_clipped *sum, const struct model_times *times)
{
	sum->count += times->clipped;
	sum->ns += times->clipped_ns;
}

static void view_threads(struct view *view, bool ascii)
{
	const struct model_result *model = view->result->model;

	view->thread_count = model->thread_count;
	view->threads = xcalloc(view->thread_count, sizeof(*view->threads));
	for (size_t i = 0; i < view->thread_count; i++) {
		const struct model_thread *thread = &model->threads[i];

		view->threads[i].thread = thread;
		view->threads[i].comm = clean_text(thread->comm, ascii);
		add_clipped(&view->hold_clipped, &thread->hold);
		add_clipped(&view->wait_clipped, &thread->wait);
	}
	qsort(view->threads, view->thread_count, sizeof(*view->threads), compare_threads);
}

static void view_probes(struct view *view, bool ascii)
{
	const struct result *result = view->result;
	const struct probe_plan *plan = result->plan;

	for (size_t i = 0; i < plan->site_count; i++) {
		view->hits += result->site_hits[i] + result->foreign_hits[i];
		view->foreign_hits += result->foreign_hits[i];
		view->single_stepped += !plan->sites[i].emulated;
	}
	view->notes = xcalloc(plan->note_count, sizeof(*view->notes));
	for (size_t i = 0; i < plan->note_count; i++)
		view->notes[i] = clean_text(plan->notes[i], ascii);
}

void view_init(struct view *out, const struct result *result, const struct report_options *options,
	       bool ascii)
{
	*out = (struct view){
		.result = result,
		.options = options,
		.version = clean_text(result->target->version.text, ascii),
		.exe = clean_text(result->target->exe, ascii),
		.cmdline = clean_text(result->target->cmdline, ascii),
		.python_file = clean_text(result->target->python.path, ascii),
		.libc_file = clean_text(result->target->libc.path, ascii),
		.kernel = clean_text(result->capture.kernel, ascii),
		.arch = clean_text(result->capture.arch, ascii),
		.note = clean_text(result->capture.note, ascii),
	};
	view_threads(out, ascii);
	view_probes(out, ascii);
	for (size_t i = 0; i < LOSS_KINDS; i++)
		out->losses += result->model->losses[i];
}

void view_free(struct view *view)
{
	for (size_t i = 0; i < view->thread_count; i++)
		free(view->threads[i].comm);
	for (size_t i = 0; i < view->result->plan->note_count; i++)
		free(view->notes[i]);
	free(view->threads);
	free(view->notes);
	free(view->version);
	free(view->exe);
	free(view->cmdline);
	free(view->python_file);
	free(view->libc_file);
	free(view->kernel);
	free(view->arch);
	free(view->note);
	*view = (struct view){0};
}
