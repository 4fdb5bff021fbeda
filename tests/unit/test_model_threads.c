/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 gilscope contributors */
/* Which threads and GILs there are, and for how long. */
#include "model_fixture.h"

static void hold_ended_by_its_threads_exit(void **state)
{
	struct model *m = begin();

	(void)state;
	feed(m, rec_thread(EV_THREAD_EXIT, 7, 1300, "worker"));
	feed(m, rec_hold(0, 7, 1, 1100, 1300, HOLD_EXITED | HOLD_FORCED));
	const struct model_result *r = end_gil(m, 1, 0);

	assert_gil(&r->gils[0], 200, 0, 800, 0);
	assert_times(&r->threads[0].hold, 1, 200, 0, 0);
	assert_int_equal(r->gils[0].forced_releases, 0);
	assert_int_equal(r->gils[0].voluntary_releases, 0);
	assert_true(r->threads[0].exited);
	assert_int_equal(r->threads[0].observed_ns, 300);
	assert_int_equal(r->threads[0].off_gil_ns, 100);
	assert_string_equal(r->threads[0].comm, "worker");
	model_free(m);
}

/* Held from before the start, in code that never gives the GIL up, and then killed. */
static void open_hold_of_a_thread_that_exited(void **state)
{
	struct model *m = begin();

	(void)state;
	feed(m, rec_thread(EV_THREAD_EXIT, 7, 1300, "worker"));
	feed(m, rec_hold(0, 7, 1, 0, 2000, HOLD_OPEN | HOLD_FROM_ATTACH));
	const struct model_result *r = end_gil(m, 0, 0);

	assert_gil(&r->gils[0], 300, 0, 700, 0);
	assert_times(&r->threads[0].hold, 0, 300, 1, 300);
	assert_int_equal(r->threads[0].observed_ns, 300);
	assert_int_equal(r->threads[0].off_gil_ns, 0);
	assert_no_losses(r);
	model_free(m);
}

static void wait_ended_by_its_threads_exit_is_clipped(void **state)
{
	struct model *m = begin();

	(void)state;
	feed(m, rec_wait(EV_WAIT_END, 0, 8, 1200, 1500));
	feed(m, rec_wait(EV_WAIT_END, 0, 9, 900, 950)); /* before the capture */
	feed(m, rec_wait(EV_WAIT_END, 0, 9, 0, 950));	/* malformed */
	const struct model_result *r = end_gil(m, 0, 0);

	assert_int_equal(r->thread_count, 1);
	assert_times(&r->threads[0].wait, 0, 300, 1, 300);
	assert_int_equal(r->gils[0].wait_ns, 300);
	assert_int_equal(r->wait.count, 0);
	assert_only_loss(r, LOSS_bad_record, 1);
	model_free(m);
}

static void gil_that_appears_later(void **state)
{
	struct model *m = begin();

	(void)state;
	feed(m, rec_gil(1, 1400));
	feed(m, rec_hold(1, 7, 1, 1390, 1500, 0)); /* older than its GIL: clipped, no overlap */
	feed(m, rec_gil_end(1, 1, 0));
	const struct model_result *r = end_gil(m, 0, 0);

	assert_int_equal(r->gil_count, 2);
	assert_gil(&r->gils[0], 0, 0, 1000, 0);
	assert_gil(&r->gils[1], 100, 0, 500, 0);
	assert_int_equal(r->gils[1].id, 1);
	assert_int_equal(r->gils[1].from_ns, 1400);
	assert_times(&r->threads[0].hold, 0, 100, 1, 100);
	assert_no_losses(r);
	model_free(m);
}

static void gil_first_seen_by_a_hold(void **state)
{
	struct model *m = begin_with(0);

	(void)state;
	feed(m, rec_waited(5, 7, 1, 1300, 1400, 1500, 0));
	feed(m, rec_gil(5, 1100)); /* tells what it is; the accounts stay */
	feed(m, rec_hold(6, 7, 1, 1600, 1700, 0));
	feed(m, rec_gil_end(5, 1, 0));
	feed(m, rec_gil_end(6, 1, 0));
	feed(m, rec_gil_end(9, 1, 0)); /* never seen */
	const struct model_result *r = end(m);

	assert_int_equal(r->gil_count, 2);
	assert_int_equal(r->gils[0].id, 5);
	assert_int_equal(r->gils[0].from_ns, 1300);
	assert_int_equal(r->gils[0].address, 0x1005);
	assert_gil(&r->gils[0], 100, 100, 500, 0);
	assert_int_equal(r->gils[1].from_ns, 1600);
	assert_gil(&r->gils[1], 100, 0, 300, 0);
	assert_int_equal(r->thread_count, 2); /* one entry for each GIL of the thread */
	assert_int_equal(r->threads[0].gil, 5);
	assert_int_equal(r->threads[1].gil, 6);
	assert_only_loss(r, LOSS_bad_record, 1);
	model_free(m);
}

static void gil_that_appears_after_the_end(void **state)
{
	struct model *m = begin_with(0);

	(void)state;
	feed(m, rec_gil(0, 2100));
	stop(m);
	feed(m, rec_gil(1, 2200));
	feed(m, rec_hold(1, 7, 1, 2200, 2300, 0));
	const struct model_result *r = end(m);

	assert_int_equal(r->gil_count, 2);
	assert_gil(&r->gils[0], 0, 0, 0, 0);
	assert_gil(&r->gils[1], 0, 0, 0, 0);
	assert_true(r->gils[0].waiters_mean == 0);
	assert_int_equal(r->thread_count, 0);
	assert_no_losses(r);
	model_free(m);
}

static void threads_alternate_between_gils(void **state)
{
	struct model *m = begin();

	(void)state;
	feed(m, rec_gil(1, 0));
	for (uint64_t i = 0; i < 5; i++) {
		feed(m, rec_hold(0, 7, i + 1, 1000 + i * 100, 1010 + i * 100, 0));
		feed(m, rec_hold(1, 7, i + 1, 1020 + i * 100, 1050 + i * 100, 0));
	}
	const struct model_result *r = end(m);

	assert_int_equal(r->thread_count, 2);
	assert_times(&r->threads[0].hold, 5, 50, 0, 0);
	assert_times(&r->threads[1].hold, 5, 150, 0, 0);
	model_free(m);
}

static void observation_of_threads(void **state)
{
	struct model *m = begin();

	(void)state;
	feed(m, rec_thread(EV_THREAD_NAME, 7, 1000, "main"));
	feed(m, rec_thread(EV_THREAD_START, 8, 1200, "main"));
	feed(m, rec_hold(0, 8, 1, 1300, 1400, 0));
	feed(m, rec_thread(EV_THREAD_NAME, 8, 1450, "sixteen bytes!!!"));
	feed(m, rec_thread(EV_THREAD_EXIT, 8, 1500, ""));
	feed(m, rec_hold(0, 7, 2, 1600, 1700, 0));
	feed(m, rec_thread(EV_THREAD_NAME, 9, 1000, "logger"));
	feed(m, rec_thread(EV_THREAD_START, 10, 1800, "pool"));
	feed(m, rec_thread(EV_THREAD_EXIT, 11, 900, "early"));	/* before the capture */
	feed(m, rec_thread(EV_THREAD_START, 12, 2100, "late")); /* after it */
	feed(m, rec_thread(EV_THREAD_EXIT, 7, 2100, "main"));	/* too */
	const struct model_result *r = end_gil(m, 2, 0);

	assert_int_equal(r->threads_off_gil, 2);
	assert_int_equal(r->thread_count, 2);
	assert_int_equal(r->threads[0].tid, 8);
	assert_string_equal(r->threads[0].comm, "sixteen bytes!!!");
	assert_int_equal(r->threads[0].from_ns, 1200);
	assert_int_equal(r->threads[0].observed_ns, 300);
	assert_int_equal(r->threads[0].off_gil_ns, 200);
	assert_true(r->threads[0].exited);
	assert_int_equal(r->threads[1].tid, 7);
	assert_int_equal(r->threads[1].from_ns, 1000);
	assert_int_equal(r->threads[1].observed_ns, 1000);
	assert_false(r->threads[1].exited);
	assert_no_losses(r);
	model_free(m);
}

static void tid_used_again_is_another_thread(void **state)
{
	struct model *m = begin();

	(void)state;
	feed(m, rec_thread(EV_THREAD_NAME, 7, 1000, "first"));
	feed(m, rec_hold(0, 7, 1, 1100, 1200, 0));
	feed(m, rec_thread(EV_THREAD_EXIT, 7, 1300, "first"));
	feed(m, rec_hold(0, 7, 2, 1290, 1300, HOLD_EXITED)); /* told after the exit */
	feed(m, rec_thread(EV_THREAD_START, 7, 1400, "second"));
	feed(m, rec_hold(0, 7, 3, 1500, 1550, 0));
	const struct model_result *r = end_gil(m, 3, 0);

	assert_int_equal(r->thread_count, 2);
	assert_string_equal(r->threads[0].comm, "first");
	assert_true(r->threads[0].exited);
	assert_int_equal(r->threads[0].observed_ns, 300);
	assert_times(&r->threads[0].hold, 2, 110, 0, 0);
	assert_string_equal(r->threads[1].comm, "second");
	assert_false(r->threads[1].exited);
	assert_int_equal(r->threads[1].observed_ns, 600);
	assert_times(&r->threads[1].hold, 1, 50, 0, 0);
	model_free(m);
}

/* Its exit was lost: the two threads cannot be told apart. */
static void start_of_a_thread_that_lives(void **state)
{
	struct model *m = begin();

	(void)state;
	feed(m, rec_hold(0, 7, 1, 1100, 1200, 0));
	feed(m, rec_thread(EV_THREAD_START, 7, 1400, "again"));
	feed(m, rec_hold(0, 7, 2, 1500, 1600, 0));
	feed(m, rec_thread(EV_THREAD_EXIT, 7, 1700, "again"));
	feed(m, rec_thread(EV_THREAD_EXIT, 7, 1900, "again"));
	const struct model_result *r = end_gil(m, 2, 0);

	assert_int_equal(r->thread_count, 1);
	assert_int_equal(r->threads[0].from_ns, 1000);
	assert_int_equal(r->threads[0].observed_ns, 700);
	model_free(m);
}

static void start_after_the_end_observes_nothing(void **state)
{
	struct model *m = begin();

	(void)state;
	feed(m, rec_thread(EV_THREAD_START, 7, 2100, "w")); /* later than its hold */
	feed(m, rec_hold(0, 7, 1, 1100, 1200, 0));
	const struct model_result *r = end_gil(m, 1, 0);

	assert_int_equal(r->threads[0].observed_ns, 0);
	assert_int_equal(r->threads[0].off_gil_ns, 0);
	model_free(m);
}

static void off_gil_is_never_negative(void **state)
{
	struct model *m = begin();

	(void)state;
	feed(m, rec_thread(EV_THREAD_START, 7, 1500, "w")); /* later than its hold */
	feed(m, rec_hold(0, 7, 1, 1100, 1900, 0));
	const struct model_result *r = end_gil(m, 1, 0);

	assert_int_equal(r->threads[0].observed_ns, 500);
	assert_int_equal(r->threads[0].off_gil_ns, 0);
	model_free(m);
}

static void ten_thousand_threads(void **state)
{
	struct model *m = begin_with(0);
	uint64_t seq = 0;

	(void)state;
	feed(m, rec_gil(0, 0));
	for (uint64_t round = 0; round < 3; round++) {
		for (uint32_t tid = 1; tid <= 10000; tid++) {
			uint64_t at = T0 + 10 * seq++;

			feed(m, rec_hold(0, tid, seq, at, at + tid % 7, 0));
		}
	}
	feed(m, rec_gil_end(0, seq, 0));
	feed(m, rec_mark(EV_CAPTURE_END, T0 + 10 * seq, END_DURATION));
	const struct model_result *r = model_result(m);

	assert_int_equal(r->thread_count, 10000);
	for (uint32_t i = 0; i < 10000; i++) {
		assert_int_equal(r->threads[i].tid, i + 1);
		assert_times(&r->threads[i].hold, 3, (i + 1) % 7 * 3, 0, 0);
	}
	assert_int_equal(r->hold.count, 30000);
	assert_no_losses(r);
	model_free(m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(hold_ended_by_its_threads_exit),
		cmocka_unit_test(open_hold_of_a_thread_that_exited),
		cmocka_unit_test(wait_ended_by_its_threads_exit_is_clipped),
		cmocka_unit_test(gil_that_appears_later),
		cmocka_unit_test(gil_first_seen_by_a_hold),
		cmocka_unit_test(gil_that_appears_after_the_end),
		cmocka_unit_test(threads_alternate_between_gils),
		cmocka_unit_test(observation_of_threads),
		cmocka_unit_test(tid_used_again_is_another_thread),
		cmocka_unit_test(start_of_a_thread_that_lives),
		cmocka_unit_test(start_after_the_end_observes_nothing),
		cmocka_unit_test(off_gil_is_never_negative),
		cmocka_unit_test(ten_thousand_threads),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
