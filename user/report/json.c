/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 gilscope contributors */
/*
 * The JSON report, schema 1 (tools/report-1.schema.json). The frame is written by hand and each
 * part, a thread for example, is built by jansson, written and freed: memory does not grow with
 * the number of threads, and each part stands on a line of its own.
 */
#include <errno.h>
#include <jansson.h>
#include <stdlib.h>

#include "base/mem.h"
#include "probe/names.h"
#include "report/blame.h"
#include "report/clean.h"
#include "report/view.h"

/* A number that jansson writes with as many digits as it is worth. */
#define REAL_DIGITS 9

struct json_out {
	FILE *out;
	size_t flags;
	int err; /* the first error that is not one of `out` */
};

typedef json_t *(*json_item)(const struct view_process *process, size_t index);

/* jansson refuses what is no UTF-8, and the target may name things as it likes. */
static json_t *json_clean(const char *text)
{
	char *clean = clean_text(text, false);
	json_t *string = json_string(clean);

	free(clean);
	return string;
}

/* Writes and frees a part. */
static void put(struct json_out *to, json_t *part)
{
	if (!part && !to->err)
		to->err = -ENOMEM;
	if (part && json_dumpf(part, to->out, to->flags) != 0 && !ferror(to->out) && !to->err)
		to->err = -EINVAL;
	json_decref(part);
}

static void put_member(struct json_out *to, const char *indent, const char *name, json_t *part)
{
	fprintf(to->out, ",\n%s\"%s\": ", indent, name);
	put(to, part);
}

static void put_array(struct json_out *to, const struct view_process *process, const char *name,
		      json_item item, size_t count)
{
	fprintf(to->out, ",\n    \"%s\": [", name);
	for (size_t i = 0; i < count; i++) {
		fprintf(to->out, "%s\n      ", i ? "," : "");
		put(to, item(process, i));
	}
	fputs(count ? "\n    ]" : "]", to->out);
}

static const char *end_name(enum ev_end end)
{
	switch (end) {
	case END_SIGNAL:
		return "signal";
	case END_TARGET_EXIT:
		return "target_exit";
	case END_EXEC:
		return "exec";
	default:
		return "duration";
	}
}

static json_t *capture(const struct view *view)
{
	const struct result_capture *c = &view->result->capture;

	return json_pack("{s:I, s:I, s:s, s:s, s:s, s:s, s:f, s:s*}", "start_unix_ns",
			 (json_int_t)c->start_unix_ns, "duration_ns", (json_int_t)c->duration_ns,
			 "end", end_name(c->end), "kernel", view->kernel, "arch", view->arch,
			 "mode", c->mode, "coverage", c->coverage, "note",
			 view->note[0] ? view->note : NULL);
}

/* Every name, or only those that are not zero. */
static json_t *losses(const uint64_t counts[LOSS_KINDS], bool every)
{
	static const char *const names[LOSS_KINDS] = {
#define LOSS(name, text) #name,
#include "bpf/loss.def"
#undef LOSS
	};
	json_t *object = json_object();

	for (size_t i = 0; i < LOSS_KINDS; i++)
		if (every || counts[i])
			json_object_set_new(object, names[i], json_integer((json_int_t)counts[i]));
	return object;
}

/* null, not 0, if the cost of a hit is not known. */
static json_t *overhead(const struct view *view)
{
	const struct result_overhead *o = &view->result->overhead;
	bool known = o->ns_per_hit > 0;

	return json_pack("{s:I, s:I, s:o, s:o, s:I, s:I}", "probe_hits", (json_int_t)o->probe_hits,
			 "foreign_hits", (json_int_t)view->sums.foreign_hits, "ns_per_hit",
			 known ? json_integer((json_int_t)o->ns_per_hit) : json_null(),
			 "target_cpu_fraction",
			 known ? json_real(o->target_cpu_fraction) : json_null(), "tool_cpu_ns",
			 (json_int_t)o->tool_cpu_ns, "tool_max_rss_bytes",
			 (json_int_t)o->tool_max_rss_bytes);
}

static json_t *probe_cost(const struct view_process *process)
{
	if (!process->view->result->overhead.ns_per_hit)
		return json_null();
	return json_pack("{s:I, s:f}", "ns", (json_int_t)process->process->probe_cost_ns,
			 "cpu_fraction", process->paid_cpus);
}

static json_t *python(const struct view_process *process)
{
	const struct target *t = process->process->target;

	return json_pack("{s:s, s:s, s:s, s:s, s:s, s:b, s:s}", "version", process->version,
			 "build", t->free_threaded ? "free-threaded" : "gil", "linkage",
			 t->is_static ? "static" : "shared", "file", process->python_file,
			 "build_id", t->python.image ? elf_image_build_id(t->python.image) : "",
			 "stripped", t->stripped, "libc", t->libc_kind ? t->libc_kind : "none");
}

static json_t *resolution(const struct view_process *process)
{
	const struct probe_plan *plan = process->process->plan;
	json_t *notes = json_array();

	for (size_t i = 0; i < plan->note_count; i++)
		json_array_append_new(notes, json_string(process->notes[i]));
	return json_pack("{s:s, s:s, s:o}", "method", plan_method_name(plan->method), "symbols",
			 plan_symbols_name(plan), "notes", notes);
}

static json_t *probe(const struct view_process *process, size_t index)
{
	const struct probe_site *site = &process->process->plan->sites[index];
	uint64_t foreign = process->process->foreign_hits[index];
	bool libc = site->role == ROLE_LIBC_WAIT || site->role == ROLE_LIBC_SIGNAL;

	return json_pack("{s:s, s:s, s:I, s:o, s:o, s:b, s:I, s:I}", "role",
			 probe_role_name(site->role), "file",
			 libc ? process->libc_file : process->python_file, "offset",
			 (json_int_t)site->offset, "instruction", json_clean(site->insn),
			 "function", json_clean(site->function), "emulated", site->emulated, "hits",
			 (json_int_t)(process->process->site_hits[index] + foreign), "foreign_hits",
			 (json_int_t)foreign);
}

/* null if forced and voluntary releases cannot be told apart. */
static json_t *releases(const struct view_sums *sums, uint64_t n)
{
	return sums->forced_known ? json_integer((json_int_t)n) : json_null();
}

static json_t *gil(const struct view_process *process, size_t index)
{
	const struct model_gil *g = &process->process->model->gils[index];
	json_t *ids = json_array();

	for (size_t i = 0; i < g->interp_count && i < ARRAY_SIZE(g->interp_ids); i++)
		json_array_append_new(ids, json_integer(g->interp_ids[i]));
	return json_pack(
		"{s:I, s:o, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:o, s:o, "
		"s:I, s:I, s:{s:f, s:I}}",
		"id", (json_int_t)g->id, "interpreters", ids, "interpreter_count",
		(json_int_t)g->interp_count, "from_ns",
		(json_int_t)view_since_start(process->view, g->from_ns), "observed_ns",
		(json_int_t)g->observed_ns, "held_ns", (json_int_t)g->held_ns, "handoff_ns",
		(json_int_t)g->handoff_ns, "idle_ns", (json_int_t)g->idle_ns, "unknown_ns",
		(json_int_t)g->unknown_ns, "holds", (json_int_t)g->holds, "contended_holds",
		(json_int_t)g->contended_holds, "aggregated_holds", (json_int_t)g->short_holds,
		"lost_holds", (json_int_t)g->lost_holds, "forced_releases",
		releases(&process->sums, g->forced_releases), "voluntary_releases",
		releases(&process->sums, g->voluntary_releases), "switch_interval_ns",
		(json_int_t)g->switch_interval_ns, "wait_ns", (json_int_t)g->wait_ns, "waiters",
		"mean", g->waiters_mean, "max", (json_int_t)g->waiters_max);
}

static json_t *buckets(const struct hist *hist)
{
	json_t *array = json_array();
	struct hist_bucket bucket;

	for (size_t cursor = 0; hist_next(hist, &cursor, &bucket);)
		json_array_append_new(array,
				      json_pack("[I, I, I]", (json_int_t)bucket.lo,
						(json_int_t)bucket.hi, (json_int_t)bucket.n));
	return array;
}

static json_t *times(const struct model_times *t)
{
	const struct hist *h = &t->hist;

	return json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:{s:I, s:I}, s:o}",
			 "count", (json_int_t)h->count, "total_ns", (json_int_t)t->total_ns,
			 "min_ns", (json_int_t)h->min, "max_ns", (json_int_t)h->max, "mean_ns",
			 (json_int_t)hist_mean(h), "p50_ns", (json_int_t)hist_percentile(h, 0.50),
			 "p90_ns", (json_int_t)hist_percentile(h, 0.90), "p99_ns",
			 (json_int_t)hist_percentile(h, 0.99), "p999_ns",
			 (json_int_t)hist_percentile(h, 0.999), "clipped", "count",
			 (json_int_t)t->clipped, "ns", (json_int_t)t->clipped_ns, "buckets",
			 buckets(h));
}

static json_t *thread(const struct view_process *process, size_t index)
{
	const struct view_thread *row = &process->threads[index];
	const struct model_thread *t = row->thread;

	return json_pack("{s:I, s:s, s:s, s:s, s:I, s:I, s:b, s:o, s:o, s:I, s:o, s:o}", "tid",
			 (json_int_t)t->tid, "name", row->name, "comm", row->comm, "group",
			 row->group, "gil", (json_int_t)t->gil, "observed_ns",
			 (json_int_t)t->observed_ns, "exited", t->exited, "hold", times(&t->hold),
			 "wait", times(&t->wait), "off_gil_ns", (json_int_t)t->off_gil_ns,
			 "forced_releases", releases(&process->sums, t->forced_releases),
			 "voluntary_releases", releases(&process->sums, t->voluntary_releases));
}

/* What is told of several threads together. */
static json_t *together(const struct view_process *process, const struct model_thread *t)
{
	return json_pack("{s:I, s:I, s:I, s:o, s:o, s:I, s:o, s:o}", "gil", (json_int_t)t->gil,
			 "threads", (json_int_t)t->together, "observed_ns",
			 (json_int_t)t->observed_ns, "hold", times(&t->hold), "wait",
			 times(&t->wait), "off_gil_ns", (json_int_t)t->off_gil_ns,
			 "forced_releases", releases(&process->sums, t->forced_releases),
			 "voluntary_releases", releases(&process->sums, t->voluntary_releases));
}

static json_t *exited(const struct view_process *process, size_t index)
{
	return together(process, process->exited[index].thread);
}

static json_t *group(const struct view_process *process, size_t index)
{
	const struct view_thread *row = &process->groups[index];
	json_t *object = together(process, row->thread);

	json_object_set_new(object, "group", json_string(row->group));
	return object;
}

static json_t *blame_name(const struct blame_row *row)
{
	switch (row->kind) {
	case BLAME_THREAD:
		return json_integer(row->holder->thread->tid);
	case BLAME_EXITED:
		return json_string("exited");
	case BLAME_OTHERS:
		return json_string("others");
	case BLAME_HANDOFF:
		return json_string("handoff");
	default:
		return json_string("unknown");
	}
}

static json_t *blame(const struct blame_row *row)
{
	json_t *waiter =
		row->waiter ? json_integer(row->waiter->thread->tid) : json_string("exited");
	json_t *object = json_pack("{s:I, s:o, s:o, s:I}", "gil", (json_int_t)row->gil, "waiter",
				   waiter, "holder", blame_name(row), "ns", (json_int_t)row->ns);

	if (row->waits)
		json_object_set_new(object, "waits", json_integer((json_int_t)row->waits));
	return object;
}

static void put_blame(struct json_out *to, const struct view_process *p)
{
	struct blame_rows rows = blame_rows(p);

	fputs(",\n    \"blame\": [", to->out);
	for (size_t i = 0; i < rows.count; i++) {
		fprintf(to->out, "%s\n      ", i ? "," : "");
		put(to, blame(&rows.items[i]));
	}
	fputs(rows.count ? "\n    ]" : "]", to->out);
	blame_rows_free(&rows);
}

static json_t *bin(const struct view_process *process, size_t index)
{
	const struct model_bin *b = &process->process->model->series[index];
	double waiters = b->span_ns ? (double)b->wait_ns / (double)b->span_ns : 0;

	return json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:f, s:I, s:I, s:o}", "at_ns",
			 (json_int_t)b->at_ns, "span_ns", (json_int_t)b->span_ns, "held_ns",
			 (json_int_t)b->held_ns, "handoff_ns", (json_int_t)b->handoff_ns, "idle_ns",
			 (json_int_t)b->idle_ns, "unknown_ns", (json_int_t)b->unknown_ns,
			 "waiters_mean", waiters, "holds", (json_int_t)b->holds, "contended_holds",
			 (json_int_t)b->contended_holds, "forced_releases",
			 releases(&process->sums, b->forced_releases));
}

static void put_process(struct json_out *to, const struct view_process *p)
{
	const struct model_result *model = p->process->model;
	const char *indent = "    ";

	fprintf(to->out, "{\n    \"pid\": %d", (int)p->process->target->pid);
	put_member(to, indent, "ppid", json_integer(p->process->target->ppid));
	put_member(to, indent, "exe", json_string(p->exe));
	put_member(to, indent, "cmdline", json_string(p->cmdline));
	put_member(to, indent, "from_ns",
		   json_integer((json_int_t)view_since_start(p->view, model->start_ns)));
	put_member(to, indent, "observed_ns", json_integer((json_int_t)p->sums.observed_ns));
	put_member(to, indent, "unobserved_ns", json_integer((json_int_t)p->sums.unobserved_ns));
	put_member(to, indent, "end", json_string(end_name(model->end)));
	put_member(to, indent, "probe_cost", probe_cost(p));
	if (p->losses)
		put_member(to, indent, "losses", losses(model->losses, false));
	put_member(to, indent, "python", python(p));
	put_member(to, indent, "resolution", resolution(p));
	put_array(to, p, "probes", probe, p->process->plan->site_count);
	put_array(to, p, "gils", gil, model->gil_count);
	put_array(to, p, "threads", thread, p->thread_count);
	if (p->view->options->group)
		put_array(to, p, "groups", group, p->group_count);
	put_array(to, p, "exited_threads", exited, p->exited_count);
	put_member(to, indent, "threads_off_gil", json_integer((json_int_t)model->threads_off_gil));
	put_blame(to, p);
	if (model->series_count)
		put_array(to, p, "series", bin, model->series_count);
	fputs("\n  }", to->out);
}

static void put_processes(struct json_out *to, const struct view *view)
{
	fputs(",\n  \"processes\": [", to->out);
	for (size_t i = 0; i < view->result->process_count; i++) {
		fputs(i ? ", " : "", to->out);
		put_process(to, &view->processes[i]);
	}
	fputs("]", to->out);
}

static json_t *totals(const struct view *view)
{
	const struct view_sums *s = &view->sums;

	return json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:o, s:o, s:I}",
			 "processes", (json_int_t)view->result->process_count, "observed_ns",
			 (json_int_t)s->observed_ns, "unobserved_ns", (json_int_t)s->unobserved_ns,
			 "missed_ns", (json_int_t)view->result->capture.missed_ns, "held_ns",
			 (json_int_t)s->held_ns, "handoff_ns", (json_int_t)s->handoff_ns, "idle_ns",
			 (json_int_t)s->idle_ns, "unknown_ns", (json_int_t)s->unknown_ns, "wait_ns",
			 (json_int_t)s->wait_ns, "holds", (json_int_t)s->holds, "contended_holds",
			 (json_int_t)s->contended_holds, "forced_releases",
			 releases(s, s->forced_releases), "voluntary_releases",
			 releases(s, s->voluntary_releases), "probe_hits", (json_int_t)s->hits);
}

int report_json(FILE *out, const struct view *view)
{
	struct json_out to = {
		.out = out,
		.flags = JSON_ENCODE_ANY | JSON_REAL_PRECISION(REAL_DIGITS) |
			 (view->options->ascii ? JSON_ENSURE_ASCII : 0),
	};

	fputs("{\n  \"schema\": \"gilscope.report/1\"", out);
	put_member(&to, "  ", "tool", json_pack("{s:s}", "version", GILSCOPE_VERSION));
	put_member(&to, "  ", "capture", capture(view));
	put_member(&to, "  ", "losses", losses(view->result->losses, true));
	put_member(&to, "  ", "overhead", overhead(view));
	put_processes(&to, view);
	if (view->several)
		put_member(&to, "  ", "totals", totals(view));
	fputs("\n}\n", out);
	return to.err;
}
