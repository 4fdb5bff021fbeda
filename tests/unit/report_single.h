/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 gilscope contributors */
/* Results of one process, made by hand for the tests of the reports. */
#ifndef GILSCOPE_REPORT_SINGLE_H
#define GILSCOPE_REPORT_SINGLE_H

#include "tests/unit/report_sample.h"

/* All waited for one thread, but for a part in which nobody held, and a little; it waited for two. */
static void blame_one(struct sample *s, uint32_t holder)
{
	for (uint32_t i = 0; i < s->threads.count; i++) {
		struct model_thread *t = &s->threads.items[i];
		const uint64_t waited = t->wait.total_ns, ns = waited / 10 * 9;
		const uint32_t whom = i == holder ? (holder + 1) % 2 : holder;

		*VEC_PUSH(&s->blame) = (struct model_blame){
			.waiter = i, .holder = whom, .ns = ns, .waits = t->wait.hist.count};
		t->handoff_ns = (waited - ns) / 2;
		t->others_ns = waited - ns - t->handoff_ns;
	}
	s->model.blame = s->blame.items;
	s->model.blame_count = s->blame.count;
}

/* A web service with one thread that computes; nothing was lost. */
static inline void make_service(struct sample *s)
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
	blame_one(s, 1);
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

/* Threads that exited, together, and lived for 50 ms each. */
static struct model_thread *add_exited(struct sample *s, uint32_t gil, uint64_t threads)
{
	struct model_thread *t = VEC_PUSH(&s->exited);

	t->gil = gil;
	t->exited = true;
	t->together = threads;
	t->from_ns = s->model.start_ns;
	t->observed_ns = threads * 50 * NSEC_PER_MSEC;
	return t;
}

/* A server with a thread for each request, and another GIL for some of them; most are told together. */
static inline void make_requests(struct sample *s)
{
	sample_init(s, 60 * NSEC_PER_SEC);
	s->target.exe = s->target.python.path = (char *)"/usr/bin/python3.12";
	s->target.cmdline = (char *)"python3 -m shop.server --threads-for-ever";
	s->target.is_static = s->target.stripped = true;
	s->target.version = (struct py_version){3, 12, 1, "3.12.1"};
	s->plan.method = PLAN_CALL_SITES;
	s->plan.forced_known = true;
	add_site(s, ROLE_WAIT, 0x1d2f31, "", true, 9000, 0);
	add_site(s, ROLE_ACQUIRE, 0x1d2fc4, "", true, 40000, 0);
	add_site(s, ROLE_RELEASE, 0x1d31aa, "", true, 40000, 0);
	add_gil(s, 211234567, 0, 5);
	add_gil(s, 1234567, 0, 2);

	struct model_thread *t = add_thread(s, 4242, 0, "server");
	add_holds(s, t, 9000, 20000, 3);
	add_waits(s, t, 3000, 30000, 5);
	for (uint32_t i = 0; i < 40; i++) {
		t = add_thread(s, 5000 + 7 * i, 0, "request");
		add_holds(s, t, 1 + i % 5, 300000 + 10000 * i, 4);
		add_waits(s, t, 1 + i % 3, 500000 + 10000 * i, 3);
		t->exited = true;
		t->observed_ns = 50 * NSEC_PER_MSEC;
	}
	t = add_exited(s, 0, 12345);
	add_holds(s, t, 28000, 2000, 9);
	add_waits(s, t, 9000, 3000, 9);
	clip(&t->wait, 700000);
	add_holds(s, add_exited(s, 1, 2), 7, 2000, 9);
	s->model.threads_off_gil = 20000;
	sample_done(s, 118);
}

/* Two GILs, names that want to break the report, losses, and the expensive fallback. */
static inline void make_trouble(struct sample *s)
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
	s->plan.symbols = SYMBOLS_SYMTAB;
	s->plan.notes = notes;
	s->plan.note_count = ARRAY_SIZE(notes);
	s->result.capture.end = s->model.end = END_SIGNAL;
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
