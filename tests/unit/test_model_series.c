/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 gilscope contributors */
/* The bins of the series, at the end and while the capture runs. */
#include "model_fixture.h"

static void assert_bin(const struct model_bin *b, uint64_t held, uint64_t handoff, uint64_t idle,
		       uint64_t unknown, uint64_t wait)
{
	assert_int_equal(b->held_ns, held);
	assert_int_equal(b->handoff_ns, handoff);
	assert_int_equal(b->idle_ns, idle);
	assert_int_equal(b->unknown_ns, unknown);
	assert_int_equal(b->wait_ns, wait);
}

/* Bins of 300 in 1000: the last one is cut to 100. */
static void series_spreads_time_exactly(void **state)
{
	struct model *m = begin_with(300);

	(void)state;
	feed(m, rec_gil(0, 0));
	feed(m, rec_hold(0, 7, 1, 1100, 1700, HOLD_FORCED | HOLD_CONTENDED));
	feed(m, rec_waited(0, 8, 2, 1200, 1750, 1800, 0));
	stop(m);
	feed(m, rec_hold(0, 7, 4, 1850, 2000, HOLD_FORCED)); /* ends at the very end */
	const struct model_result *r = end_gil(m, 4, 0);

	assert_int_equal(r->series_count, 4);
	for (size_t i = 0; i < 4; i++) {
		assert_int_equal(r->series[i].at_ns, i * 300);
		assert_int_equal(r->series[i].span_ns, i < 3 ? 300 : 100);
	}
	assert_bin(&r->series[0], 200, 0, 100, 0, 100);
	assert_bin(&r->series[1], 300, 0, 0, 0, 300);
	assert_bin(&r->series[2], 100 + 50 + 50, 50, 0, 50, 150);
	assert_bin(&r->series[3], 100, 0, 0, 0, 0);
	assert_int_equal(r->series[2].holds, 2);
	assert_int_equal(r->series[2].contended_holds, 1);
	assert_int_equal(r->series[2].forced_releases, 1);
	assert_int_equal(r->series[3].holds, 1);
	assert_int_equal(r->series[3].forced_releases, 1);
	model_free(m);
}

/* What ends with the last bin belongs to it, not to one after it. */
static void series_of_whole_bins(void **state)
{
	struct model *m = begin_with(500);

	(void)state;
	feed(m, rec_gil(0, 0));
	feed(m, rec_hold(0, 7, 1, 1100, 2000, HOLD_FORCED));
	const struct model_result *r = end_gil(m, 1, 0);

	assert_int_equal(r->series_count, 2);
	assert_int_equal(r->series[1].span_ns, 500);
	assert_bin(&r->series[1], 500, 0, 0, 0, 0);
	assert_int_equal(r->series[1].holds, 1);
	assert_int_equal(r->series[1].forced_releases, 1);
	model_free(m);
}

/* Bins of 1 in 10^9: more than there may be. */
static void series_has_a_largest_length(void **state)
{
	struct model *m = begin_with(1);

	(void)state;
	feed(m, rec_gil(0, 0));
	feed(m, rec_hold(0, 7, 1, 2000, 1000000500, 0));
	feed(m, rec_gil_end(0, 1, 0));
	feed(m, rec_mark(EV_CAPTURE_END, 1000001000, END_DURATION));
	const struct model_result *r = model_result(m);

	assert_int_equal(r->series_count, MODEL_MAX_BINS);
	const struct model_bin *last = &r->series[MODEL_MAX_BINS - 1];

	assert_int_equal(last->span_ns, 1000000000 - (MODEL_MAX_BINS - 1));
	assert_bin(last, 999999500 - (MODEL_MAX_BINS - 1), 0, 500, 0, 0);
	assert_bin(&r->series[999], 0, 0, 1, 0, 0);
	assert_bin(&r->series[1000], 1, 0, 0, 0, 0);
	assert_int_equal(last->holds, 1);
	model_free(m);
}

/* A process that began during the capture has no bins of the time before. */
static void series_of_a_process_that_came_later(void **state)
{
	struct model *m =
		model_new(&(struct model_options){.interval_ns = 100, .series_start_ns = T0 - 300});
	struct model_bin b;

	(void)state;
	feed(m, rec_mark(EV_CAPTURE_START, T0 + 150, END_NONE));
	feed(m, rec_gil(0, T0 + 150));
	feed(m, rec_hold(0, 7, 1, T0 + 170, T0 + 220, 0));
	assert_true(model_peek_bin(m, 3, NULL, 0, &b));
	assert_bin(&b, 0, 0, 0, 0, 0);
	assert_true(model_peek_bin(m, 4, NULL, 0, &b));
	assert_int_equal(b.at_ns, 400);
	assert_bin(&b, 30, 0, 20, 0, 0);
	feed(m, rec_gil_end(0, 1, 0));
	feed(m, rec_mark(EV_CAPTURE_END, T0 + 330, END_TARGET_EXIT));
	const struct model_result *r = model_result(m);

	assert_int_equal(r->series_count, 3);
	for (size_t i = 0; i < 3; i++) {
		assert_int_equal(r->series[i].at_ns, 400 + i * 100);
		assert_int_equal(r->series[i].span_ns, i < 2 ? 100 : 30);
	}
	assert_bin(&r->series[0], 30, 0, 20, 0, 0);
	assert_bin(&r->series[1], 20, 0, 80, 0, 0);
	assert_bin(&r->series[2], 0, 0, 30, 0, 0);
	/* Asked for late: before its begin it took no time, after its end there is none. */
	assert_true(model_peek_bin(m, 2, NULL, 0, &b));
	assert_bin(&b, 0, 0, 0, 0, 0);
	assert_true(model_peek_bin(m, 6, NULL, 0, &b));
	assert_bin(&b, 0, 0, 30, 0, 0);
	assert_int_equal(b.span_ns, 100);
	assert_false(model_peek_bin(m, 7, NULL, 0, &b));
	model_free(m);
}

static void empty_series(void **state)
{
	struct model *m = begin_with(100);

	(void)state;
	feed(m, rec_gil(0, 0));
	feed(m, rec_mark(EV_CAPTURE_END, T0, END_SIGNAL));
	const struct model_result *r = model_result(m);

	assert_int_equal(r->series_count, 1);
	assert_int_equal(r->series[0].span_ns, 0);
	model_free(m);
}

static void peek_adds_what_is_going_on(void **state)
{
	struct model *m = begin_with(100);
	struct model_bin b;

	(void)state;
	feed(m, rec_gil(0, 0));
	feed(m, rec_gil(1, 0));
	feed(m, rec_hold(0, 7, 1, 1010, 1030, 0));

	const struct model_open open[] = {
		{.gil = 0, .is_wait = true, .from_ns = 1060},
		{.gil = 0, .from_ns = 1050}, /* a hold after an untold gap */
		{.gil = 0, .is_wait = true, .from_ns = 1250},
		{.gil = 1, .handoff = true, .from_ns = 900}, /* since before the capture */
		{.gil = 1, .is_wait = true, .from_ns = 950},
		{.gil = 9, .from_ns = 1000}, /* not known yet */
	};

	assert_true(model_peek_bin(m, 0, open, ARRAY_SIZE(open), &b));
	assert_int_equal(b.at_ns, 0);
	assert_int_equal(b.span_ns, 100);
	assert_int_equal(b.holds, 1);
	assert_bin(&b, 20 + 50, 100, 10 + 20, 0, 40 + 100);

	/* A bin that no record reached. */
	assert_true(model_peek_bin(m, 3, open, ARRAY_SIZE(open), &b));
	assert_int_equal(b.at_ns, 300);
	assert_bin(&b, 100, 100, 0, 0, 300);

	/* A hold that begins after the bin. */
	assert_true(model_peek_bin(m, 1, &(struct model_open){.gil = 0, .from_ns = 1250}, 1, &b));
	assert_bin(&b, 0, 0, 200, 0, 0);

	assert_true(model_peek_bin(m, 3, NULL, 0, &b));
	assert_bin(&b, 0, 0, 200, 0, 0);
	assert_false(model_peek_bin(m, MODEL_MAX_BINS, NULL, 0, &b));

	/* Nothing of it stays. */
	const struct model_result *r = end_gil(m, 1, 0);

	assert_gil(&r->gils[0], 20, 0, 980, 0);
	model_free(m);
}

static void peek_after_a_missed_release(void **state)
{
	struct model *m = begin_with(100);
	struct model_bin b;

	(void)state;
	feed(m, rec_gil(0, 0));
	feed(m, rec_hold(0, 7, 1, 1010, 0, HOLD_RELEASE_MISSED));
	assert_true(model_peek_bin(m, 0, &(struct model_open){.gil = 0, .from_ns = 1080}, 1, &b));
	assert_bin(&b, 20, 0, 10, 70, 0);
	model_free(m);
}

static void peek_needs_a_series(void **state)
{
	struct model *m = begin();
	struct model *unstarted = model_new(&(struct model_options){.interval_ns = 100});
	struct model_bin b;

	(void)state;
	assert_false(model_peek_bin(m, 0, NULL, 0, &b));
	assert_false(model_peek_bin(unstarted, 0, NULL, 0, &b));
	model_free(m);
	model_free(unstarted);
	model_free(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(series_spreads_time_exactly),
		cmocka_unit_test(series_of_whole_bins),
		cmocka_unit_test(series_has_a_largest_length),
		cmocka_unit_test(empty_series),
		cmocka_unit_test(series_of_a_process_that_came_later),
		cmocka_unit_test(peek_adds_what_is_going_on),
		cmocka_unit_test(peek_after_a_missed_release),
		cmocka_unit_test(peek_needs_a_series),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
