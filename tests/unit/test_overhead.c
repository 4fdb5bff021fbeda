/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 gilscope contributors */
/* When what the probes cost a process is told while it runs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/clock.h"
#include "collect/overhead.h"

#define START_NS (77 * NSEC_PER_SEC)

/* One process, looked at once a second. */
struct life {
	struct overhead_watch watch;
	uint64_t now_ns, cost_ns;
};

static struct life begin(void)
{
	return (struct life){.watch = {.since_ns = START_NS}, .now_ns = START_NS};
}

/* Pays so many thousandths of a CPU for that time; how often that was told, and the last in *told. */
static int pay(struct life *life, int seconds, unsigned thousandths, double *told)
{
	int times = 0;

	for (int i = 0; i < seconds; i++) {
		life->now_ns += NSEC_PER_SEC;
		life->cost_ns += thousandths * NSEC_PER_SEC / 1000;
		const double cpus = overhead_judge(&life->watch, life->now_ns, life->cost_ns);

		if (cpus > 0) {
			times++;
			*told = cpus;
		}
	}
	return times;
}

static void test_below_the_limit(void **state)
{
	struct life life = begin();
	double told = 0;

	(void)state;
	assert_int_equal(pay(&life, 600, 49, &told), 0);
}

static void test_told_once(void **state)
{
	struct life life = begin();
	double told = 0;

	(void)state;
	assert_int_equal(pay(&life, 600, 70, &told), 1);
	assert_float_equal(told, 0.07, 1e-9);
}

/* A long quiet time does not hide what comes after it. */
static void test_last_seconds_count(void **state)
{
	struct life life = begin();
	double told = 0;

	(void)state;
	assert_int_equal(pay(&life, 3600, 0, &told), 0);
	assert_int_equal(pay(&life, 4, 300, &told), 1);
	assert_true(told > 0.14);
}

static void test_again_only_if_much_worse(void **state)
{
	struct life life = begin();
	double told = 0;

	(void)state;
	assert_int_equal(pay(&life, 10, 100, &told), 1);
	assert_int_equal(pay(&life, 10, 190, &told), 0);
	assert_int_equal(pay(&life, 10, 0, &told), 0);
	assert_int_equal(pay(&life, 10, 100, &told), 0);
	assert_int_equal(pay(&life, 10, 500, &told), 1);
	assert_float_equal(told, 0.5, 1e-9);
	assert_int_equal(pay(&life, 10, 900, &told), 0);
}

/* Its first moments alone say nothing: an interpreter that starts is busy. */
static void test_not_at_once(void **state)
{
	struct life life = begin();
	double told = 0;

	(void)state;
	assert_int_equal(pay(&life, 1, 1000, &told), 0);
	assert_int_equal(pay(&life, 1, 1000, &told), 1);
}

/* Nobody has to come by each second. */
static void test_a_long_time_at_once(void **state)
{
	struct overhead_watch watch = {.since_ns = START_NS};

	(void)state;
	assert_float_equal(overhead_judge(&watch, START_NS + 100 * NSEC_PER_SEC, 20 * NSEC_PER_SEC),
			   0.2, 1e-9);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_below_the_limit),
		cmocka_unit_test(test_told_once),
		cmocka_unit_test(test_last_seconds_count),
		cmocka_unit_test(test_again_only_if_much_worse),
		cmocka_unit_test(test_not_at_once),
		cmocka_unit_test(test_a_long_time_at_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
