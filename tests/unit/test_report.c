/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 gilscope contributors */
/*
 * The reports of results made by hand, compared with the files in tests/golden. UPDATE_GOLDEN=1 in
 * the environment writes these files anew: read the difference before you keep it. Run from the root
 * of the sources.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <jansson.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "report/clean.h"
#include "report/format.h"
#include "report/layout.h"
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
	} threads;
	struct {
		struct model_bin *items;
		size_t count, cap;
	} series;
	struct model_result model;
	struct result result;
	uint64_t random;
};

static uint64_t next_random(struct sample *s)
{
	s->random = s->random * 6364136223846793005ULL + 1442695040888963407ULL;
	return s->random >> 33;
}

/* `count` times between `low` and 2^spread times that, the shorter the more. */
static void add_times(struct sample *s, struct model_times *times, struct hist *all, size_t count,
		      uint64_t low, unsigned spread)
{
	for (size_t i = 0; i < count; i++) {
		uint64_t shift = next_random(s) % (spread + 1);
		uint64_t ns = low + next_random(s) % ((low << (next_random(s) % (shift + 1))));

		hist_add(&times->hist, ns);
		hist_add(all, ns);
		times->total_ns += ns;
	}
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

	t->pid = s->target.pid;
	t->tid = tid;
	t->gil = gil;
	snprintf(t->comm, sizeof(t->comm), "%s", comm);
	t->from_ns = START_NS;
	t->observed_ns = s->result.capture.duration_ns;
	return t;
}

static void finish_threads(struct sample *s)
{
	for (size_t i = 0; i < s->threads.count; i++) {
		struct model_thread *t = &s->threads.items[i];
		uint64_t busy = t->hold.total_ns + t->wait.total_ns;

		t->off_gil_ns = t->observed_ns > busy ? t->observed_ns - busy : 0;
		s->gils[t->gil].holds += t->hold.hist.count + t->hold.clipped;
		s->gils[t->gil].wait_ns += t->wait.total_ns;
		s->gils[t->gil].forced_releases += t->forced_releases;
		s->gils[t->gil].voluntary_releases += t->voluntary_releases;
	}
	for (size_t i = 0; i < ARRAY_SIZE(s->gils); i++)
		if (s->gils[i].observed_ns)
			s->gils[i].waiters_mean =
				(double)s->gils[i].wait_ns / (double)s->gils[i].observed_ns;
}

static void add_site(struct sample *s, enum probe_role role, uint64_t offset, const char *insn,
		     const char *function, bool emulated, uint64_t hits, uint64_t foreign)
{
	size_t i = s->plan.site_count++;
	struct probe_site *site = &s->plan.sites[i];

	site->role = role;
	site->offset = offset;
	site->emulated = emulated;
	snprintf(site->insn, sizeof(site->insn), "%s", insn);
	snprintf(site->function, sizeof(site->function), "%s", function);
	s->result.site_hits[i] = hits;
	s->result.foreign_hits[i] = foreign;
	s->result.overhead.probe_hits += hits + foreign;
}

static void sample_init(struct sample *s, uint64_t duration_ns)
{
	*s = (struct sample){.random = 7};
	s->target.pid = 4242;
	s->target.ppid = 4200;
	s->target.libc_kind = "glibc";
	s->result.target = &s->target;
	s->result.plan = &s->plan;
	s->result.model = &s->model;
	s->result.capture = (struct result_capture){
		.start_unix_ns = 1767225600000000000ULL,
		.duration_ns = duration_ns,
		.end = END_DURATION,
		.kernel = "6.1.0-18-amd64",
		.arch = "x86_64",
		.mode = "exact",
		.coverage = 1.0,
	};
	s->model.start_ns = START_NS;
	s->model.end_ns = START_NS + duration_ns;
	s->model.end = END_DURATION;
}

static void sample_done(struct sample *s)
{
	finish_threads(s);
	s->model.gils = s->gils;
	s->model.threads = s->threads.items;
	s->model.thread_count = s->threads.count;
	s->model.series = s->series.items;
	s->model.series_count = s->series.count;
}

static void sample_free(struct sample *s)
{
	for (size_t i = 0; i < s->threads.count; i++) {
		hist_free(&s->threads.items[i].hold.hist);
		hist_free(&s->threads.items[i].wait.hist);
	}
	hist_free(&s->model.hold);
	hist_free(&s->model.wait);
	free(s->threads.items);
	free(s->series.items);
}

/* A web service with a thread that computes: everything went well. */
static void make_service(struct sample *s)
{
	const uint64_t duration = 5 * NSEC_PER_SEC;

	sample_init(s, duration);
	s->target.exe = (char *)"/usr/bin/python3.11";
	s->target.cmdline = (char *)"/usr/bin/python3 -m gunicorn --threads 24 shop.wsgi:app";
	s->target.python.path = s->target.exe;
	s->target.libc.path = (char *)"/usr/lib/x86_64-linux-gnu/libc.so.6";
	s->target.is_static = s->target.stripped = true;
	s->target.version = (struct py_version){3, 11, 2, "3.11.2"};
	s->plan.method = PLAN_CALL_SITES;
	s->plan.forced_known = true;
	add_site(s, ROLE_WAIT, 0x1d2f31, "call 0x41d0f0", "", true, 51234, 0);
	add_site(s, ROLE_ACQUIRE, 0x1d2fc4, "call 0x41c7a0", "", true, 60102, 0);
	add_site(s, ROLE_ACQUIRE, 0x1d300b, "call 0x41c7a0", "", true, 4211, 0);
	add_site(s, ROLE_RELEASE, 0x1d31aa, "call 0x41c7a0", "", true, 1203, 0);
	add_site(s, ROLE_RELEASE, 0x2208d3, "call 0x41c7a0", "", true, 63109, 12);

	struct model_thread *t = add_thread(s, 4242, 0, "gunicorn");
	add_times(s, &t->hold, &s->model.hold, 25, 40000, 3);
	add_times(s, &t->wait, &s->model.wait, 9, 90000, 5);
	t->voluntary_releases = 25;
	t = add_thread(s, 4250, 0, "pricing");
	add_times(s, &t->hold, &s->model.hold, 560, 4900000, 0);
	add_times(s, &t->wait, &s->model.wait, 560, 21000, 6);
	clip(&t->hold, 4100000);
	t->forced_releases = 555;
	t->voluntary_releases = 5;
	for (uint32_t i = 0; i < 22; i++) {
		char comm[EV_COMM_LEN + 1];

		snprintf(comm, sizeof(comm), "ThreadPool_%u", i);
		t = add_thread(s, 4251 + i, 0, comm);
		add_times(s, &t->hold, &s->model.hold, 2600 - 90 * i, 700, 6);
		add_times(s, &t->wait, &s->model.wait, 900 - 38 * i, 3000, 10);
		t->voluntary_releases = t->hold.hist.count;
	}
	clip(&s->threads.items[4].wait, 90000000);
	s->threads.items[9].exited = true;
	s->threads.items[9].observed_ns = 3 * NSEC_PER_SEC;

	s->gils[0] = (struct model_gil){
		.pid = 4242,
		.interp_count = 1,
		.switch_interval_ns = 5 * NSEC_PER_MSEC,
		.from_ns = START_NS,
		.observed_ns = duration,
		.held_ns = 4431234567,
		.handoff_ns = 311234567,
		.idle_ns = duration - 4431234567 - 311234567,
		.contended_holds = 8642,
		.waiters_max = 7,
	};
	for (uint64_t i = 0; i < 5; i++)
		*VEC_PUSH(&s->series) = (struct model_bin){
			.at_ns = i * NSEC_PER_SEC,
			.span_ns = NSEC_PER_SEC,
			.held_ns = 860000000 + i * 10000000,
			.handoff_ns = 60000000,
			.idle_ns = 80000000 - i * 10000000,
			.wait_ns = 2000000000 + i * 123456789,
			.holds = 9444 + i,
			.contended_holds = 1700,
			.forced_releases = 111,
		};
	s->model.gil_count = 1;
	s->model.threads_off_gil = 3;
	s->result.overhead.ns_per_hit = 118;
	s->result.overhead.target_cpu_fraction =
		(double)s->result.overhead.probe_hits * 118 / (double)duration;
	s->result.overhead.tool_cpu_ns = 41 * NSEC_PER_MSEC;
	s->result.overhead.tool_max_rss_bytes = 14812 * 1024;
	sample_done(s);
}

int main(int argc, char **argv)
{
	struct sample s;
	setlocale(LC_ALL, "C.UTF-8");
	make_service(&s);
	struct report_options o = {.format = argc > 2 ? atoi(argv[2]) : FORMAT_TEXT, .width = atoi(argv[1]), .color = argc > 3 && strchr(argv[3], 'c'), .ascii = argc > 3 && strchr(argv[3], 'a'), .verbose = argc > 3 && strchr(argv[3], 'v')};
	report_write(stdout, &s.result, &o);
	sample_free(&s);
}
