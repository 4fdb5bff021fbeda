/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 gilscope contributors */
/* Holds, gaps and waits, and the edges of the capture. */
#include "model_fixture.h"

static void idle_capture(void **state)
{
	struct model *m = begin();

	(void)state;
	assert_null(model_result(m));
	const struct model_result *r = end_gil(m, 0, 0);

	assert_int_equal(r->gil_count, 1);
	assert_gil(&r->gils[0], 0, 0, 1000, 0);
	assert_int_equal(r->gils[0].address, 0x1000);
	assert_int_equal(r->gils[0].switch_interval_ns, 5000000);
	assert_int_equal(r->gils[0].interp_count, 1);
	assert_int_equal(r->start_ns, T0);
	assert_int_equal(r->end_ns, T1);
	assert_int_equal(r->end, END_DURATION);
	assert_int_equal(r->thread_count, 0);
	assert_int_equal(r->series_count, 0);
	assert_no_losses(r);
	model_free(m);
}

/* idle 100, held 200, handoff 50, held 150, idle 500 */
static void holds_gaps_and_waits(void **state)
{
	struct model *m = begin();

	(void)state;
	union record first = rec_hold(0, 7, 1, 1100, 1300, HOLD_CONTENDED | HOLD_FORCED);

	first.hold.waiters = 2;
	first.hold.waiters_max = 3;
	feed(m, first);
	feed(m, rec_waited(0, 8, 2, 1200, 1350, 1500, 0));
	const struct model_result *r = end_gil(m, 2, 0);

	assert_gil(&r->gils[0], 350, 50, 600, 0);
	assert_int_equal(r->gils[0].holds, 2);
	assert_int_equal(r->gils[0].contended_holds, 1);
	assert_int_equal(r->gils[0].forced_releases, 1);
	assert_int_equal(r->gils[0].voluntary_releases, 1);
	assert_int_equal(r->gils[0].wait_ns, 150);
	assert_true(r->gils[0].waiters_mean == 0.15);
	assert_int_equal(r->gils[0].waiters_max, 3);
	assert_int_equal(r->gils[0].lost_holds, 0);
	assert_int_equal(r->thread_count, 2);
	assert_int_equal(r->threads[0].tid, 7);
	assert_int_equal(r->threads[0].process, TEST_PROCESS);
	assert_times(&r->threads[0].hold, 1, 200, 0, 0);
	assert_times(&r->threads[0].wait, 0, 0, 0, 0);
	assert_int_equal(r->threads[0].forced_releases, 1);
	assert_int_equal(r->threads[0].off_gil_ns, 800);
	assert_int_equal(r->threads[1].tid, 8);
	assert_times(&r->threads[1].hold, 1, 150, 0, 0);
	assert_times(&r->threads[1].wait, 1, 150, 0, 0);
	assert_int_equal(r->threads[1].voluntary_releases, 1);
	assert_int_equal(r->threads[1].observed_ns, 1000);
	assert_int_equal(r->threads[1].off_gil_ns, 700);
	assert_int_equal(r->hold.count, 2);
	assert_int_equal(r->hold.total, 350);
	assert_int_equal(r->hold.min, 150);
	assert_int_equal(r->hold.max, 200);
	assert_int_equal(r->wait.count, 1);
	assert_no_losses(r);
	model_free(m);
}

static void tail_with_waiters_is_handoff(void **state)
{
	struct model *m = begin();

	(void)state;
	feed(m, rec_hold(0, 7, 1, 1100, 1300, 0));
	const struct model_result *r = end_gil(m, 1, 4);

	assert_gil(&r->gils[0], 200, 700, 100, 0);
	assert_int_equal(r->gils[0].waiters_max, 4);
	model_free(m);
}

static void hold_from_before_the_attach_is_clipped(void **state)
{
	struct model *m = begin();

	(void)state;
	feed(m, rec_hold(0, 7, 1, 0, 1300, HOLD_FROM_ATTACH | HOLD_GAP_WAITED));
	const struct model_result *r = end_gil(m, 1, 0);

	assert_gil(&r->gils[0], 300, 0, 700, 0);
	assert_times(&r->threads[0].hold, 0, 300, 1, 300);
	assert_int_equal(r->gils[0].holds, 1);
	assert_int_equal(r->gils[0].voluntary_releases, 1);
	assert_int_equal(r->threads[0].voluntary_releases, 1);
	assert_int_equal(r->hold.count, 0);
	assert_no_losses(r);
	model_free(m);
}

static void hold_and_wait_are_clipped_at_the_start(void **state)
{
	struct model *m = begin();

	(void)state;
	feed(m, rec_hold(0, 7, 1, 900, 1300, HOLD_FORCED));
	feed(m, rec_waited(0, 8, 2, 950, 1310, 1400, 0));
	const struct model_result *r = end_gil(m, 2, 0);

	assert_gil(&r->gils[0], 390, 10, 600, 0);
	assert_times(&r->threads[0].hold, 0, 300, 1, 300);
	assert_int_equal(r->threads[0].forced_releases, 1);
	assert_times(&r->threads[1].hold, 1, 90, 0, 0);
	assert_times(&r->threads[1].wait, 0, 310, 1, 310);
	assert_int_equal(r->gils[0].wait_ns, 310);
	model_free(m);
}

static void what_ended_before_the_start_counts_nothing(void **state)
{
	struct model *m = begin();

	(void)state;
	feed(m, rec_waited(0, 7, 1, 800, 900, 990, 0));
	feed(m, rec_hold(0, 8, 2, 1100, 1200, HOLD_GAP_WAITED));
	const struct model_result *r = end_gil(m, 2, 0);

	assert_gil(&r->gils[0], 100, 100, 800, 0);
	assert_int_equal(r->thread_count, 1);
	assert_int_equal(r->gils[0].holds, 1);
	assert_int_equal(r->gils[0].voluntary_releases, 1);
	assert_no_losses(r);
	model_free(m);
}

/* The collector's open hold takes the number after the last ended one. */
static void open_hold_and_open_wait_are_clipped_at_the_end(void **state)
{
	struct model *m = begin();

	(void)state;
	feed(m, rec_hold(0, 7, 1, 1100, 1300, 0));
	stop(m);
	feed(m, rec_waited(0, 8, 2, 1250, 1350, 2000, HOLD_OPEN | HOLD_CONTENDED));
	feed(m, rec_wait(EV_WAIT_OPEN, 0, 9, 1400, 2000));
	const struct model_result *r = end_gil(m, 1, 1);

	assert_gil(&r->gils[0], 850, 50, 100, 0);
	assert_int_equal(r->gils[0].holds, 2);
	assert_int_equal(r->gils[0].contended_holds, 1);
	assert_int_equal(r->gils[0].voluntary_releases, 1);
	assert_int_equal(r->gils[0].lost_holds, 0);
	assert_times(&r->threads[1].hold, 0, 650, 1, 650);
	assert_times(&r->threads[1].wait, 1, 100, 0, 0);
	assert_times(&r->threads[2].wait, 0, 600, 1, 600);
	assert_no_losses(r);
	model_free(m);
}

static void hold_released_after_the_end_is_clipped(void **state)
{
	struct model *m = begin();

	(void)state;
	stop(m);
	union record late = rec_waited(0, 7, 1, 1800, 1900, 2100, HOLD_FORCED | HOLD_CONTENDED);

	late.hold.waiters = 9; /* after its release, which nobody observed */
	late.hold.waiters_max = 4;
	feed(m, late);
	const struct model_result *r = end_gil(m, 1, 0);

	assert_gil(&r->gils[0], 100, 900, 0, 0);
	assert_times(&r->threads[0].hold, 0, 100, 1, 100);
	assert_times(&r->threads[0].wait, 1, 100, 0, 0);
	assert_int_equal(r->gils[0].forced_releases, 0);
	assert_int_equal(r->threads[0].forced_releases, 0);
	assert_int_equal(r->gils[0].holds, 1);
	assert_int_equal(r->gils[0].waiters_max, 4);
	assert_no_losses(r);
	model_free(m);
}

static void hold_after_the_end_gives_its_gap_and_wait(void **state)
{
	struct model *m = begin();

	(void)state;
	feed(m, rec_hold(0, 7, 1, 1100, 1900, 0));
	stop(m);
	feed(m, rec_waited(0, 8, 2, 1700, 2050, 2100, HOLD_CONTENDED));
	/* Whatever is missing from here on was not observed anyway. */
	feed(m, rec_waited(0, 9, 5, 1950, 2300, 2400, 0));
	feed(m, rec_waited(0, 7, 6, 2350, 2400, 2500, 0));
	feed(m, rec_hold(0, 7, 7, 0, 2600, HOLD_ACQUIRE_MISSED));
	feed(m, rec_hold(0, 7, 8, 2650, 0, HOLD_RELEASE_MISSED));
	feed(m, rec_waited(0, 10, 9, 2500, 2700, 2000, HOLD_OPEN));
	feed(m, rec_wait(EV_WAIT_OPEN, 0, 11, 2750, 2000));
	const struct model_result *r = end_gil(m, 12, 0);

	assert_gil(&r->gils[0], 800, 100, 100, 0);
	assert_int_equal(r->gils[0].holds, 1);
	assert_int_equal(r->gils[0].contended_holds, 0);
	assert_int_equal(r->gils[0].lost_holds, 0);
	assert_int_equal(r->thread_count, 3);
	assert_times(&r->threads[1].hold, 0, 0, 0, 0);
	assert_times(&r->threads[1].wait, 0, 300, 1, 300);
	assert_times(&r->threads[2].wait, 0, 50, 1, 50);
	assert_no_losses(r);
	model_free(m);
}

static void instants_at_the_edges(void **state)
{
	struct model *m = begin();

	(void)state;
	feed(m, rec_waited(0, 7, 1, 1000, 1000, 1000, 0)); /* no time at all, but complete */
	feed(m, rec_hold(0, 7, 2, 1000, 2000, HOLD_FORCED));
	stop(m);
	feed(m, rec_waited(0, 8, 3, 1500, 2000, 2000, HOLD_FORCED)); /* begins at the end */
	const struct model_result *r = end_gil(m, 3, 0);

	assert_gil(&r->gils[0], 1000, 0, 0, 0);
	assert_int_equal(r->gils[0].holds, 2);
	assert_int_equal(r->gils[0].forced_releases, 1);
	assert_int_equal(r->gils[0].voluntary_releases, 1);
	assert_times(&r->threads[0].hold, 2, 1000, 0, 0);
	assert_times(&r->threads[0].wait, 1, 0, 0, 0);
	assert_times(&r->threads[1].wait, 1, 500, 0, 0);
	assert_times(&r->threads[1].hold, 0, 0, 0, 0);
	assert_int_equal(r->threads[0].off_gil_ns, 0);
	assert_no_losses(r);
	model_free(m);
}

/* What was accounted before the end was known cannot be taken back. */
static void end_before_what_is_accounted(void **state)
{
	struct model *m = begin();

	(void)state;
	feed(m, rec_hold(0, 7, 1, 1100, 2500, 0));
	stop(m);
	const struct model_result *r = end_gil(m, 1, 0);

	assert_int_equal(r->end_ns, 2500);
	assert_gil(&r->gils[0], 1400, 0, 100, 0);
	assert_only_loss(r, LOSS_bad_record, 1);
	model_free(m);
}

static void empty_capture(void **state)
{
	struct model *m = begin();

	(void)state;
	feed(m, rec_mark(EV_CAPTURE_END, 500, END_SIGNAL)); /* before the start: cut to it */
	const struct model_result *r = model_result(m);

	assert_int_equal(r->end_ns, T0);
	assert_gil(&r->gils[0], 0, 0, 0, 0);
	assert_only_loss(r, LOSS_bad_record, 1);
	model_free(m);
}

static void records_need_no_alignment(void **state)
{
	struct model *m = begin();
	union record hold = rec_hold(0, 7, 1, 1100, 1300, 0);
	char bytes[sizeof(hold) + 1];

	(void)state;
	memcpy(bytes + 1, &hold, sizeof(hold));
	model_feed(m, bytes + 1, hold.head.size);
	const struct model_result *r = end_gil(m, 1, 0);

	assert_gil(&r->gils[0], 200, 0, 800, 0);
	model_free(m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(idle_capture),
		cmocka_unit_test(holds_gaps_and_waits),
		cmocka_unit_test(tail_with_waiters_is_handoff),
		cmocka_unit_test(hold_from_before_the_attach_is_clipped),
		cmocka_unit_test(hold_and_wait_are_clipped_at_the_start),
		cmocka_unit_test(what_ended_before_the_start_counts_nothing),
		cmocka_unit_test(open_hold_and_open_wait_are_clipped_at_the_end),
		cmocka_unit_test(hold_released_after_the_end_is_clipped),
		cmocka_unit_test(hold_after_the_end_gives_its_gap_and_wait),
		cmocka_unit_test(instants_at_the_edges),
		cmocka_unit_test(end_before_what_is_accounted),
		cmocka_unit_test(empty_capture),
		cmocka_unit_test(records_need_no_alignment),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
