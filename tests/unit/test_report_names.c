/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 gilscope contributors */
/* What threads are called in reports, and rows of those that are called alike. */
#define _GNU_SOURCE
#include "tests/unit/report_golden.h"

#include <locale.h>

#include "report/names.h"
#include "tests/unit/report_single.h"

static struct sample service;

static int setup(void **state)
{
	(void)state;
	make_service(&service);
	return setlocale(LC_CTYPE, "C.UTF-8") ? 0 : -1;
}

static int teardown(void **state)
{
	(void)state;
	sample_free(&service);
	return 0;
}

static void check_name(const char *exe, const char *main_comm, uint32_t tid, const char *comm,
		       char *python, const char *expected)
{
	const struct target target = {.pid = 4242, .exe = (char *)exe};
	struct model_result model = {0};
	const struct result_process process = {.target = &target, .model = &model};
	struct model_thread thread = {.tid = tid, .name = python};

	snprintf(model.comm, sizeof(model.comm), "%s", main_comm);
	snprintf(thread.comm, sizeof(thread.comm), "%s", comm);
	char *name = name_of_thread(&process, &thread);
	assert_string_equal(name, expected);
	free(name);
}

static void names(void **state)
{
	char python[] = "pricing";

	(void)state;
	check_name("/usr/bin/python3.11", "python3", 4243, "python3", python, "pricing");
	check_name("/usr/bin/python3.11", "python3", 4242, "python3", python, "pricing");
	check_name("/usr/bin/python3.11", "python3", 4242, "python3", NULL, "MainThread");
	check_name("/usr/bin/python3.11", "python3", 4243, "python3", NULL, "Thread-4243");
	check_name("/usr/bin/python3.11", "python3", 4243, "", NULL, "Thread-4243");
	check_name("/usr/bin/python3.11", "python3", 4243, "rocksdb:low", NULL, "rocksdb:low");
	/* the process has called itself something else since */
	check_name("/usr/bin/python3.11", "shop: worker", 4243, "shop: worker", NULL,
		   "Thread-4243");
	check_name("/usr/bin/python3.11", "shop: worker", 4243, "python3", NULL, "Thread-4243");
	check_name(NULL, "", 4243, "python3", NULL, "python3");
}

static void groups(void **state)
{
	static const struct {
		const char *name, *group;
	} cases[] = {
		{"worker-3", "worker-*"},
		{"worker-12", "worker-*"},
		{"ThreadPoolExecutor-0_17", "ThreadPoolExecutor-0_*"},
		{"asyncio_0", "asyncio_*"},
		{"Thread-4243", "Thread-*"},
		{"Thread-5 (handle)", "Thread-* (handle)"},
		{"Thread-5 (handle_1)", "Thread-* (handle_1)"},
		{"Thread-15 (<lambda>)", "Thread-* (<lambda>)"},
		{"MainThread", "MainThread"},
		{"reader (v2)", "reader (v2)"},
		{"a (b) 3", "a (b) *"},
		{"7", "*"},
		{"漢字9", "漢字*"},
		{"", ""},
		{")", ")"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		char *group = group_of_name(cases[i].name);

		assert_string_equal(group, cases[i].group);
		free(group);
	}
}

static void golden(void **state)
{
	(void)state;
	compare_golden(
		"grouped.100.txt",
		report(&service.result, (struct report_options){.width = 100, .group = true}));
	compare_golden("grouped.csv",
		       report(&service.result,
			      (struct report_options){.format = FORMAT_CSV, .group = true}));
}

/* The group is the sum of its threads, and its histogram has all their times. */
static void sums(void **state)
{
	struct report_options options = {.format = FORMAT_JSON, .group = true};
	json_t *json, *process, *threads, *item, *found = NULL;
	json_int_t held = 0, holds = 0, buckets = 0, longest = 0;
	size_t i, members = 0;

	(void)state;
	char *text = report(&service.result, options);
	json = json_loads(text, 0, NULL);
	assert_non_null(json);
	process = json_array_get(json_object_get(json, "processes"), 0);
	threads = json_object_get(process, "threads");
	assert_int_equal(json_array_size(threads), 24); /* these are told one by one as well */
	json_array_foreach(threads, i, item)
	{
		json_t *hold = json_object_get(item, "hold");

		if (strcmp(json_string_value(json_object_get(item, "group")), "ThreadPool_*") != 0)
			continue;
		members++;
		held += get(hold, "total_ns");
		holds += get(hold, "count");
		if (get(hold, "max_ns") > longest)
			longest = get(hold, "max_ns");
	}
	json_array_foreach(json_object_get(process, "groups"), i,
			   item) if (!strcmp(json_string_value(json_object_get(item, "group")),
					     "ThreadPool_*")) found = item;
	assert_non_null(found);
	assert_int_equal(json_array_size(json_object_get(process, "groups")), 3);
	assert_int_equal(members, 22);
	assert_int_equal(get(found, "threads"), 22);
	json_t *hold = json_object_get(found, "hold");
	assert_int_equal(get(hold, "total_ns"), held);
	assert_int_equal(get(hold, "count"), holds);
	assert_int_equal(get(hold, "max_ns"), longest);
	json_array_foreach(json_object_get(hold, "buckets"), i, item) buckets +=
		json_integer_value(json_array_get(item, 2));
	assert_int_equal(buckets, holds);
	json_decref(json);
	free(text);
}

static size_t groups_called(const char *group)
{
	struct report_options options = {.format = FORMAT_JSON, .group = true};
	char *text = report(&service.result, options);
	json_t *json = json_loads(text, 0, NULL), *item;
	size_t i, found = 0;

	assert_non_null(json);
	json_t *process = json_array_get(json_object_get(json, "processes"), 0);
	json_array_foreach(json_object_get(process, "groups"), i, item) found +=
		!strcmp(json_string_value(json_object_get(item, "group")), group);
	json_decref(json);
	free(text);
	return found;
}

/* Times at different GILs are never added up. */
static void groups_of_several_gils(void **state)
{
	struct model_thread *threads = service.threads.items;

	(void)state;
	assert_int_equal(groups_called("ThreadPool_*"), 1);
	for (size_t i = 0; i < service.threads.count; i++)
		threads[i].gil = i % 2;
	assert_int_equal(groups_called("ThreadPool_*"), 2);
	for (size_t i = 0; i < service.threads.count; i++)
		threads[i].gil = 0;
}

/* Names come from the target: long ones are cut, and nothing in them steers the terminal. */
static void hostile_names(void **state)
{
	char steering[] = "\x1b[31mred\n\x07", wide[128];
	struct model_thread *threads = service.threads.items;

	(void)state;
	for (size_t i = 0; i + 3 < sizeof(wide); i += 3)
		memcpy(wide + i, "漢", 4);
	threads[2].name = steering;
	threads[3].name = wide;
	check_lines(report(&service.result, (struct report_options){.width = 80}), 80, false);
	check_lines(report(&service.result, (struct report_options){.width = 80, .ascii = true}),
		    80, true);
	threads[2].name = threads[3].name = NULL;
}

/* Two threads of one name stay apart. */
static void same_name(void **state)
{
	char one[] = "twin", other[] = "twin";
	struct model_thread *threads = service.threads.items;

	(void)state;
	threads[1].name = one;
	threads[2].name = other;
	char *text = report(&service.result, (struct report_options){.width = 80});
	assert_non_null(strstr(text, "  4250  twin "));
	assert_non_null(strstr(text, "  4251  twin "));
	free(text);
	threads[1].name = threads[2].name = NULL;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names),
		cmocka_unit_test(groups),
		cmocka_unit_test(golden),
		cmocka_unit_test(sums),
		cmocka_unit_test(groups_of_several_gils),
		cmocka_unit_test(same_name),
		cmocka_unit_test(hostile_names),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
