/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 gilscope contributors */
/* The result of one process, made by hand for the tests of the reports. */
#ifndef GILSCOPE_REPORT_SAMPLE_H
#define GILSCOPE_REPORT_SAMPLE_H

#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/mem.h"
#include "report/result.h"

#define START_NS 1000000000000ULL

/* All that a result refers to. */
struct sample {
	struct target target;
	struct probe_plan plan;
	struct model_gil gils[2];
	struct {
		struct model_thread *items;
		size_t count, cap;
	} threads, exited;
	struct {
		struct model_blame *items;
		size_t count, cap;
	} blame;
	struct {
		struct model_bin *items;
		size_t count, cap;
	} series;
	struct model_result model;
	struct result_process process;
	struct result result; /* of this process alone */
	uint64_t random;
};

static uint64_t next_random(struct sample *s)
{
	s->random = s->random * 6364136223846793005ULL + 1442695040888963407ULL;
	return s->random >> 33;
}

/* `count` times from `low` to low + (range << spread), the short ones more often. */
static void add_times(struct sample *s, struct model_times *times, struct hist *all, size_t count,
		      uint64_t low, uint64_t range, unsigned spread)
{
	for (size_t i = 0; i < count; i++) {
		uint64_t most = next_random(s) % (spread + 1);
		uint64_t shift = next_random(s) % (most + 1);
		uint64_t ns = low + next_random(s) % (range << shift);

		hist_add(&times->hist, ns);
		hist_add(all, ns);
		times->total_ns += ns;
	}
}

static void add_holds(struct sample *s, struct model_thread *t, size_t count, uint64_t low,
		      unsigned spread)
{
	add_times(s, &t->hold, &s->model.hold, count, low, low, spread);
}

static void add_waits(struct sample *s, struct model_thread *t, size_t count, uint64_t low,
		      unsigned spread)
{
	add_times(s, &t->wait, &s->model.wait, count, low, low, spread);
}

static void clip(struct model_times *times, uint64_t ns)
{
	times->clipped++;
	times->clipped_ns += ns;
	times->total_ns += ns;
}

static struct model_thread *add_thread(struct sample *s, uint32_t tid, uint32_t gil,
				       const char *comm)
{
	struct model_thread *t = VEC_PUSH(&s->threads);

	t->tid = tid;
	t->gil = gil;
	snprintf(t->comm, sizeof(t->comm), "%s", comm);
	t->from_ns = s->model.start_ns;
	t->observed_ns = s->model.end_ns - s->model.start_ns;
	return t;
}

static void add_gil(struct sample *s, uint64_t handoff_ns, uint64_t unknown_ns, uint32_t waiters)
{
	uint32_t id = (uint32_t)s->model.gil_count++;

	s->gils[id] = (struct model_gil){
		.id = id,
		.interp_count = 1,
		.interp_ids = {id},
		.switch_interval_ns = 5 * NSEC_PER_MSEC,
		.from_ns = s->model.start_ns,
		.observed_ns = s->model.end_ns - s->model.start_ns,
		.handoff_ns = handoff_ns,
		.unknown_ns = unknown_ns,
		.waiters_max = waiters,
	};
}

static void add_site(struct sample *s, enum probe_role role, uint64_t offset, const char *function,
		     bool emulated, uint64_t hits, uint64_t foreign)
{
	size_t i = s->plan.site_count++;
	struct probe_site *site = &s->plan.sites[i];

	site->role = role;
	site->offset = offset;
	site->emulated = emulated;
	snprintf(site->insn, sizeof(site->insn), "%s", emulated ? "call 0x41c7a0" : "sub rsp, 8");
	snprintf(site->function, sizeof(site->function), "%s", function);
	s->process.site_hits[i] = hits;
	s->process.foreign_hits[i] = foreign;
	s->result.overhead.probe_hits += hits + foreign;
}

static void sample_init(struct sample *s, uint64_t duration_ns)
{
	*s = (struct sample){.random = 7};
	s->target.pid = 4242;
	s->target.ppid = 4200;
	s->target.libc_kind = "glibc";
	s->target.libc.path = (char *)"/usr/lib/x86_64-linux-gnu/libc.so.6";
	s->process.target = &s->target;
	s->process.plan = &s->plan;
	s->process.model = &s->model;
	s->result.processes = &s->process;
	s->result.process_count = 1;
	s->result.capture = (struct result_capture){
		.start_ns = START_NS,
		.start_unix_ns = 1767225600000000000ULL,
		.duration_ns = duration_ns,
		.end = END_DURATION,
		.kernel = "6.1.0-18-amd64",
		.arch = "x86_64",
		.mode = "exact",
		.coverage = 1.0,
	};
	s->result.overhead.tool_cpu_ns = 41 * NSEC_PER_MSEC;
	s->result.overhead.tool_max_rss_bytes = 14812 * 1024;
	s->model.start_ns = START_NS;
	s->model.end_ns = START_NS + duration_ns;
	s->model.end = END_DURATION;
}

static void sum_thread(struct sample *s, struct model_thread *t)
{
	struct model_gil *gil = &s->gils[t->gil];
	uint64_t busy = t->hold.total_ns + t->wait.total_ns;

	t->off_gil_ns = t->observed_ns > busy ? t->observed_ns - busy : 0;
	/* A sample that says nothing of blame. */
	if (!t->handoff_ns)
		t->others_ns = t->wait.total_ns;
	t->voluntary_releases = t->hold.hist.count - t->forced_releases;
	gil->holds += t->hold.hist.count + t->hold.clipped;
	gil->held_ns += t->hold.total_ns;
	gil->wait_ns += t->wait.total_ns;
	gil->forced_releases += t->forced_releases;
	gil->voluntary_releases += t->voluntary_releases;
	gil->contended_holds += t->wait.hist.count;
}

/* A thread that used several GILs has an entry for each. */
static size_t count_threads(const struct sample *s)
{
	size_t count = 0;

	for (size_t i = 0; i < s->threads.count; i++) {
		size_t first = 0;

		while (s->threads.items[first].tid != s->threads.items[i].tid)
			first++;
		count += first == i;
	}
	for (size_t i = 0; i < s->exited.count; i++)
		count += s->exited.items[i].together;
	return count;
}

static void sample_done(struct sample *s, uint64_t ns_per_hit)
{
	struct result_overhead *overhead = &s->result.overhead;

	for (size_t i = 0; i < s->threads.count; i++)
		sum_thread(s, &s->threads.items[i]);
	for (size_t i = 0; i < s->exited.count; i++)
		sum_thread(s, &s->exited.items[i]);
	for (size_t i = 0; i < s->model.gil_count; i++) {
		struct model_gil *gil = &s->gils[i];

		gil->idle_ns = gil->observed_ns - gil->held_ns - gil->handoff_ns - gil->unknown_ns;
		gil->waiters_mean = (double)gil->wait_ns / (double)gil->observed_ns;
	}
	for (size_t i = 0; i < LOSS_KINDS; i++)
		s->result.losses[i] = s->model.losses[i];
	overhead->ns_per_hit = ns_per_hit;
	s->process.probe_cost_ns = overhead->probe_hits * ns_per_hit;
	overhead->target_cpu_fraction =
		(double)(overhead->probe_hits * ns_per_hit) / (double)s->result.capture.duration_ns;
	s->model.gils = s->gils;
	s->model.threads = s->threads.items;
	s->model.thread_count = s->threads.count;
	s->model.exited = s->exited.items;
	s->model.exited_count = s->exited.count;
	s->model.threads_on_gil = count_threads(s);
	s->model.series = s->series.items;
	s->model.series_count = s->series.count;
}

static void sample_free(struct sample *s)
{
	free(s->blame.items);
	for (size_t i = 0; i < s->threads.count; i++) {
		hist_free(&s->threads.items[i].hold.hist);
		hist_free(&s->threads.items[i].wait.hist);
	}
	for (size_t i = 0; i < s->exited.count; i++) {
		hist_free(&s->exited.items[i].hold.hist);
		hist_free(&s->exited.items[i].wait.hist);
	}
	free(s->exited.items);
	hist_free(&s->model.hold);
	hist_free(&s->model.wait);
	free(s->threads.items);
	free(s->series.items);
}

#endif
