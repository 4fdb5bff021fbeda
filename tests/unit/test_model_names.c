/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 gilscope contributors */
/* The names that threads have in Python: whose they are, and which one counts. */
#include "model_fixture.h"

#include <string.h>

static const char *name_of(const struct model_result *r, uint32_t tid, size_t nth)
{
	for (size_t i = 0; i < r->thread_count; i++)
		if (r->threads[i].tid == tid && nth-- == 0)
			return r->threads[i].name ? r->threads[i].name : "(none)";
	fail_msg("no entry %zu of thread %u", nth, tid);
	return NULL;
}

static void last_name_counts(void **state)
{
	struct model *m = begin();

	(void)state;
	feed(m, rec_thread(EV_THREAD_NAME, 7, 1000, "python3"));
	feed(m, rec_thread(EV_THREAD_NAME, 8, 1000, "python3"));
	feed(m, rec_python_name(7, 1000, "early"));
	feed(m, rec_hold(0, 7, 1, 1100, 1200, 0));
	feed(m, rec_hold(0, 8, 2, 1300, 1400, 0));
	feed(m, rec_python_name(7, 1500, "late"));
	feed(m, rec_python_name(7, 1600, "")); /* says nothing */
	const struct model_result *r = end_gil(m, 2, 0);

	assert_string_equal(name_of(r, 7, 0), "late");
	assert_string_equal(r->threads[0].comm, "python3");
	assert_string_equal(name_of(r, 8, 0), "(none)");
	assert_no_losses(r);
	model_free(m);
}

/* An entry for each GIL, each with the name. */
static void name_is_the_threads_at_every_gil(void **state)
{
	struct model *m = begin();

	(void)state;
	feed(m, rec_gil(1, 0));
	feed(m, rec_hold(0, 7, 1, 1100, 1200, 0));
	feed(m, rec_hold(1, 7, 1, 1300, 1400, 0));
	feed(m, rec_python_name(7, 1500, "both"));
	feed(m, rec_gil_end(1, 1, 0));
	const struct model_result *r = end_gil(m, 1, 0);

	assert_string_equal(name_of(r, 7, 0), "both");
	assert_string_equal(name_of(r, 7, 1), "both");
	model_free(m);
}

/* A tid that comes again is another thread's, and a look that began after an exit saw no more of it. */
static void name_belongs_to_a_life(void **state)
{
	struct model *m = begin();

	(void)state;
	feed(m, rec_hold(0, 7, 1, 1100, 1200, 0));
	feed(m, rec_python_name(7, 1210, "first"));
	feed(m, rec_thread(EV_THREAD_EXIT, 7, 1300, ""));
	feed(m,
	     rec_python_name(7, 1290, "first, at last")); /* read before the exit, told after it */
	feed(m, rec_python_name(7, 1310, "nobody's"));
	feed(m, rec_thread(EV_THREAD_START, 7, 1400, "python3"));
	feed(m, rec_hold(0, 7, 2, 1500, 1600, 0));
	const struct model_result *r = end_gil(m, 2, 0);

	assert_string_equal(name_of(r, 7, 0), "first, at last");
	assert_string_equal(name_of(r, 7, 1), "(none)");
	model_free(m);
}

static void name_of_a_thread_that_nobody_knows(void **state)
{
	struct model *m = begin();

	(void)state;
	feed(m, rec_python_name(9, 1100, "ghost"));
	const struct model_result *r = end_gil(m, 0, 0);

	assert_int_equal(r->thread_count, 0);
	assert_int_equal(r->threads_off_gil, 0);
	assert_no_losses(r);
	model_free(m);
}

/* One of many threads that exited, kept because it was busy. */
static void name_is_kept_with_the_entry(void **state)
{
	const struct model_options options = {.max_exited = 1, .max_recent = 1};
	struct model *m = model_new(&options);

	(void)state;
	feed(m, rec_mark(EV_CAPTURE_START, T0, END_NONE));
	feed(m, rec_gil(0, 0));
	for (uint32_t i = 0; i < 20; i++) {
		const uint64_t at = T0 + 10 + i * 20;

		feed(m, rec_thread(EV_THREAD_START, 100 + i, at, "python3"));
		feed(m, rec_hold(0, 100 + i, i + 1, at, at + (i == 5 ? 9 : 2), 0));
		feed(m, rec_python_name(100 + i, at + 9, i == 5 ? "busy" : "other"));
		feed(m, rec_thread(EV_THREAD_EXIT, 100 + i, at + 10, "python3"));
	}
	const struct model_result *r = end_gil(m, 20, 0);

	assert_int_equal(r->thread_count, 1);
	assert_string_equal(name_of(r, 105, 0), "busy");
	assert_int_equal(r->exited[0].together, 19);
	assert_null(r->exited[0].name);
	model_free(m);
}

static void name_without_an_end(void **state)
{
	struct model *m = begin();
	union record r = rec_python_name(7, 1200, "");

	(void)state;
	memset(r.python_name.name, 'x', sizeof(r.python_name.name));
	feed(m, rec_hold(0, 7, 1, 1100, 1200, 0));
	feed(m, r);
	const struct model_result *result = end_gil(m, 1, 0);

	assert_only_loss(result, LOSS_bad_record, 1);
	assert_string_equal(name_of(result, 7, 0), "(none)");
	model_free(m);
}

static void comm_of_the_process(void **state)
{
	struct model *m = model_new(&(struct model_options){0});
	union record start = rec_mark(EV_CAPTURE_START, T0, END_NONE);

	(void)state;
	start.mark.pid = 7;
	feed(m, start);
	feed(m, rec_gil(0, 0));
	feed(m, rec_thread(EV_THREAD_NAME, 7, 1000, "python3"));
	feed(m, rec_thread(EV_THREAD_NAME, 7, 1500, "shop: worker"));
	feed(m, rec_thread(EV_THREAD_NAME, 8, 1600, "pool"));
	assert_string_equal(end_gil(m, 0, 0)->comm, "shop: worker");
	model_free(m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(last_name_counts),
		cmocka_unit_test(name_is_the_threads_at_every_gil),
		cmocka_unit_test(name_belongs_to_a_life),
		cmocka_unit_test(name_of_a_thread_that_nobody_knows),
		cmocka_unit_test(name_is_kept_with_the_entry),
		cmocka_unit_test(name_without_an_end),
		cmocka_unit_test(comm_of_the_process),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
