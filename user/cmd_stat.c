/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 gilscope contributors */
#define _GNU_SOURCE
#include "cmd_stat.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "collect/collector.h"
#include "models.h"
#include "output.h"
#include "report/result.h"
#include "target/launch.h"

#define MAX_OPEN (STATE_MAX_GILS + STATE_MAX_THREADS)

struct process_results {
	struct result_process *items;
	size_t count, cap;
};

struct capture {
	const struct options *options;
	uint64_t begin_ns; /* of the program */
	struct output out;
	struct report_options style;
	bool live; /* a line for each interval goes to stdout */
	struct report_options live_style;
	int signal_fd;

	pid_t child; /* the command, 0: none */
	bool child_stopped;
	int child_signals; /* that were passed on to it */

	struct collector *collector;
	struct models models;
	struct open_interval *open; /* scratch for interval lines */
};

/* Ctrl-C and SIGTERM end the capture, never the report; a reader of the report that goes away is an
 * error of writing. */
static int block_signals(struct capture *c)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigprocmask(SIG_BLOCK, &set, NULL);
	signal(SIGPIPE, SIG_IGN);
	c->signal_fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (c->signal_fd < 0)
		return log_err(-errno, "cannot watch for signals: %s", strerror(errno));
	return 0;
}

/*
 * A command is profiled to its end: the first signal is the command's to act on. The terminal sends
 * Ctrl-C to both of us; a signal that came to us alone is passed on. The second one ends the
 * capture all the same.
 */
static bool on_stop(void *ctx)
{
	struct capture *c = ctx;
	struct signalfd_siginfo info;

	if (read(c->signal_fd, &info, sizeof(info)) != sizeof(info))
		return false;
	if (!c->child || c->child_signals++ || launch_has_ended(c->child))
		return true;
	if (info.ssi_code != SI_KERNEL)
		kill(c->child, (int)info.ssi_signo);
	return false;
}

static void on_record(void *ctx, const void *record, size_t size)
{
	struct capture *c = ctx;

	models_feed(&c->models, record, size);
}

static void print_started(const struct capture *c)
{
	const char *hint = c->options->duration_ns || c->child ? "" : "; Ctrl-C ends the capture";
	struct collector_process first, second;

	if (!collector_process(c->collector, 0, &first))
		fprintf(stderr, "gilscope: capturing: no Python process yet%s\n", hint);
	else if (!collector_process(c->collector, 1, &second))
		fprintf(stderr, "gilscope: capturing process %d (CPython %s)%s\n",
			first.target->pid, first.target->version.text, hint);
	else
		fprintf(stderr, "gilscope: capturing process %d and others%s\n", first.target->pid,
			hint);
}

static void on_start(void *ctx)
{
	struct capture *c = ctx;

	models_set_start(&c->models, collector_start_ns(c->collector));
	struct collector_process any;

	if (c->options->verbose || isatty(STDERR_FILENO) ||
	    !collector_process(c->collector, 0, &any))
		print_started(c);
	if (c->live)
		report_interval_header(stdout, &c->live_style);
}

static void print_interval(struct capture *c, size_t index)
{
	struct model_bin bin;
	size_t count;

	if (!c->open)
		c->open = xcalloc(MAX_OPEN, sizeof(*c->open));
	count = collector_open(c->collector, c->open, MAX_OPEN);
	if (models_peek_bin(&c->models, index, c->open, count, &bin))
		report_interval(stdout, &bin, &c->live_style);
}

/* When nobody reads the lines any more, the report that would follow them has no reader either. */
static bool on_interval(void *ctx, size_t index)
{
	struct capture *c = ctx;

	if (!c->live)
		return true;
	print_interval(c, index);
	if (!fflush(stdout) && !ferror(stdout))
		return true;
	c->live = false;
	return c->options->output != NULL;
}

static int start_command(struct capture *c, int *command_status)
{
	*command_status = -1;
	if (!c->options->command)
		return 0;
	int err =
		launch_stopped(c->options->command, c->options->follow, &c->child, command_status);
	c->child_stopped = !err;
	return err;
}

static int resume_child(struct capture *c)
{
	if (!c->child_stopped)
		return 0;
	c->child_stopped = false;
	return launch_resume(c->child);
}

static int new_collector(struct capture *c)
{
	const struct collector_options options = {
		.pids = c->options->pids.items,
		.pid_count = c->options->pids.count,
		.child = c->child,
		.follow = c->options->follow,
		.comm = c->options->comm,
		.cgroup = c->options->cgroup,
		.aggregate = c->options->aggregate,
		.force_libc = c->options->force_libc,
		.ring_size = c->options->ring_size,
		.duration_ns = c->options->duration_ns,
		.interval_ns = c->options->interval_ns,
		.stop_fd = c->signal_fd,
		.on_record = on_record,
		.on_start = on_start,
		.on_interval = on_interval,
		.on_stop = on_stop,
		.ctx = c,
	};

	models_init(&c->models, c->options->interval_ns);
	return collector_new(&options, &c->collector);
}

/* From the processes to the complete stream. */
static int run(struct capture *c)
{
	int err = new_collector(c);

	if (!err)
		log_info("attached %.0f ms after the start",
			 (double)(clock_mono_ns() - c->begin_ns) / NSEC_PER_MSEC);
	if (!err)
		err = collector_start(c->collector);
	if (!err)
		err = resume_child(c);
	if (!err)
		err = collector_follow(c->collector);
	if (!err)
		collector_finish(c->collector);
	return err;
}

static void fill_capture(const struct capture *c, struct result_capture *to)
{
	struct utsname kernel;

	uname(&kernel);
	to->start_ns = collector_start_ns(c->collector);
	to->start_unix_ns = collector_start_unix_ns(c->collector);
	to->duration_ns = collector_end_ns(c->collector) - to->start_ns;
	to->end = collector_end(c->collector);
	snprintf(to->kernel, sizeof(to->kernel), "%s", kernel.release);
	snprintf(to->arch, sizeof(to->arch), "%.31s", kernel.machine);
	if (c->child && !c->options->follow)
		to->note = "The command was profiled from before its interpreter was initialized; "
			   "processes that it started are not part of the report (see --follow).";
}

static uint64_t hits_of(const struct result_process *process)
{
	uint64_t hits = 0;

	for (size_t i = 0; i < process->plan->site_count; i++)
		hits += process->site_hits[i] + process->foreign_hits[i];
	return hits;
}

static void fill_overhead(const struct capture *c, struct result *result)
{
	struct result_overhead *to = &result->overhead;
	struct rusage usage;
	uint64_t cost = 0;

	for (size_t i = 0; i < result->process_count; i++) {
		const struct result_process *process = &result->processes[i];

		to->probe_hits += hits_of(process);
		cost += process->probe_cost_ns;
	}
	if (result->capture.duration_ns)
		to->target_cpu_fraction = (double)cost / (double)result->capture.duration_ns;
	to->ns_per_hit =
		to->probe_hits ? cost / to->probe_hits : collector_hit_ns(c->collector, true);
	getrusage(RUSAGE_SELF, &usage);
	to->tool_cpu_ns =
		(uint64_t)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * NSEC_PER_SEC +
		(uint64_t)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) * NSEC_PER_USEC;
	to->tool_max_rss_bytes = mem_peak_bytes();
}

/* Those whose stream is complete. */
static void add_processes(struct capture *c, struct process_results *results)
{
	struct collector_process from;

	for (size_t i = 0; collector_process(c->collector, i, &from); i++) {
		const struct model_result *model = models_result(&c->models, from.id);

		if (!model)
			continue;
		struct result_process *to = VEC_PUSH(results);
		to->target = from.target;
		to->plan = from.plan;
		to->model = model;
		to->unobserved_ns = from.unobserved_ns;
		memcpy(to->site_hits, from.hits, sizeof(to->site_hits));
		memcpy(to->foreign_hits, from.foreign_hits, sizeof(to->foreign_hits));
		to->probe_cost_ns = from.probe_cost_ns;
	}
}

/* Holds of a build whose GIL goes on and off are not aggregated. */
static const char *mode(const struct capture *c, const struct process_results *results)
{
	for (size_t i = 0; c->options->aggregate && i < results->count; i++)
		if (!results->items[i].target->free_threaded)
			return "aggregate";
	return "exact";
}

/* Share of the time of all processes that was probed. */
static double coverage(const struct capture *c, const struct process_results *results)
{
	uint64_t missed = collector_missed_ns(c->collector), observed = 0;

	for (size_t i = 0; i < results->count; i++) {
		missed += results->items[i].unobserved_ns;
		observed += results->items[i].model->end_ns - results->items[i].model->start_ns;
	}
	return observed ? (double)observed / (double)(observed + missed) : 1.0;
}

static int nothing_captured(const struct options *options)
{
	if (options->comm && !options->cgroup)
		return log_err(
			-ESRCH,
			"no Python process named '%s' was captured: ps -eo pid,comm lists the names",
			options->comm);
	if (options->cgroup && !options->comm)
		return log_err(
			-ESRCH,
			"no Python process in the control group %s was captured: /proc/PID/cgroup "
			"names that of a process",
			options->cgroup);
	return log_err(-ESRCH, "no Python process was captured: nothing to report");
}

static int report(struct capture *c)
{
	struct process_results results = {0};
	struct result result = {.several = c->options->pids.count > 1 || c->options->follow ||
					   c->options->comm || c->options->cgroup};

	if (c->options->format == FORMAT_JSON || c->options->verbose)
		collector_name_sites(c->collector);
	add_processes(c, &results);
	if (!results.count)
		return nothing_captured(c->options);
	result.processes = results.items;
	result.process_count = results.count;
	fill_capture(c, &result.capture);
	fill_overhead(c, &result);
	result.capture.mode = mode(c, &results);
	result.capture.coverage = coverage(c, &results);
	result.capture.missed_ns = collector_missed_ns(c->collector);
	models_losses(&c->models, result.losses);
	int err = output_begin(&c->out);

	if (c->live && !c->options->output)
		fputc('\n', stdout);
	if (!err)
		err = report_write(c->out.file, &result, &c->style);
	free(results.items);
	return err;
}

/*
 * After the report. A command that never ran is ended; one whose capture was ended by a second
 * signal goes on by itself; otherwise its end is waited for. Its wait status, or -1.
 */
static int end_child(struct capture *c, bool captured)
{
	sigset_t set;

	if (!c->child)
		return -1;
	if (c->child_stopped)
		kill(c->child, SIGKILL);
	else if (captured && collector_end(c->collector) == END_SIGNAL &&
		 !launch_has_ended(c->child)) {
		log_warn("the command goes on as process %d", c->child);
		return -1;
	}
	/* Nothing is lost any more: from here on Ctrl-C ends us as well as the command. */
	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigprocmask(SIG_UNBLOCK, &set, NULL);
	return launch_wait(c->child);
}

static void free_capture(struct capture *c)
{
	collector_free(c->collector);
	models_free(&c->models);
	free(c->open);
	if (c->signal_fd >= 0)
		close(c->signal_fd);
}

static int exit_code(int wait_status)
{
	return WIFSIGNALED(wait_status) ? 128 + WTERMSIG(wait_status) : WEXITSTATUS(wait_status);
}

int cmd_stat(const struct options *options)
{
	struct capture c = {.options = options, .begin_ns = clock_mono_ns(), .signal_fd = -1};
	int status = -1;

	int err = output_open(options->output, &c.out);
	if (err)
		return EXIT_FAILURE;
	c.style = output_style(c.out.file, options);
	c.live_style = output_style(stdout, options);
	/* Not among the lines of a JSON or CSV report. */
	c.live = options->interval_ns && (options->output || options->format == FORMAT_TEXT);
	/* Before the signals are blocked: a command inherits what is blocked. */
	err = start_command(&c, &status);
	if (!err)
		err = block_signals(&c);
	if (!err)
		err = run(&c);
	const bool captured = !err;
	if (!err)
		err = report(&c);
	if (output_close(&c.out, !err) && !err)
		err = -EIO;
	if (c.child)
		status = end_child(&c, captured);
	free_capture(&c);
	if (err)
		return EXIT_FAILURE;
	return options->exit_status && status >= 0 ? exit_code(status) : EXIT_SUCCESS;
}
