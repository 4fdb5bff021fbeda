/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 gilscope contributors */
/* The reports of one process, from results made by hand (see report_golden.h). */
#define _GNU_SOURCE /* fopencookie */
#include "tests/unit/report_golden.h"

#include <locale.h>
#include <signal.h>
#include <unistd.h>

#include "tests/unit/report_single.h"

static struct sample service, trouble, requests;

static int setup(void **state)
{
	(void)state;
	make_service(&service);
	make_trouble(&trouble);
	make_requests(&requests);
	return setlocale(LC_CTYPE, "C.UTF-8") ? 0 : -1;
}

static int teardown(void **state)
{
	(void)state;
	sample_free(&service);
	sample_free(&trouble);
	sample_free(&requests);
	return 0;
}

static void golden_text(void **state)
{
	(void)state;
	compare_golden("service.80.txt",
		       report(&service.result, (struct report_options){.width = 80}));
	compare_golden("service.132.txt",
		       report(&service.result, (struct report_options){.width = 132}));
	compare_golden(
		"service.80.ascii.txt",
		report(&service.result, (struct report_options){.width = 80, .ascii = true}));
	compare_golden(
		"service.132.ascii.txt",
		report(&service.result, (struct report_options){.width = 132, .ascii = true}));
	compare_golden(
		"service.100.color.txt",
		report(&service.result,
		       (struct report_options){.width = 100, .color = true, .verbose = true}));
	compare_golden("trouble.80.txt",
		       report(&trouble.result, (struct report_options){.width = 80}));
	compare_golden(
		"trouble.132.verbose.txt",
		report(&trouble.result, (struct report_options){.width = 132, .verbose = true}));
	compare_golden(
		"trouble.60.ascii.txt",
		report(&trouble.result, (struct report_options){.width = 60, .ascii = true}));
	compare_golden("requests.100.txt",
		       report(&requests.result, (struct report_options){.width = 100}));
}

static void golden_data(void **state)
{
	(void)state;
	compare_golden("service.json",
		       report(&service.result, (struct report_options){.format = FORMAT_JSON}));
	compare_golden("service.csv",
		       report(&service.result, (struct report_options){.format = FORMAT_CSV}));
	compare_golden("trouble.json",
		       report(&trouble.result, (struct report_options){.format = FORMAT_JSON}));
	compare_golden("trouble.csv",
		       report(&trouble.result, (struct report_options){.format = FORMAT_CSV}));
	compare_golden("requests.json",
		       report(&requests.result, (struct report_options){.format = FORMAT_JSON}));
	compare_golden("requests.csv",
		       report(&requests.result, (struct report_options){.format = FORMAT_CSV}));
}

static void golden_interval(void **state)
{
	const struct report_options options = {.width = 80};
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	(void)state;
	assert_non_null(out);
	report_interval_header(out, &options);
	for (size_t i = 0; i < service.series.count; i++)
		report_interval(out, &service.series.items[i], &options);
	report_interval(out, &trouble.series.items[0], &options);
	fclose(out);
	compare_golden("interval.txt", text);
}

static void golden_columns(void **state)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	(void)state;
	assert_non_null(out);
	report_list_columns(out);
	fclose(out);
	compare_golden("columns.txt", text);
}

static void text_fits(void **state)
{
	struct sample long_word = service;

	(void)state;
	long_word.target.cmdline = (char *)"/usr/local/lib/a/directory/whose/name/has/no/blank/at"
					   "/all/so/that/no/line/can/be/broken/there";
	long_word.process.target = &long_word.target;
	long_word.result.processes = &long_word.process;
	for (int width = 58; width <= 170; width++) {
		for (int ascii = 0; ascii <= 1; ascii++) {
			struct report_options o = {.width = width, .ascii = ascii};

			check_lines(report(&service.result, o), width, ascii);
			check_lines(report(&trouble.result, o), width, ascii);
			check_lines(report(&requests.result, o), width, ascii);
			check_lines(report(&long_word.result, o), width, ascii);
			o.verbose = width >= 90; /* the list of probes takes that */
			check_lines(report(&service.result, o), width, ascii);
		}
	}
}

/* Each complete hold and wait stands in exactly one row of its histogram. */
static void histograms_are_complete(void **state)
{
	/* narrow: one histogram below the other, and a row is "200 us - 500 us  1,234  5.0% ##" */
	char *text = report(&service.result, (struct report_options){.width = 60, .ascii = true});
	uint64_t sums[2] = {0, 0};
	char *rest = strstr(text, "HOLDS   SHARE");
	size_t at = 0;

	(void)state;
	assert_non_null(rest);
	for (char *line; (line = strsep(&rest, "\n"));) {
		char from[8], to[8], count[32];

		if (strstr(line, "WAITS   SHARE"))
			at = 1;
		if (sscanf(line, " %*u %7s - %*u %7s %31s", from, to, count) != 3)
			continue;
		uint64_t n = 0;
		for (const char *c = count; *c; c++)
			if (*c != ',')
				n = n * 10 + (uint64_t)(*c - '0');
		sums[at] += n;
	}
	assert_int_equal(sums[0], service.model.hold.count);
	assert_int_equal(sums[1], service.model.wait.count);
	free(text);
}

static void check_times(json_t *times)
{
	json_t *bucket;
	size_t i;
	json_int_t n = 0;

	json_array_foreach(json_object_get(times, "buckets"), i, bucket)
	{
		assert_true(json_integer_value(json_array_get(bucket, 0)) <
			    json_integer_value(json_array_get(bucket, 1)));
		n += json_integer_value(json_array_get(bucket, 2));
	}
	assert_int_equal(n, get(times, "count"));
	assert_true(get(times, "min_ns") <= get(times, "p50_ns"));
	assert_true(get(times, "p50_ns") <= get(times, "max_ns"));
}

static void json_is_sound(void **state)
{
	const struct sample *samples[] = {&service, &trouble, &requests};

	(void)state;
	for (size_t i = 0; i < 6; i++) {
		json_t *root = load_json(&samples[i % 3]->result, i >= 3), *item;
		json_t *process = json_array_get(json_object_get(root, "processes"), 0);
		size_t at;

		json_array_foreach(json_object_get(process, "gils"), at, item)
			assert_int_equal(get(item, "held_ns") + get(item, "handoff_ns") +
						 get(item, "idle_ns") + get(item, "unknown_ns"),
					 get(item, "observed_ns"));
		json_array_foreach(json_object_get(process, "threads"), at, item)
		{
			check_times(json_object_get(item, "hold"));
			check_times(json_object_get(item, "wait"));
		}
		assert_int_equal(json_object_size(json_object_get(root, "losses")), LOSS_KINDS);
		json_decref(root);
	}
}

static void json_says_unknown(void **state)
{
	json_t *root = load_json(&trouble.result, false);
	json_t *process = json_array_get(json_object_get(root, "processes"), 0);
	json_t *gil = json_array_get(json_object_get(process, "gils"), 0);

	(void)state;
	assert_true(json_is_null(json_object_get(gil, "forced_releases")));
	json_decref(root);

	struct sample s = trouble;
	s.result.overhead.ns_per_hit = 0;
	root = load_json(&s.result, false);
	json_t *overhead = json_object_get(root, "overhead");
	assert_true(json_is_null(json_object_get(overhead, "ns_per_hit")));
	assert_true(json_is_null(json_object_get(overhead, "target_cpu_fraction")));
	json_decref(root);
}

/* Beside many threads that wait more, the one that holds most is still in the table. */
static void holder_is_shown(void **state)
{
	char *text = report(&service.result, (struct report_options){.width = 80});

	(void)state;
	assert_true(service.threads.count > 20);
	assert_non_null(strstr(text, "pricing"));
	assert_non_null(strstr(text, "4 more"));
	free(text);
}

/* A thread that computes alone, told by the model itself: 100% held by a hold without an end. */
static void from_the_model(void **state)
{
	const uint64_t end = START_NS + NSEC_PER_SEC;
	struct sample s;
	struct model_options options = {0};
	struct model *m = model_new(&options);
#define FEED(type, record_kind, ...)                                                               \
	do {                                                                                       \
		struct type e = {__VA_ARGS__};                                                     \
		e.head = (struct ev_head){record_kind, sizeof(e), 4242};                           \
		model_feed(m, &e, sizeof(e));                                                      \
	} while (0)
	FEED(ev_mark, EV_CAPTURE_START, .at_ns = START_NS);
	FEED(ev_gil, EV_GIL, .interpreters = 1, .switch_interval_ns = 5 * NSEC_PER_MSEC);
	FEED(ev_thread, EV_THREAD_NAME, .tid = 4242, .at_ns = START_NS, .comm = "solo");
	FEED(ev_mark, EV_CAPTURE_STOP, .at_ns = end, .end = END_DURATION);
	FEED(ev_hold, EV_HOLD, .tid = 4242, .seq = 1, .release_ns = end,
	     .flags = HOLD_OPEN | HOLD_FROM_ATTACH);
	FEED(ev_gil_end, EV_GIL_END, .at_ns = end);
	FEED(ev_mark, EV_CAPTURE_END, .at_ns = end, .end = END_DURATION);
#undef FEED
	(void)state;
	make_service(&s);
	s.result.capture.duration_ns = NSEC_PER_SEC;
	s.process.model = model_result(m);
	assert_non_null(s.process.model);
	char *text = report(&s.result, (struct report_options){.width = 132, .ascii = true});
	assert_non_null(strstr(text, "1.00 s  100.0%  ####"));
	assert_non_null(strstr(text, "4242  MainThread  100.0%*  0.0%  0.0%      0  "));
	assert_non_null(strstr(text, "  * more than 5%"));
	assert_non_null(strstr(text, "Losses: none."));
	free(text);
	sample_free(&s);
	model_free(m);
}

/* An interpreter that nobody uses: no GIL, no thread, no probe hit. */
static void nothing_happened(void **state)
{
	struct sample s;

	(void)state;
	sample_init(&s, NSEC_PER_SEC);
	sample_done(&s, 0);
	s.model.threads_off_gil = 1;
	for (int format = FORMAT_TEXT; format <= FORMAT_CSV; format++)
		free(report(&s.result, (struct report_options){.format = format, .width = 80}));
	check_lines(report(&s.result, (struct report_options){.width = 80}), 80, false);
	sample_free(&s);
}

static int write_to(const char *path, int format)
{
	struct report_options options = {.format = format, .width = 80};
	FILE *out = fopen(path, "we");

	assert_non_null(out);
	int err = report_write(out, &service.result, &options);
	fclose(out);
	return err;
}

static void full_disk(void **state)
{
	(void)state;
	if (access("/dev/full", W_OK) != 0)
		skip();
	for (int format = FORMAT_TEXT; format <= FORMAT_CSV; format++)
		assert_int_equal(write_to("/dev/full", format), -ENOSPC);
}

static void closed_pipe(void **state)
{
	struct report_options options = {.format = FORMAT_JSON};
	int fds[2];

	(void)state;
	signal(SIGPIPE, SIG_IGN);
	assert_int_equal(pipe(fds), 0);
	close(fds[0]);
	FILE *out = fdopen(fds[1], "w");
	assert_non_null(out);
	assert_int_equal(report_write(out, &service.result, &options), -EPIPE);
	fclose(out);
}

/* Fails once, then takes everything. */
static ssize_t fail_once(void *cookie, const char *data, size_t size)
{
	int *writes = cookie;

	(void)data;
	errno = EDQUOT;
	return (*writes)++ == 0 ? 0 : (ssize_t)size;
}

/* A hole in the middle of the report is an error too. */
static void one_lost_write(void **state)
{
	char buffer[256];
	int writes = 0;
	cookie_io_functions_t io = {.write = fail_once};

	(void)state;
	for (int format = FORMAT_TEXT; format <= FORMAT_CSV; format++) {
		struct report_options options = {.format = format, .width = 80};
		FILE *out = fopencookie(&writes, "w", io);

		assert_non_null(out);
		setvbuf(out, buffer, _IOFBF, sizeof(buffer));
		writes = 0;
		assert_int_equal(report_write(out, &service.result, &options), -EDQUOT);
		assert_true(writes > 1);
		fclose(out);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(golden_text),	    cmocka_unit_test(golden_data),
		cmocka_unit_test(golden_interval),  cmocka_unit_test(golden_columns),
		cmocka_unit_test(text_fits),	    cmocka_unit_test(histograms_are_complete),
		cmocka_unit_test(json_is_sound),    cmocka_unit_test(json_says_unknown),
		cmocka_unit_test(holder_is_shown),  cmocka_unit_test(from_the_model),
		cmocka_unit_test(nothing_happened), cmocka_unit_test(full_disk),
		cmocka_unit_test(closed_pipe),	    cmocka_unit_test(one_lost_write),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
