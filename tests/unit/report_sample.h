/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 gilscope contributors */
/* Results made by hand for the tests of the reports. */
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

	t->pid = s->target.pid;
	t->tid = tid;
	t->gil = gil;
	snprintf(t->comm, sizeof(t->comm), "%s", comm);
	t->from_ns = START_NS;
	t->observed_ns = s->result.capture.duration_ns;
	return t;
}

static void add_gil(struct sample *s, uint64_t handoff_ns, uint64_t unknown_ns, uint32_t waiters)
{
	uint32_t id = (uint32_t)s->model.gil_count++;

	s->gils[id] = (struct model_gil){
		.pid = s->target.pid,
		.id = id,
		.interp_count = 1,
		.interp_ids = {id},
		.switch_interval_ns = 5 * NSEC_PER_MSEC,
		.from_ns = START_NS,
		.observed_ns = s->result.capture.duration_ns,
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
	s->target.libc.path = (char *)"/usr/lib/x86_64-linux-gnu/libc.so.6";
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
	t->voluntary_releases = t->hold.hist.count - t->forced_releases;
	gil->holds += t->hold.hist.count + t->hold.clipped;
	gil->held_ns += t->hold.total_ns;
	gil->wait_ns += t->wait.total_ns;
	gil->forced_releases += t->forced_releases;
	gil->voluntary_releases += t->voluntary_releases;
	gil->contended_holds += t->wait.hist.count;
}

static void sample_done(struct sample *s, uint64_t ns_per_hit)
{
	struct result_overhead *overhead = &s->result.overhead;

	for (size_t i = 0; i < s->threads.count; i++)
		sum_thread(s, &s->threads.items[i]);
	for (size_t i = 0; i < s->model.gil_count; i++) {
		struct model_gil *gil = &s->gils[i];

		gil->idle_ns = gil->observed_ns - gil->held_ns - gil->handoff_ns - gil->unknown_ns;
		gil->waiters_mean = (double)gil->wait_ns / (double)gil->observed_ns;
	}
	overhead->ns_per_hit = ns_per_hit;
	overhead->target_cpu_fraction =
		(double)(overhead->probe_hits * ns_per_hit) / (double)s->result.capture.duration_ns;
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

/* A web service with one thread that computes; nothing was lost. */
static void make_service(struct sample *s)
{
	sample_init(s, 5 * NSEC_PER_SEC);
	s->target.exe = (char *)"/usr/bin/python3.11";
	s->target.cmdline = (char *)"python3 -m gunicorn --threads 24 shop.wsgi:app";
	s->target.python.path = s->target.exe;
	s->target.is_static = s->target.stripped = true;
	s->target.version = (struct py_version){3, 11, 2, "3.11.2"};
	s->plan.method = PLAN_CALL_SITES;
	s->plan.forced_known = true;
	add_site(s, ROLE_WAIT, 0x1d2f31, "", true, 12234, 0);
	add_site(s, ROLE_ACQUIRE, 0x1d2fc4, "", true, 29102, 0);
	add_site(s, ROLE_ACQUIRE, 0x1d300b, "", true, 4211, 0);
	add_site(s, ROLE_RELEASE, 0x1d31aa, "PyEval_SaveThread", true, 1203, 0);
	add_site(s, ROLE_RELEASE, 0x2208d3, "", true, 32110, 12);
	add_gil(s, 311234567, 0, 9);

	struct model_thread *t = add_thread(s, 4242, 0, "gunicorn");
	add_holds(s, t, 25, 40000, 3);
	add_waits(s, t, 9, 3000000, 0);
	t = add_thread(s, 4250, 0, "pricing");
	add_times(s, &t->hold, &s->model.hold, 790, 5010000, 200000, 2);
	add_waits(s, t, 780, 21000, 6);
	clip(&t->hold, 4100000);
	t->forced_releases = 780;
	for (uint32_t i = 0; i < 22; i++) {
		char comm[EV_COMM_LEN + 1];

		snprintf(comm, sizeof(comm), "ThreadPool_%u", i);
		t = add_thread(s, 4251 + i, 0, comm);
		add_holds(s, t, 2600 - 90 * i, 700, 7);
		add_waits(s, t, 400 - 9 * i, 3000, 9);
		add_waits(s, t, 180 - 6 * i, 4100000, 3);
	}
	clip(&s->threads.items[4].wait, 290000000);
	s->threads.items[9].exited = true;
	s->threads.items[9].observed_ns = 3 * NSEC_PER_SEC;
	s->model.threads_off_gil = 3;
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
	sample_done(s, 118);
}

/* Two GILs, names that want to break the report, losses, and the expensive fallback. */
static void make_trouble(struct sample *s)
{
	static char *notes[] = {
		(char *)"no call of pthread_cond_timedwait in the interpreter's code",
		(char *)"forced and voluntary releases cannot be told apart",
		(char *)"the file \x1b[31m/opt/lib is odd",
		(char *)"this is a fourth note",
		(char *)"libc's own functions are probed",
	};

	sample_init(s, 2 * NSEC_PER_SEC);
	s->target.exe = (char *)"/opt/\xff\x1b[2J/python3.12";
	s->target.cmdline =
		(char *)"/opt/python3.12 -c \xe2\x80\xaeprint('\x1b]0;owned\x07') "
			"\xe6\x97\xa5\xe6\x9c\xac\xe8\xaa\x9e --with --many --more --arguments=1";
	s->target.python.path = (char *)"/opt/lib/libpython3.12.so.1.0";
	s->target.version = (struct py_version){3, 12, 1, "3.12.1"};
	s->plan.method = PLAN_LIBC_ENTRY;
	s->plan.notes = notes;
	s->plan.note_count = ARRAY_SIZE(notes);
	s->result.capture.end = END_SIGNAL;
	s->result.capture.note =
		(char *)"Threads that waited when the capture began were seen at their next "
			"switch interval.";
	add_site(s, ROLE_LIBC_WAIT, 0x9bd20, "pthread_cond_timedwait", true, 1200, 34);
	add_site(s, ROLE_LIBC_SIGNAL, 0x9a1c0, "pthread_cond_signal", false, 31000, 51000);
	add_gil(s, 120000000, 33000000, 2);
	s->gils[0].lost_holds = 3;
	add_gil(s, 0, 0, 0);
	s->gils[1].interp_count = 6;
	for (int i = 0; i < 4; i++)
		s->gils[1].interp_ids[i] = i + 3;

	struct model_thread *t = add_thread(s, 5001, 0, "a,\"b\"\n\x1b[31mred");
	add_holds(s, t, 3000, 2000, 5);
	add_waits(s, t, 900, 80000, 7);
	t = add_thread(s, 5002, 0, "\xe6\x97\xa5\xe6\x9c\xac\xe8\xaa\x9e\xe3\x82\xb9\xe3\x83");
	add_holds(s, t, 300, 1900000, 0);
	add_waits(s, t, 290, 700000, 2);
	t = add_thread(s, 5003, 1, "solo"); /* computes alone: one hold, open all the time */
	clip(&t->hold, 2 * NSEC_PER_SEC);
	t = add_thread(s, 5001, 1, "");
	s->model.losses[LOSS_ring_full] = 3;
	s->model.losses[LOSS_thread_event] = 1234567;
	*VEC_PUSH(&s->series) = (struct model_bin){.span_ns = NSEC_PER_SEC / 4,
						   .held_ns = 100000000,
						   .idle_ns = 140000000,
						   .unknown_ns = 10000000};
	sample_done(s, 1900);
}

#endif
