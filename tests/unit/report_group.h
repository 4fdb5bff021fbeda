/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 gilscope contributors */
/* Results of several processes, made by hand for the tests of the reports. */
#ifndef GILSCOPE_REPORT_GROUP_H
#define GILSCOPE_REPORT_GROUP_H

#include "tests/unit/report_sample.h"

struct group {
	struct sample *members;
	struct result_process *processes;
	size_t count;
	struct result result;
};

static void group_init(struct group *g, size_t count, uint64_t duration_ns)
{
	*g = (struct group){
		.members = xcalloc(count, sizeof(*g->members)),
		.processes = xcalloc(count, sizeof(*g->processes)),
		.count = count,
	};
	for (size_t i = 0; i < count; i++) {
		sample_init(&g->members[i], duration_ns);
		g->members[i].random = i + 1;
	}
	g->result = g->members[0].result;
}

/* The member with its identity, observed from `from_ns` after the capture's start on for `ns`. */
static struct sample *member(struct group *g, size_t index, pid_t pid, const char *cmdline,
			     uint64_t from_ns, uint64_t ns)
{
	struct sample *s = &g->members[index];

	s->target.pid = pid;
	s->target.ppid = g->members[0].target.pid;
	s->target.exe = s->target.python.path = (char *)"/usr/bin/python3.11";
	s->target.cmdline = (char *)cmdline;
	s->target.is_static = s->target.stripped = true;
	s->target.version = (struct py_version){3, 11, 2, "3.11.2"};
	s->plan.forced_known = true;
	s->model.start_ns = START_NS + from_ns;
	s->model.end_ns = START_NS + from_ns + ns;
	add_site(s, ROLE_WAIT, 0x1d2f31, "", true, 0, 0);
	add_site(s, ROLE_ACQUIRE, 0x1d2fc4, "", true, 0, 0);
	add_site(s, ROLE_RELEASE, 0x2208d3, "", true, 0, 0);
	return s;
}

static void pay(struct result_overhead *overhead, struct sample *s, uint64_t cost_ns)
{
	s->process.probe_cost_ns = cost_ns;
	overhead->target_cpu_fraction += (double)cost_ns / (double)s->result.capture.duration_ns;
}

static void group_done(struct group *g, uint64_t ns_per_hit)
{
	struct result_overhead *overhead = &g->result.overhead;

	for (size_t i = 0; i < g->count; i++) {
		struct sample *s = &g->members[i];

		for (size_t t = 0; t < s->threads.count; t++) {
			s->process.site_hits[0] += s->threads.items[t].wait.hist.count;
			s->process.site_hits[1] += s->threads.items[t].hold.hist.count;
			s->process.site_hits[2] += s->threads.items[t].hold.hist.count;
		}
		sample_done(s, ns_per_hit);
		uint64_t hits = 0;
		for (size_t site = 0; site < s->plan.site_count; site++)
			hits += s->process.site_hits[site] + s->process.foreign_hits[site];
		overhead->probe_hits += hits;
		pay(overhead, s, hits * ns_per_hit);
		for (size_t loss = 0; loss < LOSS_KINDS; loss++)
			g->result.losses[loss] += s->model.losses[loss];
		g->processes[i] = s->process;
	}
	overhead->ns_per_hit = ns_per_hit;
	g->result.several = true;
	g->result.processes = g->processes;
	g->result.process_count = g->count;
}

static void group_free(struct group *g)
{
	for (size_t i = 0; i < g->count; i++)
		sample_free(&g->members[i]);
	free(g->members);
	free(g->processes);
}

static void make_worker(struct group *g, size_t index, unsigned busy)
{
	struct sample *s = member(g, index, 4100 + (pid_t)index,
				  "/usr/bin/python3 /usr/bin/gunicorn --workers 4 --threads 3 "
				  "--bind unix:/run/shop.sock shop.wsgi:app",
				  0, 10 * NSEC_PER_SEC);

	add_gil(s, busy * 1000000, 0, 4);
	for (uint32_t i = 0; i < 3; i++) {
		char comm[EV_COMM_LEN + 1];

		snprintf(comm, sizeof(comm), "ThreadPool_%u", i);
		struct model_thread *t = add_thread(s, 4200 + 10 * (uint32_t)index + i, 0, comm);

		add_holds(s, t, busy * (90 - 3 * i), 900, 9);
		add_waits(s, t, busy * (20 - i), 30000, 7);
		t->forced_releases = busy / 2;
	}
	s->gils[0].short_holds = busy * 200;
	s->model.threads_off_gil = 1;
}

/*
 * A web server: a master that sleeps, four workers of which one lost records, and a helper that the
 * third of them starts: a fork of it, seen late, that executes another interpreter, which is linked
 * otherwise, so that other probes are used, and ends.
 */
static void make_server(struct group *g)
{
	static char *notes[] = {(char *)"libc's own functions are probed."};

	group_init(g, 7, 10 * NSEC_PER_SEC);
	g->result.capture.mode = "aggregate";
	struct sample *s =
		member(g, 0, 4100,
		       "/usr/bin/python3 /usr/bin/gunicorn --workers 4 --threads 3 --bind "
		       "unix:/run/shop.sock shop.wsgi:app",
		       0, 10 * NSEC_PER_SEC);
	s->model.threads_off_gil = 1;
	add_gil(s, 0, 0, 0);
	for (size_t i = 1; i <= 4; i++)
		make_worker(g, i, 5 + 7 * (unsigned)(i % 3));
	g->members[4].gils[0].unknown_ns = 25 * NSEC_PER_MSEC;
	g->members[4].gils[0].lost_holds = 2;
	g->members[4].model.losses[LOSS_ring_full] = 2;

	s = member(g, 5, 4160, g->members[3].target.cmdline, 3100 * NSEC_PER_MSEC,
		   40 * NSEC_PER_MSEC);
	s->target.ppid = 4103;
	s->model.end = END_EXEC;
	s->process.unobserved_ns = 12 * NSEC_PER_MSEC;
	add_gil(s, 0, 0, 0);
	clip(&add_thread(s, 4160, 0, "gunicorn")->hold, 40 * NSEC_PER_MSEC);

	s = member(g, 6, 4160, "/opt/py312/bin/python3 -X dev thumbnails.py --size 640 cat.jpg",
		   3150 * NSEC_PER_MSEC, 2400 * NSEC_PER_MSEC);
	s->target.ppid = 4103;
	s->target.exe = (char *)"/opt/py312/bin/python3";
	s->target.python.path = (char *)"/opt/py312/lib/libpython3.12.so.1.0";
	s->target.is_static = s->target.stripped = false;
	s->target.version = (struct py_version){3, 12, 1, "3.12.1"};
	s->plan.method = PLAN_LIBC_ENTRY;
	s->plan.symbols = SYMBOLS_SYMTAB;
	s->plan.notes = notes;
	s->plan.note_count = ARRAY_SIZE(notes);
	s->process.foreign_hits[1] = 321;
	s->model.end = END_TARGET_EXIT;
	add_gil(s, 21000000, 0, 2);
	add_holds(s, add_thread(s, 4160, 0, "python3"), 300, 1900000, 0);
	add_waits(s, &s->threads.items[0], 290, 700000, 2);
	add_holds(s, add_thread(s, 4161, 0, "decoder"), 3000, 2000, 5);
	add_waits(s, &s->threads.items[1], 900, 80000, 6);
	g->result.losses[LOSS_process_missed] = 1;
	group_done(g, 118);
	g->result.capture.coverage = 0.9997;
}

/* A test runner and 499 short children of one command; each third one never takes its GIL twice. */
static void make_children(struct group *g)
{
	const size_t count = 500;

	group_init(g, count, 60 * NSEC_PER_SEC);
	for (size_t i = 0; i < count; i++) {
		uint64_t from = i * 100 * NSEC_PER_MSEC;
		struct sample *s = member(g, i, 20000 + (pid_t)i,
					  i ? "/usr/bin/python3 -m job --run"
					    : "/usr/bin/python3 -m runner --jobs 4",
					  from, i ? 400 * NSEC_PER_MSEC : 60 * NSEC_PER_SEC);

		add_gil(s, 0, 0, 1);
		s->model.end = i ? END_TARGET_EXIT : END_DURATION;
		s->process.unobserved_ns = i ? 3 * NSEC_PER_MSEC + i * 1000 : 0;
		s->model.threads_off_gil = 1;
		if (i % 3 == 2)
			continue;
		struct model_thread *t = add_thread(s, 20000 + (uint32_t)i, 0, "python3");
		add_holds(s, t, 20 + i % 7, 9000000, 0);
		if (i % 2)
			add_waits(s, t, 3 + i % 5, 1000000, 2);
	}
	g->result.losses[LOSS_process_missed] = 11;
	group_done(g, 118);
}

#endif
