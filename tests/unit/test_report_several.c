/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 gilscope contributors */
/* The reports of several processes, from results made by hand (see report_golden.h). */
#include "tests/unit/report_golden.h"

#include <locale.h>

#include "tests/unit/report_group.h"

static struct group server, children;

static int setup(void **state)
{
	(void)state;
	make_server(&server);
	make_children(&children);
	return setlocale(LC_CTYPE, "C.UTF-8") ? 0 : -1;
}

static int teardown(void **state)
{
	(void)state;
	group_free(&server);
	group_free(&children);
	return 0;
}

static void golden_text(void **state)
{
	(void)state;
	compare_golden("server.80.txt",
		       report(&server.result, (struct report_options){.width = 80}));
	compare_golden(
		"server.100.ascii.txt",
		report(&server.result, (struct report_options){.width = 100, .ascii = true}));
	compare_golden(
		"server.132.verbose.txt",
		report(&server.result, (struct report_options){.width = 132, .verbose = true}));
	compare_golden(
		"children.100.color.txt",
		report(&children.result, (struct report_options){.width = 100, .color = true}));
}

static void golden_data(void **state)
{
	(void)state;
	compare_golden("server.json",
		       report(&server.result, (struct report_options){.format = FORMAT_JSON}));
	compare_golden("server.csv",
		       report(&server.result, (struct report_options){.format = FORMAT_CSV}));
}

static void text_fits(void **state)
{
	(void)state;
	for (int width = 58; width <= 170; width += 7) {
		for (int ascii = 0; ascii <= 1; ascii++) {
			struct report_options o = {.width = width, .ascii = ascii};

			check_lines(report(&server.result, o), width, ascii);
			check_lines(report(&children.result, o), width, ascii);
			o.verbose = width >= 90; /* the list of probes takes that */
			check_lines(report(&server.result, o), width, ascii);
		}
	}
}

static size_t count_of(const char *text, const char *what)
{
	size_t count = 0;

	for (; (text = strstr(text, what)); text++)
		count++;
	return count;
}

/* Each process has a row or is one of those that a line counts; five have a part of their own. */
static void many_are_cut(void **state)
{
	char *text = report(&children.result, (struct report_options){.width = 100});
	const char *rest = strstr(text, " more processes, seen for ");
	const char *quiet = strstr(text, " more processes no thread held");
	const size_t rows = count_of(text, "  python3 -m ");
	unsigned unshown, silent;

	(void)state;
	assert_non_null(rest);
	assert_non_null(quiet);
	while (rest[-1] != ' ')
		rest--;
	while (quiet[-1] != ' ')
		quiet--;
	assert_int_equal(sscanf(rest, "%u", &unshown), 1);
	assert_int_equal(sscanf(quiet, "%u", &silent), 1);
	assert_int_equal(rows, 20);
	assert_int_equal(silent, children.count / 3);
	assert_int_equal(rows + unshown + silent, children.count);
	assert_int_equal(count_of(text, "\xe2\x94\x80 Process "), 5);
	assert_non_null(strstr(text, "More follows about the first 5 of them"));
	free(text);
}

static void verbose_has_all(void **state)
{
	char *text =
		report(&children.result, (struct report_options){.width = 100, .verbose = true});

	(void)state;
	assert_int_equal(count_of(text, "  python3 -m "), children.count);
	assert_int_equal(count_of(text, "\xe2\x94\x80 Process "), children.count);
	assert_null(strstr(text, " more process"));
	assert_null(strstr(text, "More follows"));
	free(text);
}

/* By time waited, then by time held, the quiet ones last. */
static void worst_comes_first(void **state)
{
	char *text =
		report(&children.result, (struct report_options){.width = 100, .verbose = true});
	char *rest = strstr(text, "THREADS");
	uint64_t last_wait = UINT64_MAX, last_held = UINT64_MAX;

	(void)state;
	assert_non_null(rest);
	strsep(&rest, "\n");
	for (size_t row = 0; row < children.count; row++) {
		long pid = strtol(strsep(&rest, "\n"), NULL, 10);
		const struct model_gil *gil = &children.members[pid - 20000].gils[0];

		assert_in_range(pid, 20000, 20000 + children.count - 1);
		assert_true(gil->wait_ns <= last_wait);
		assert_true(gil->wait_ns < last_wait || gil->held_ns <= last_held);
		last_wait = gil->wait_ns;
		last_held = gil->held_ns;
	}
	assert_int_equal(last_held, 0);
	free(text);
}

/* A process whose records were all lost is not one in which nothing happened. */
static void lost_is_not_quiet(void **state)
{
	struct result_process two[] = {server.processes[0], server.processes[0]};
	struct model_result model = *two[1].model;
	struct model_gil gil = model.gils[0];
	struct target target = *two[1].target;
	struct result s = server.result;

	(void)state;
	gil.unknown_ns = gil.idle_ns;
	gil.idle_ns = 0;
	model.gils = &gil;
	target.pid++;
	two[1].model = &model;
	two[1].target = &target;
	s.processes = two;
	s.process_count = 2;
	char *text = report(&s, (struct report_options){.width = 100});
	assert_non_null(strstr(text, "\n  4101  "));
	assert_null(strstr(text, "\n  4100  "));
	assert_non_null(strstr(text, "In 1 more process no thread"));
	free(text);
}

/* One of those that were asked for is reported like several, with totals. */
static void one_of_several(void **state)
{
	struct result one = server.result;

	(void)state;
	one.process_count = 1;
	char *text = report(&one, (struct report_options){.width = 100});
	assert_non_null(strstr(text, "Profiled 1 process for"));
	assert_non_null(strstr(text, "In 1 process no thread"));
	free(text);
	json_t *root = load_json(&one, false);
	assert_int_equal(get(json_object_get(root, "totals"), "processes"), 1);
	json_decref(root);

	one.several = false;
	text = report(&one, (struct report_options){.width = 100});
	assert_non_null(strstr(text, "Profiled PID 4100"));
	free(text);
	root = load_json(&one, false);
	assert_null(json_object_get(root, "totals"));
	json_decref(root);
}

/* A process that was asked for alone and executed another program is two. */
static void executed(void **state)
{
	struct result two = server.result;
	struct report_options csv = {.format = FORMAT_CSV};

	(void)state;
	two.several = false;
	two.processes = &server.processes[5];
	two.process_count = 2;
	char *text = report(&two, csv), *rest = text;
	strsep(&rest, "\n");
	for (int i = 0; i < 3; i++) {
		const char *line = strsep(&rest, "\n");

		assert_non_null(line);
		assert_memory_equal(line, "4160,", 5);
		assert_string_equal(line + strlen(line) - 2, i == 0 ? ",1" : ",2");
	}
	assert_string_equal(rest, "");
	free(text);
	text = report(&two, (struct report_options){.width = 100});
	assert_non_null(strstr(text, "Profiled 2 processes for"));
	assert_non_null(strstr(text, "until it executed another program."));
	free(text);
}

static json_int_t sum_of(json_t *array, const char *key)
{
	json_int_t sum = 0;
	json_t *item;
	size_t i;

	json_array_foreach(array, i, item) sum += get(item, key);
	return sum;
}

static void totals_are_sums(void **state)
{
	static const char *const keys[] = {
		"held_ns", "handoff_ns",      "idle_ns",	 "unknown_ns",	      "wait_ns",
		"holds",   "contended_holds", "forced_releases", "voluntary_releases"};
	json_t *root = load_json(&children.result, false);
	json_t *processes = json_object_get(root, "processes");
	json_t *totals = json_object_get(root, "totals");
	json_int_t sums[ARRAY_SIZE(keys)] = {0}, hits = 0;
	json_t *process;
	size_t i;

	(void)state;
	json_array_foreach(processes, i, process)
	{
		for (size_t k = 0; k < ARRAY_SIZE(keys); k++)
			sums[k] += sum_of(json_object_get(process, "gils"), keys[k]);
		hits += sum_of(json_object_get(process, "probes"), "hits");
	}
	for (size_t k = 0; k < ARRAY_SIZE(keys); k++)
		assert_int_equal(get(totals, keys[k]), sums[k]);
	assert_int_equal(get(totals, "processes"), children.count);
	assert_int_equal(get(totals, "probe_hits"), hits);
	assert_int_equal(get(totals, "observed_ns"), sum_of(processes, "observed_ns"));
	assert_int_equal(get(totals, "unobserved_ns"), sum_of(processes, "unobserved_ns"));
	json_decref(root);
}

/* What one process cannot tell, all together cannot. */
static void totals_say_unknown(void **state)
{
	struct probe_plan plan = *server.processes[2].plan;
	struct result_process two[] = {server.processes[1], server.processes[2]};
	struct result s = server.result;

	(void)state;
	plan.forced_known = false;
	two[1].plan = &plan;
	s.processes = two;
	s.process_count = 2;
	json_t *root = load_json(&s, false);
	json_t *totals = json_object_get(root, "totals");
	assert_true(json_is_null(json_object_get(totals, "forced_releases")));
	assert_true(json_is_null(json_object_get(totals, "voluntary_releases")));
	json_decref(root);
}

/* Process losses: only those of the process, only where there are any. */
static void losses_have_an_owner(void **state)
{
	json_t *root = load_json(&server.result, false), *process;
	size_t i;

	(void)state;
	json_array_foreach(json_object_get(root, "processes"), i, process)
	{
		json_t *losses = json_object_get(process, "losses");

		if (i == 4) {
			assert_int_equal(json_object_size(losses), 1);
			assert_int_equal(get(losses, "ring_full"), 2);
		} else {
			assert_null(losses);
		}
	}
	json_decref(root);
}

/* A free-threaded build whose GIL is off, alone and among others; and one whose GIL was on. */
static void free_threaded(void **state)
{
	static const char off[] = "there is no GIL contention to measure";
	struct report_options wide = {.width = 160};
	struct target target = *server.processes[0].target;
	struct result_process process = server.processes[0];
	struct result s = server.result;

	(void)state;
	target.free_threaded = true;
	process.target = &target;
	s.processes = &process;
	s.process_count = 1;
	s.several = false;
	char *text = report(&s, wide);
	assert_int_equal(count_of(text, off), 1);
	assert_null(strstr(text, "its GIL was on"));
	assert_null(strstr(text, "free, not wanted"));
	free(text);

	s.several = true;
	text = report(&s, wide);
	assert_int_equal(count_of(text, off), 1);
	free(text);

	process.model = server.processes[1].model;
	text = report(&s, wide);
	assert_int_equal(count_of(text, off), 0);
	assert_int_equal(count_of(text, "but its GIL was on"), 1);
	assert_non_null(strstr(text, "free, not wanted"));
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(golden_text),	      cmocka_unit_test(golden_data),
		cmocka_unit_test(text_fits),	      cmocka_unit_test(many_are_cut),
		cmocka_unit_test(verbose_has_all),    cmocka_unit_test(worst_comes_first),
		cmocka_unit_test(lost_is_not_quiet),  cmocka_unit_test(one_of_several),
		cmocka_unit_test(executed),	      cmocka_unit_test(totals_are_sums),
		cmocka_unit_test(totals_say_unknown), cmocka_unit_test(losses_have_an_owner),
		cmocka_unit_test(free_threaded),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
