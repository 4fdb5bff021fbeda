/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 gilscope contributors */
#include "report/view.h"

#include <stdlib.h>

#include "base/mem.h"
#include "report/clean.h"
#include "report/names.h"

static int compare_u64_desc(uint64_t a, uint64_t b)
{
	return (a < b) - (a > b);
}

int view_compare_threads(const void *a, const void *b)
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

static struct view_thread *view_entries(struct view_process *p, const struct model_thread *entries,
					size_t count, bool ascii)
{
	struct view_thread *threads = xcalloc(count, sizeof(*threads));

	for (size_t i = 0; i < count; i++) {
		threads[i].thread = &entries[i];
		char *name = name_of_thread(p->process, &entries[i]);

		threads[i].name = clean_text(name, ascii);
		threads[i].comm = clean_text(entries[i].comm, ascii);
		threads[i].group = group_of_name(threads[i].name);
		free(name);
		add_clipped(&p->sums.hold_clipped, &entries[i].hold);
		add_clipped(&p->sums.wait_clipped, &entries[i].wait);
	}
	return threads;
}

static void view_threads(struct view_process *p, bool ascii)
{
	const struct model_result *model = p->process->model;

	p->thread_count = model->thread_count;
	p->threads = view_entries(p, model->threads, model->thread_count, ascii);
	qsort(p->threads, p->thread_count, sizeof(*p->threads), view_compare_threads);
	p->exited_count = model->exited_count;
	p->exited = view_entries(p, model->exited, model->exited_count, ascii);
	p->all_threads = model->threads_on_gil + model->threads_off_gil;
}

static void view_probes(struct view_process *p, bool ascii)
{
	const struct result_process *process = p->process;
	const struct probe_plan *plan = process->plan;

	for (size_t i = 0; i < plan->site_count; i++) {
		p->sums.hits += process->site_hits[i] + process->foreign_hits[i];
		p->sums.foreign_hits += process->foreign_hits[i];
		p->sums.single_stepped += !plan->sites[i].emulated;
	}
	p->sums.sites = plan->site_count;
	p->sums.forced_known = plan->forced_known;
	p->notes = xcalloc(plan->note_count, sizeof(*p->notes));
	for (size_t i = 0; i < plan->note_count; i++)
		p->notes[i] = clean_text(plan->notes[i], ascii);
}

static void view_gils(struct view_process *p)
{
	const struct model_result *model = p->process->model;
	struct view_sums *sums = &p->sums;
	uint64_t lost = 0;

	for (size_t i = 0; i < model->gil_count; i++) {
		const struct model_gil *gil = &model->gils[i];

		sums->gil_observed_ns += gil->observed_ns;
		sums->held_ns += gil->held_ns;
		sums->handoff_ns += gil->handoff_ns;
		sums->idle_ns += gil->idle_ns;
		sums->unknown_ns += gil->unknown_ns;
		sums->wait_ns += gil->wait_ns;
		sums->holds += gil->holds;
		sums->contended_holds += gil->contended_holds;
		sums->short_holds += gil->short_holds;
		sums->forced_releases += gil->forced_releases;
		sums->voluntary_releases += gil->voluntary_releases;
		lost += gil->lost_holds;
	}
	p->quiet = !sums->holds && !sums->wait_ns && !lost && !sums->unknown_ns &&
		   !model->thread_count;
}

static void view_process(struct view_process *out, const struct view *view, size_t index,
			 bool ascii)
{
	const struct result_process *process = &view->result->processes[index];
	const struct target *target = process->target;
	const struct model_result *model = process->model;

	*out = (struct view_process){
		.view = view,
		.process = process,
		.number = index + 1,
		.version = clean_text(target->version.text, ascii),
		.exe = clean_text(target->exe, ascii),
		.cmdline = clean_text(target->cmdline, ascii),
		.python_file = clean_text(target->python.path, ascii),
		.libc_file = clean_text(target->libc.path, ascii),
		.sums = {.observed_ns = model->end_ns - model->start_ns,
			 .unobserved_ns = process->unobserved_ns},
	};
	view_threads(out, ascii);
	if (view->options->group)
		groups_make(out);
	view_probes(out, ascii);
	view_gils(out);
	if (out->sums.observed_ns)
		out->paid_cpus = (double)process->probe_cost_ns / (double)out->sums.observed_ns;
	for (size_t i = 0; i < LOSS_KINDS; i++)
		out->losses += model->losses[i];
}

static void add_sums(struct view_sums *to, const struct view_sums *from)
{
	to->observed_ns += from->observed_ns;
	to->unobserved_ns += from->unobserved_ns;
	to->gil_observed_ns += from->gil_observed_ns;
	to->held_ns += from->held_ns;
	to->handoff_ns += from->handoff_ns;
	to->idle_ns += from->idle_ns;
	to->unknown_ns += from->unknown_ns;
	to->wait_ns += from->wait_ns;
	to->holds += from->holds;
	to->contended_holds += from->contended_holds;
	to->short_holds += from->short_holds;
	to->forced_releases += from->forced_releases;
	to->voluntary_releases += from->voluntary_releases;
	to->forced_known &= from->forced_known;
	to->hold_clipped.count += from->hold_clipped.count;
	to->hold_clipped.ns += from->hold_clipped.ns;
	to->wait_clipped.count += from->wait_clipped.count;
	to->wait_clipped.ns += from->wait_clipped.ns;
	to->hits += from->hits;
	to->foreign_hits += from->foreign_hits;
	to->sites += from->sites;
	to->single_stepped += from->single_stepped;
}

void view_init(struct view *out, const struct result *result, const struct report_options *options,
	       bool ascii)
{
	*out = (struct view){
		.result = result,
		.options = options,
		.kernel = clean_text(result->capture.kernel, ascii),
		.arch = clean_text(result->capture.arch, ascii),
		.note = clean_text(result->capture.note, ascii),
		.processes = xcalloc(result->process_count, sizeof(*out->processes)),
		.several = result->several || result->process_count > 1,
		.sums.forced_known = true,
	};
	for (size_t i = 0; i < result->process_count; i++) {
		struct view_process *p = &out->processes[i];

		view_process(p, out, i, ascii);
		add_sums(&out->sums, &p->sums);
		hist_merge(&out->hold, &p->process->model->hold);
		hist_merge(&out->wait, &p->process->model->wait);
		if (!out->dearest || p->paid_cpus > out->dearest->paid_cpus)
			out->dearest = p;
	}
	for (size_t i = 0; i < LOSS_KINDS; i++)
		out->losses += result->losses[i];
}

static void free_entries(struct view_thread *threads, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		free(threads[i].name);
		free(threads[i].comm);
		free(threads[i].group);
	}
	free(threads);
}

static void free_process(struct view_process *p)
{
	free_entries(p->threads, p->thread_count);
	free_entries(p->exited, p->exited_count);
	groups_free(p);
	free_entries(p->groups, p->group_count);
	for (size_t i = 0; i < p->process->plan->note_count; i++)
		free(p->notes[i]);
	free(p->notes);
	free(p->version);
	free(p->exe);
	free(p->cmdline);
	free(p->python_file);
	free(p->libc_file);
}

void view_free(struct view *view)
{
	for (size_t i = 0; i < view->result->process_count; i++)
		free_process(&view->processes[i]);
	free(view->processes);
	free(view->kernel);
	free(view->arch);
	free(view->note);
	hist_free(&view->hold);
	hist_free(&view->wait);
	*view = (struct view){0};
}

uint64_t view_since_start(const struct view *view, uint64_t at_ns)
{
	uint64_t start = view->result->capture.start_ns;

	return at_ns > start ? at_ns - start : 0;
}
