/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 gilscope contributors */
/* What the model makes of lost, missed, illegal and malformed records. */
#include "model_fixture.h"

static void gap_in_the_sequence_is_unknown(void **state)
{
	struct model *m = begin();

	(void)state;
	feed(m, rec_hold(0, 7, 1, 1100, 1200, 0));
	feed(m, rec_waited(0, 8, 4, 1250, 1500, 1600, 0));
	feed(m, rec_hold(0, 7, 5, 1650, 1700, 0));
	feed(m, rec_loss(LOSS_ring_full, 2));
	const struct model_result *r = end_gil(m, 5, 0);

	assert_gil(&r->gils[0], 250, 0, 450, 300);
	assert_int_equal(r->gils[0].lost_holds, 2);
	assert_int_equal(r->gils[0].holds, 3);
	assert_times(&r->threads[1].wait, 1, 250, 0, 0);
	assert_only_loss(r, LOSS_ring_full, 2);
	model_free(m);
}

static void holds_lost_before_the_end_make_the_tail_unknown(void **state)
{
	struct model *m = begin();

	(void)state;
	feed(m, rec_hold(0, 7, 1, 1100, 1200, 0));
	const struct model_result *r = end_gil(m, 3, 1);

	assert_gil(&r->gils[0], 100, 0, 100, 800);
	assert_int_equal(r->gils[0].lost_holds, 2);
	model_free(m);
}

static void holds_lost_before_the_open_one(void **state)
{
	struct model *m = begin();

	(void)state;
	feed(m, rec_hold(0, 7, 1, 1100, 1200, 0));
	stop(m);
	feed(m, rec_hold(0, 8, 4, 1500, 2000, HOLD_OPEN));
	const struct model_result *r = end_gil(m, 3, 0);

	assert_gil(&r->gils[0], 600, 0, 100, 300);
	assert_int_equal(r->gils[0].lost_holds, 2);
	assert_int_equal(r->gils[0].holds, 2);
	model_free(m);
}

static void gil_without_an_end_has_an_unknown_tail(void **state)
{
	struct model *m = begin();

	(void)state;
	feed(m, rec_hold(0, 7, 1, 1100, 1200, 0));
	const struct model_result *r = end(m);

	assert_gil(&r->gils[0], 100, 0, 100, 800);
	assert_int_equal(r->gils[0].lost_holds, 0);
	model_free(m);
}

static void holds_lost_before_the_end_count_once(void **state)
{
	struct model *m = begin();

	(void)state;
	feed(m, rec_hold(0, 7, 1, 1100, 1200, 0));
	feed(m, rec_gil_end(0, 3, 0));
	const struct model_result *r = end_gil(m, 3, 0);

	assert_gil(&r->gils[0], 100, 0, 100, 800);
	assert_int_equal(r->gils[0].lost_holds, 2);
	model_free(m);
}

/* A hold after the GIL's end belies what the end said of the tail. */
static void hold_after_the_gils_end(void **state)
{
	struct model *m = begin();

	(void)state;
	feed(m, rec_gil_end(0, 0, 0));
	feed(m, rec_hold(0, 7, 1, 1100, 1200, 0));
	const struct model_result *r = end(m);

	assert_gil(&r->gils[0], 100, 0, 100, 800);
	model_free(m);
}

static void repeated_and_backward_numbers_are_ignored(void **state)
{
	struct model *m = begin();

	(void)state;
	feed(m, rec_hold(0, 7, 2, 1100, 1200, 0));
	feed(m, rec_hold(0, 8, 2, 1300, 1400, 0));
	feed(m, rec_waited(0, 8, 1, 1300, 1400, 1500, 0));
	feed(m, rec_hold(0, 8, 0, 1500, 1600, 0));
	const struct model_result *r = end_gil(m, 2, 0);

	assert_gil(&r->gils[0], 100, 0, 800, 100);
	assert_int_equal(r->thread_count, 1);
	assert_int_equal(r->gils[0].lost_holds, 1);
	assert_only_loss(r, LOSS_bad_record, 3);
	model_free(m);
}

static void missed_acquire_is_unknown_to_its_release(void **state)
{
	struct model *m = begin();

	(void)state;
	feed(m, rec_hold(0, 7, 1, 1100, 1200, 0));
	feed(m, rec_hold(0, 8, 2, 0, 1500, HOLD_ACQUIRE_MISSED | HOLD_FORCED));
	feed(m, rec_hold(0, 7, 3, 1550, 1600, HOLD_GAP_WAITED));
	const struct model_result *r = end_gil(m, 3, 0);

	assert_gil(&r->gils[0], 150, 50, 500, 300);
	assert_int_equal(r->gils[0].holds, 2);
	assert_int_equal(r->gils[0].forced_releases, 0);
	assert_int_equal(r->gils[0].voluntary_releases, 2);
	assert_int_equal(r->gils[0].lost_holds, 0);
	assert_int_equal(r->thread_count, 1);
	assert_only_loss(r, LOSS_acquire_missed, 1);
	model_free(m);
}

static void wrong_releaser_is_another_loss(void **state)
{
	struct model *m = begin();

	(void)state;
	feed(m, rec_hold(0, 8, 1, 0, 1500, HOLD_ACQUIRE_MISSED | HOLD_WRONG_RELEASER));
	const struct model_result *r = end_gil(m, 1, 0);

	assert_gil(&r->gils[0], 0, 0, 500, 500);
	assert_only_loss(r, LOSS_wrong_releaser, 1);
	model_free(m);
}

static void missed_release_is_unknown_to_the_next_acquire(void **state)
{
	struct model *m = begin();

	(void)state;
	feed(m, rec_waited(0, 7, 1, 1050, 1100, 0, HOLD_RELEASE_MISSED));
	feed(m, rec_hold(0, 8, 2, 1400, 1500, HOLD_GAP_WAITED));
	const struct model_result *r = end_gil(m, 2, 0);

	assert_gil(&r->gils[0], 100, 100, 500, 300);
	assert_int_equal(r->gils[0].holds, 1);
	assert_times(&r->threads[0].wait, 1, 50, 0, 0);
	assert_times(&r->threads[0].hold, 0, 0, 0, 0);
	assert_int_equal(r->gils[0].voluntary_releases, 1);
	assert_only_loss(r, LOSS_release_missed, 1);
	model_free(m);
}

static void missed_release_of_the_last_hold(void **state)
{
	struct model *m = begin();

	(void)state;
	feed(m, rec_hold(0, 7, 1, 1100, 0, HOLD_RELEASE_MISSED));
	const struct model_result *r = end_gil(m, 1, 1);

	assert_gil(&r->gils[0], 0, 0, 100, 900);
	model_free(m);
}

static void missed_acquire_and_release(void **state)
{
	struct model *m = begin();

	(void)state;
	feed(m, rec_hold(0, 7, 1, 0, 0, HOLD_ACQUIRE_MISSED | HOLD_RELEASE_MISSED));
	feed(m, rec_hold(0, 8, 2, 1400, 1500, 0));
	const struct model_result *r = end_gil(m, 2, 0);

	assert_gil(&r->gils[0], 100, 0, 500, 400);
	assert_int_equal(r->losses[LOSS_acquire_missed], 1);
	assert_int_equal(r->losses[LOSS_release_missed], 1);
	model_free(m);
}

static void hold_that_ends_before_it_begins(void **state)
{
	struct model *m = begin();

	(void)state;
	feed(m, rec_hold(0, 7, 1, 1100, 1200, 0));
	feed(m, rec_waited(0, 8, 2, 1150, 1400, 1300, 0));
	feed(m, rec_hold(0, 7, 3, 1500, 1600, HOLD_GAP_WAITED));
	const struct model_result *r = end_gil(m, 3, 0);

	assert_gil(&r->gils[0], 200, 0, 500, 300);
	assert_int_equal(r->thread_count, 1);
	assert_int_equal(r->gils[0].lost_holds, 0);
	assert_only_loss(r, LOSS_bad_interval, 1);
	model_free(m);
}

static void wait_that_ends_before_it_begins(void **state)
{
	struct model *m = begin();

	(void)state;
	feed(m, rec_waited(0, 8, 1, 1450, 1400, 1500, 0));
	feed(m, rec_wait(EV_WAIT_END, 0, 9, 1500, 1400));
	const struct model_result *r = end_gil(m, 1, 0);

	assert_gil(&r->gils[0], 100, 400, 500, 0);
	assert_int_equal(r->thread_count, 1);
	assert_times(&r->threads[0].hold, 1, 100, 0, 0);
	assert_times(&r->threads[0].wait, 0, 0, 0, 0);
	assert_only_loss(r, LOSS_bad_interval, 2);
	model_free(m);
}

static void overlap_is_accounted_once(void **state)
{
	struct model *m = begin();

	(void)state;
	feed(m, rec_hold(0, 7, 1, 1100, 1300, 0));
	feed(m, rec_hold(0, 8, 2, 1200, 1400, HOLD_FORCED)); /* 100 of its 200 are taken */
	feed(m, rec_hold(0, 9, 3, 1150, 1250, 0));	     /* all of it */
	const struct model_result *r = end_gil(m, 3, 0);

	assert_gil(&r->gils[0], 300, 0, 700, 0);
	assert_times(&r->threads[0].hold, 1, 200, 0, 0);
	assert_times(&r->threads[1].hold, 0, 100, 1, 100);
	assert_times(&r->threads[2].hold, 0, 0, 1, 0);
	assert_int_equal(r->threads[1].forced_releases, 1);
	assert_only_loss(r, LOSS_overlap, 2);
	model_free(m);
}

static void malformed_records_are_counted(void **state)
{
	struct model *m = model_new(&(struct model_options){0});
	union record hold = rec_hold(0, 7, 1, 1100, 1200, 0), bad;

	(void)state;
	feed(m, rec_loss(LOSS_ring_full, 3));
	feed(m, hold); /* 1: before the start */
	feed(m, rec_mark(EV_CAPTURE_START, T0, END_NONE));
	feed(m, rec_mark(EV_CAPTURE_START, T0, END_NONE)); /* 2 */
	feed(m, rec_gil(0, 0));
	model_feed(m, &hold, 0);		     /* 3 */
	model_feed(m, &hold, 7);		     /* 4: not even a head */
	model_feed(m, &hold, sizeof(hold.hold) - 8); /* 5: cut off */
	bad = hold;
	bad.head.size -= 8;
	model_feed(m, &bad, bad.head.size); /* 6: the size of another kind */
	bad = hold;
	bad.head.kind = 99;
	feed(m, bad); /* 7 */
	bad.head.kind = 10;
	feed(m, bad); /* 8: between the known kinds */
	bad.head.kind = 0;
	feed(m, bad);						  /* 9 */
	feed(m, rec_hold(0, 7, 1, 0, 1200, 0));			  /* 10: nothing says why */
	feed(m, rec_hold(0, 7, 1, 1100, 0, HOLD_ACQUIRE_MISSED)); /* 11: too */
	feed(m, rec_loss(LOSS_KINDS, 1));			  /* 12 */
	feed(m, rec_hold(5, 7, 0, 1100, 1200, 0)); /* 13: no number, and it makes no GIL */
	bad = hold;
	bad.head.size += 8;
	model_feed(m, &bad, sizeof(bad.hold)); /* 14: says another size than it has */
	assert_int_equal(model_losses(m, LOSS_bad_record), 14);
	stop(m);
	stop(m); /* 15 */
	const struct model_result *r = end_gil(m, 0, 0);

	assert_int_equal(r->losses[LOSS_bad_record], 15);
	assert_int_equal(r->gil_count, 1);
	assert_int_equal(r->losses[LOSS_ring_full], 3);
	assert_gil(&r->gils[0], 0, 0, 1000, 0);
	feed(m, hold); /* after the end */
	assert_int_equal(model_losses(m, LOSS_bad_record), 16);
	model_free(m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(gap_in_the_sequence_is_unknown),
		cmocka_unit_test(holds_lost_before_the_end_make_the_tail_unknown),
		cmocka_unit_test(holds_lost_before_the_open_one),
		cmocka_unit_test(gil_without_an_end_has_an_unknown_tail),
		cmocka_unit_test(holds_lost_before_the_end_count_once),
		cmocka_unit_test(hold_after_the_gils_end),
		cmocka_unit_test(repeated_and_backward_numbers_are_ignored),
		cmocka_unit_test(missed_acquire_is_unknown_to_its_release),
		cmocka_unit_test(wrong_releaser_is_another_loss),
		cmocka_unit_test(missed_release_is_unknown_to_the_next_acquire),
		cmocka_unit_test(missed_release_of_the_last_hold),
		cmocka_unit_test(missed_acquire_and_release),
		cmocka_unit_test(hold_that_ends_before_it_begins),
		cmocka_unit_test(wait_that_ends_before_it_begins),
		cmocka_unit_test(overlap_is_accounted_once),
		cmocka_unit_test(malformed_records_are_counted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
