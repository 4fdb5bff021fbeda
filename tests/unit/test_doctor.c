/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 gilscope contributors */
/* The checklist of gilscope doctor, from a result made by hand; and how capabilities are named. */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <jansson.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>

#include "base/caps.h"
#include "base/log.h"
#include "base/mem.h"
#include "report/doctor.h"

static void fill(struct doctor_result *result)
{
	*result = (struct doctor_result){.kernel = "6.1.0", .arch = "x86_64"};
	doctor_checks_add(&result->machine, "kernel", "Kernel", CHECK_OK, xstrdup("Linux 6.1.0"),
			  NULL);
	doctor_checks_add(&result->machine, "yama", "Yama", CHECK_WARNING,
			  xstrdup("ptrace_scope is 1"), xstrdup("add CAP_SYS_PTRACE"));
}

static void fill_process(struct doctor_result *result)
{
	result->has_process = true;
	result->process.pid = 42;
	/* What a process may call itself: an escape, no UTF-8, a line break, two columns wide. */
	doctor_checks_add(&result->process.checks, "process", "Process", CHECK_FAILED,
			  xstrdup("\033[31m\xff\n\xe6\xbc\xa2"), xstrdup("mend it"));
}

static void free_result(struct doctor_result *result)
{
	doctor_checks_free(&result->machine);
	doctor_checks_free(&result->process.checks);
}

/* Owned. */
static char *write_it(const struct doctor_result *result, struct report_options options)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	assert_non_null(out);
	assert_int_equal(doctor_write(out, result, &options), 0);
	fclose(out);
	return text;
}

static void test_text(void **state)
{
	struct doctor_result result;

	(void)state;
	fill(&result);
	char *text = write_it(&result, (struct report_options){.width = 80});
	assert_string_equal(text, "Machine\n"
				  "  ok       Kernel               Linux 6.1.0\n"
				  "  warning  Yama                 ptrace_scope is 1\n"
				  "                                -> add CAP_SYS_PTRACE\n"
				  "\n"
				  "A capture would work.\n");
	assert_true(doctor_works(&result));
	free(text);
	free_result(&result);
}

static void test_text_of_a_failure(void **state)
{
	struct doctor_result result;

	(void)state;
	fill(&result);
	fill_process(&result);
	char *text = write_it(&result, (struct report_options){.width = 80, .ascii = true});
	assert_non_null(strstr(text, "\nProcess 42\n"
				     "  failed   Process              ?[31m???\n"
				     "                                -> mend it\n"
				     "\n"
				     "A capture of process 42 would not work: 1 check failed.\n"));
	assert_false(doctor_works(&result));
	free(text);
	text = write_it(&result, (struct report_options){.width = 80, .color = true});
	assert_non_null(strstr(text, "\033[31m  failed   Process"));
	assert_non_null(strstr(text, "\033[1mMachine\033[0m"));
	assert_null(strstr(text, "\033[31m  warning"));
	free(text);
	free_result(&result);
}

static void test_json(void **state)
{
	struct doctor_result result;
	json_error_t error;

	(void)state;
	fill(&result);
	fill_process(&result);
	result.hit_ns = 900;
	char *text = write_it(&result, (struct report_options){.format = FORMAT_JSON});
	json_t *root = json_loads(text, JSON_REJECT_DUPLICATES, &error);
	const char *schema, *detail;
	int works, hit, pid;
	json_t *stepped;
	assert_non_null(root);
	assert_int_equal(json_unpack(root,
				     "{s:s, s:b, s:{s:{s:i, s:o}}, s:[{}, {}, {s:s}], s:{s:i}}",
				     "schema", &schema, "works", &works, "machine", "ns_per_hit",
				     "emulated", &hit, "single_stepped", &stepped, "checks",
				     "detail", &detail, "target", "pid", &pid),
			 0);
	assert_string_equal(schema, "gilscope.doctor/1");
	assert_false(works);
	assert_int_equal(hit, 900);
	assert_true(json_is_null(stepped));
	assert_string_equal(detail, "\xef\xbf\xbd[31m\xef\xbf\xbd\xef\xbf\xbd\xe6\xbc\xa2");
	assert_int_equal(pid, 42);
	json_decref(root);
	free(text);
	free_result(&result);
}

static void test_capabilities_are_named(void **state)
{
	char text[CAPS_TEXT], all[CAPS_TEXT], small[8];

	(void)state;
	caps_format(0, text, sizeof(text));
	assert_string_equal(text, "none");
	caps_format_missing(CAP_BIT_BPF, text, sizeof(text));
	assert_string_equal(text, "CAP_BPF is missing");
	caps_format_missing(CAP_BIT_BPF | CAP_BIT_PERFMON | CAP_BIT_SYS_PTRACE, text, sizeof(text));
	assert_string_equal(text, "CAP_BPF, CAP_PERFMON and CAP_SYS_PTRACE are missing");
	caps_format_missing((1u << CAP_COUNT) - 1, all, sizeof(all));
	assert_non_null(strstr(all, "CAP_SYS_RESOURCE are missing"));
	caps_format(CAP_BIT_BPF | CAP_BIT_PERFMON, small, sizeof(small));
	assert_string_equal(small, "CAP_BPF");
}

static void test_messages_are_diverted(void **state)
{
	char text[8] = "";

	(void)state;
	log_divert(text, sizeof(text));
	assert_int_equal(log_err(-3, "no %s", "process"), -3);
	log_divert(NULL, 0);
	assert_string_equal(text, "no proc");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_text),
		cmocka_unit_test(test_text_of_a_failure),
		cmocka_unit_test(test_json),
		cmocka_unit_test(test_capabilities_are_named),
		cmocka_unit_test(test_messages_are_diverted),
	};

	if (!setlocale(LC_CTYPE, "C.UTF-8"))
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
