/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 gilscope contributors */
/* Blame where there is much of it: many threads, long waits, more pairs than are kept. What it says of
 * small captures is compared with a reference in test_model_random. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "model/blame.h"
#include "model_stream.h"

#define START 1000000
#define GIL 0

static struct model *begin(void)
{
	struct model *m = model_new(&(struct model_options){0});

	feed(m, rec_mark(EV_CAPTURE_START, START, END_NONE));
	feed(m, rec_gil(GIL, 0));
	return m;
}

static const struct model_result *end(struct model *m, uint64_t at_ns, uint64_t seq)
{
	feed(m, rec_mark(EV_CAPTURE_STOP, at_ns, END_DURATION));
	feed(m, rec_gil_end(GIL, seq, 0));
	feed(m, rec_mark(EV_CAPTURE_END, at_ns, END_DURATION));
	return model_result(m);
}

static void check_identity(const struct model_result *r, bool all_remembered)
{
	uint64_t *sums = xcalloc(r->thread_count, sizeof(*sums));
	uint64_t blocked = 0, held = 0;

	for (size_t i = 0; i < r->blame_count; i++) {
		sums[r->blame[i].waiter] += r->blame[i].ns;
		held += r->blame[i].ns;
	}
	for (size_t i = 0; i < r->thread_count; i++) {
		const struct model_thread *t = &r->threads[i];

		assert_int_equal(sums[i] + t->handoff_ns + t->unknown_ns + t->others_ns,
				 t->wait.total_ns);
		blocked += t->blocked_ns;
		held += t->others_ns;
	}
	if (all_remembered)
		assert_int_equal(blocked, held);
	else
		assert_true(blocked < held);
	free(sums);
}

/* Threads take the GIL in turn, each for `hold_ns`, and wait in between; `special` holds longer. */
static uint64_t take_turns(struct model *m, uint32_t threads, uint64_t turns, uint32_t special)
{
	uint64_t *request = xcalloc(threads, sizeof(*request));
	uint64_t now = START, seq = 0;

	for (uint64_t i = 0; i < turns; i++) {
		const uint32_t tid = (uint32_t)(i % threads);
		const uint64_t until = now + (tid == special ? 100000 : 10);
		union record r =
			rec_waited(GIL, 100 + tid, ++seq, request[tid], now, until, HOLD_CONTENDED);

		if (!request[tid]) {
			r.hold.request_ns = 0;
			r.hold.flags = HOLD_CONTENDED | (i ? HOLD_GAP_WAITED : 0);
		}
		feed(m, r);
		request[tid] = until;
		now = until + 1;
	}
	free(request);
	return now;
}

static const struct model_blame *find(const struct model_result *r, uint32_t waiter,
				      uint32_t holder)
{
	for (size_t i = 0; i < r->blame_count; i++)
		if (r->threads[r->blame[i].waiter].tid == waiter &&
		    r->threads[r->blame[i].holder].tid == holder)
			return &r->blame[i];
	return NULL;
}

/* Each pair is known, to the nanosecond. */
static void ten_threads(void **state)
{
	struct model *m = begin();
	const uint64_t now = take_turns(m, 10, 10000, 3);
	const struct model_result *r = end(m, now, 10000);

	(void)state;
	check_identity(r, true);
	assert_int_equal(r->blame_count, 90);
	assert_int_equal(find(r, 105, 103)->ns, 999 * 100000);
	assert_int_equal(find(r, 105, 103)->waits, 999);
	assert_int_equal(find(r, 105, 104)->ns, 999 * 10);
	assert_int_equal(r->threads[5].others_ns, 0);
	assert_int_equal(r->threads[5].handoff_ns, 999 * 10);
	/* In the first turn three wait already, in the last one three waits are not told. */
	assert_int_equal(r->threads[3].blocked_ns, (uint64_t)100000 * (998 * 9 + 3 + 6));
	model_free(m);
}

/* The long holds have a name in each wait, of the many short ones only the sum is told. */
static void a_thousand_threads(void **state)
{
	struct model *m = begin();
	const uint64_t now = take_turns(m, 1000, 20000, 700);
	const struct model_result *r = end(m, now, 20000);
	const struct model_thread *waiter = &r->threads[5];

	(void)state;
	check_identity(r, true);
	assert_int_equal(find(r, 105, 800)->ns, 19 * 100000);
	assert_int_equal(find(r, 105, 800)->waits, 19);
	assert_true(waiter->others_ns > 19 * 10 * 600);
	assert_int_equal(waiter->handoff_ns, 19 * 1000);
	model_free(m);
}

/* One waits while others take turns for longer than the timeline reaches back. */
static void a_wait_that_is_too_long(void **state)
{
	const uint64_t turns = 3 * TIMELINE_MAX;
	struct model *m = begin();
	const uint64_t now = take_turns(m, 3, turns, 99);

	feed(m, rec_waited(GIL, 500, turns + 1, START + 5, now, now + 10, 0));
	const struct model_result *r = end(m, now + 10, turns + 1);

	(void)state;
	check_identity(r, false);
	assert_int_equal(r->threads[3].wait.total_ns, now - START - 5);
	assert_true(r->threads[3].others_ns > 0);
	model_free(m);
}

/* Threads that wait for a new holder each time: pairs without end. */
static void pairs_without_end(void **state)
{
	const uint32_t holders = 2 * BLAME_MAX_PAIRS;
	struct model_options options = {.max_exited = holders};
	struct model *m = model_new(&options);
	uint64_t now = START, seq = 0;

	(void)state;
	feed(m, rec_mark(EV_CAPTURE_START, START, END_NONE));
	feed(m, rec_gil(GIL, 0));
	for (uint32_t i = 0; i < holders; i++) {
		const uint64_t ns = i == 7 ? 100000 : 10;

		feed(m, rec_hold(GIL, 1000 + i, ++seq, now, now + ns, HOLD_CONTENDED));
		feed(m, rec_waited(GIL, 1, seq + 1, now + 1, now + ns + 1, now + ns + 2, 0));
		seq++;
		now += ns + 3;
	}
	const struct model_result *r = end(m, now, seq);
	check_identity(r, true);
	assert_true(r->blame_count <= BLAME_MAX_PAIRS);
	assert_int_equal(find(r, 1, 1007)->ns, 100000 - 1);
	model_free(m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ten_threads),
		cmocka_unit_test(a_thousand_threads),
		cmocka_unit_test(a_wait_that_is_too_long),
		cmocka_unit_test(pairs_without_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
