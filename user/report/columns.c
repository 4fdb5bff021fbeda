/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 gilscope contributors */
#include "report/columns.h"

#include "base/mem.h"

static uint64_t process_pid(const struct view_process *process)
{
	return (uint64_t)process->process->target->pid;
}

static uint64_t process_number(const struct view_process *process)
{
	return process->number;
}

static uint64_t thread_tid(const struct model_thread *thread)
{
	return thread->tid;
}

static uint64_t thread_gil(const struct model_thread *thread)
{
	return thread->gil;
}

static uint64_t thread_exited(const struct model_thread *thread)
{
	return thread->exited;
}

static uint64_t thread_observed(const struct model_thread *thread)
{
	return thread->observed_ns;
}

static uint64_t thread_how_many(const struct model_thread *thread)
{
	return thread->together ? thread->together : 1;
}

static uint64_t thread_off_gil(const struct model_thread *thread)
{
	return thread->off_gil_ns;
}

static uint64_t thread_forced(const struct model_thread *thread)
{
	return thread->forced_releases;
}

static uint64_t thread_voluntary(const struct model_thread *thread)
{
	return thread->voluntary_releases;
}

static uint64_t times_count(const struct model_times *times)
{
	return times->hist.count;
}

static uint64_t times_total(const struct model_times *times)
{
	return times->total_ns;
}

static uint64_t times_min(const struct model_times *times)
{
	return times->hist.min;
}

static uint64_t times_mean(const struct model_times *times)
{
	return hist_mean(&times->hist);
}

static uint64_t times_p50(const struct model_times *times)
{
	return hist_percentile(&times->hist, 0.50);
}

static uint64_t times_p90(const struct model_times *times)
{
	return hist_percentile(&times->hist, 0.90);
}

static uint64_t times_p99(const struct model_times *times)
{
	return hist_percentile(&times->hist, 0.99);
}

static uint64_t times_p999(const struct model_times *times)
{
	return hist_percentile(&times->hist, 0.999);
}

static uint64_t times_max(const struct model_times *times)
{
	return times->hist.max;
}

static uint64_t times_clipped(const struct model_times *times)
{
	return times->clipped;
}

static uint64_t times_clipped_ns(const struct model_times *times)
{
	return times->clipped_ns;
}

#define HOLD .times_offset = offsetof(struct model_thread, hold)
#define TEXT(field) .text_offset = offsetof(struct view_thread, field)
#define WAIT .times_offset = offsetof(struct model_thread, wait)

static const struct column columns[] = {
	{"pid", NULL, "process", COLUMN_ID, .of_process = process_pid},
	{"tid", "TID", "thread, as the kernel numbers it; empty: a group, or several that exited",
	 COLUMN_ID, .of_thread = thread_tid, .of_one = true},
	{"gil", "GIL", "number of the GIL: a row for each thread and GIL", COLUMN_ID,
	 .of_thread = thread_gil, .several_gils = true},
	{"threads", "THREADS",
	 "1, or how many threads the row is about: a group, or several that exited", COLUMN_COUNT,
	 1, .of_thread = thread_how_many, .if_grouped = true},
	{"name", "NAME",
	 "name of the thread in Python; if that is not known, in the kernel, or made of its number",
	 COLUMN_NAME, .rank = 0, TEXT(name)},
	{"comm", NULL, "name of the thread in the kernel", COLUMN_NAME, TEXT(comm)},
	{"group", NULL, "the name without the number at its end", COLUMN_NAME, TEXT(group)},
	{"exited", NULL, "1 if the thread ended during the capture", COLUMN_ID,
	 .of_thread = thread_exited},
	{"observed_ns", "SEEN", "time during which the thread existed and was observed",
	 COLUMN_TIME, 1, .of_thread = thread_observed, .if_short = true},
	{"hold_total_ns", "HELD", "time it held the GIL, clipped holds included", COLUMN_SHARE,
	 .of_times = times_total, HOLD},
	{"wait_total_ns", "WAIT", "time it waited for the GIL, clipped waits included",
	 COLUMN_SHARE, .of_times = times_total, WAIT},
	{"off_gil_ns", "OFF", "time it neither held nor wanted the GIL", COLUMN_SHARE, 5,
	 .of_thread = thread_off_gil},
	{"hold_count", "HOLDS", "complete holds", COLUMN_COUNT, 4, .of_times = times_count, HOLD},
	{"hold_min_ns", NULL, "shortest complete hold", COLUMN_TIME, .of_times = times_min, HOLD,
	 .complete = true},
	{"hold_mean_ns", NULL, "mean of the complete holds", COLUMN_TIME, .of_times = times_mean,
	 HOLD, .complete = true},
	{"hold_p50_ns", "HOLD p50", "median of the complete holds", COLUMN_TIME, 9,
	 .of_times = times_p50, HOLD, .complete = true},
	{"hold_p90_ns", NULL, "90th percentile of the complete holds", COLUMN_TIME,
	 .of_times = times_p90, HOLD, .complete = true},
	{"hold_p99_ns", "HOLD p99", "99th percentile of the complete holds", COLUMN_TIME, 7,
	 .of_times = times_p99, HOLD, .complete = true},
	{"hold_p999_ns", NULL, "99.9th percentile of the complete holds", COLUMN_TIME,
	 .of_times = times_p999, HOLD, .complete = true},
	{"hold_max_ns", "HOLD max", "longest complete hold", COLUMN_TIME, 2, .of_times = times_max,
	 HOLD, .complete = true},
	{"hold_clipped_count", NULL, "holds cut by the edge of the capture", COLUMN_COUNT,
	 .of_times = times_clipped, HOLD},
	{"hold_clipped_ns", NULL, "observed part of these", COLUMN_TIME,
	 .of_times = times_clipped_ns, HOLD},
	{"wait_count", "WAITS", "complete waits", COLUMN_COUNT, 6, .of_times = times_count, WAIT},
	{"wait_min_ns", NULL, "shortest complete wait", COLUMN_TIME, .of_times = times_min, WAIT,
	 .complete = true},
	{"wait_mean_ns", NULL, "mean of the complete waits", COLUMN_TIME, .of_times = times_mean,
	 WAIT, .complete = true},
	{"wait_p50_ns", "WAIT p50", "median of the complete waits", COLUMN_TIME, 10,
	 .of_times = times_p50, WAIT, .complete = true},
	{"wait_p90_ns", NULL, "90th percentile of the complete waits", COLUMN_TIME,
	 .of_times = times_p90, WAIT, .complete = true},
	{"wait_p99_ns", "WAIT p99", "99th percentile of the complete waits", COLUMN_TIME, 3,
	 .of_times = times_p99, WAIT, .complete = true},
	{"wait_p999_ns", NULL, "99.9th percentile of the complete waits", COLUMN_TIME,
	 .of_times = times_p999, WAIT, .complete = true},
	{"wait_max_ns", "WAIT max", "longest complete wait", COLUMN_TIME, 1, .of_times = times_max,
	 WAIT, .complete = true},
	{"wait_clipped_count", NULL, "waits cut by the edge of the capture", COLUMN_COUNT,
	 .of_times = times_clipped, WAIT},
	{"wait_clipped_ns", NULL, "observed part of these", COLUMN_TIME,
	 .of_times = times_clipped_ns, WAIT},
	{"forced_releases", "FORCED",
	 "times the eval loop gave the GIL up because another wanted it", COLUMN_COUNT, 8,
	 .of_thread = thread_forced, .releases = true},
	{"voluntary_releases", NULL, "all other releases: blocking calls, thread exit",
	 COLUMN_COUNT, .of_thread = thread_voluntary, .releases = true},
	{"process", NULL,
	 "number of the process in the report: a pid that executes another program has two",
	 COLUMN_ID, .of_process = process_number},
};

const struct column *columns_all(size_t *count)
{
	*count = ARRAY_SIZE(columns);
	return columns;
}

const struct model_times *column_times(const struct column *column,
				       const struct model_thread *thread)
{
	if (!column->of_times)
		return NULL;
	return (const void *)((const char *)thread + column->times_offset);
}

const char *column_text(const struct column *column, const struct view_thread *row)
{
	return *(char *const *)((const char *)row + column->text_offset);
}

uint64_t column_value(const struct column *column, const struct view_process *process,
		      const struct model_thread *thread)
{
	if (column->of_process)
		return column->of_process(process);
	if (column->of_times)
		return column->of_times(column_times(column, thread));
	return column->of_thread ? column->of_thread(thread) : 0;
}
