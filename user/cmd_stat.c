/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 gilscope contributors */
#define _GNU_SOURCE
#include "cmd_stat.h"

#include <errno.h>
#include <signal.h>
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
#include "model/model.h"
#include "output.h"
#include "probe/attach.h"
#include "probe/bpf_object.h"
#include "probe/calibrate.h"
#include "probe/plan.h"
#include "report/result.h"
#include "target/launch.h"
#include "target/target.h"

#define MAX_OPEN (STATE_MAX_GILS + STATE_MAX_THREADS)

struct capture {
	const struct options *options;
	uint64_t begin_ns; /* of the program */
	struct output out;
	struct report_options style;
	bool live; /* a line for each interval goes to stdout */
	struct report_options live_style;
	int signal_fd;

	pid_t child; /* the command, 0: a PID is profiled */
	bool child_stopped;
	int child_signals; /* that were passed on to it */

	struct target target;
	struct probe_plan plan;
	struct gil_bpf *skel;
	struct attachment attached;
	struct collector *collector;
	struct model *model;
	uint64_t hit_ns, stepped_hit_ns;

	struct open_interval *open; /* scratch for interval lines */
	struct model_open *model_open;
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
	if (!c->child || c->child_signals++)
		return true;
	if (info.ssi_code != SI_KERNEL)
		kill(c->child, (int)info.ssi_signo);
	return false;
}

static void on_record(void *ctx, const void *record, size_t size)
{
	struct capture *c = ctx;

	model_feed(c->model, record, size);
}

static void on_start(void *ctx)
{
	struct capture *c = ctx;
	const char *hint = c->options->duration_ns || c->child ? "" : "; Ctrl-C ends the capture";

	if (c->options->verbose || isatty(STDERR_FILENO))
		fprintf(stderr, "gilscope: capturing process %d (CPython %s)%s\n", c->target.pid,
			c->target.version.text, hint);
	if (c->live)
		report_interval_header(stdout, &c->live_style);
}

static void print_interval(struct capture *c, size_t index)
{
	const size_t count = collector_open(c->collector, c->open, MAX_OPEN);
	struct model_bin bin;

	for (size_t i = 0; i < count; i++)
		c->model_open[i] = (struct model_open){.gil = c->open[i].gil,
						       .is_wait = c->open[i].is_wait,
						       .handoff = c->open[i].handoff,
						       .from_ns = c->open[i].from_ns};
	if (model_peek_bin(c->model, index, c->model_open, count, &bin))
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

/* Finds or starts the target. */
static int find_target(struct capture *c, int *command_status)
{
	pid_t pid = c->options->pid;

	*command_status = -1;
	if (c->options->command) {
		int err = launch_until_python(c->options->command, &c->child, command_status);
		if (err)
			return err;
		c->child_stopped = true;
		pid = c->child;
	}
	return target_resolve(pid, &c->target);
}

static int make_plan(struct capture *c)
{
	const struct plan_request request = {
		.python = c->target.python.image,
		.libc = c->target.libc.image,
		.version_minor = c->target.version.minor,
		.force_libc = c->options->force_libc,
	};
	int err = plan_probes(&request, &c->plan);

	if (err)
		return log_err(err,
			       "cannot find where CPython %s takes and drops its GIL in %s: %s",
			       c->target.version.text, c->target.python.path,
			       c->plan.note_count ? c->plan.notes[0] : strerror(-err));
	return 0;
}

static bool has_stepped_site(const struct probe_plan *plan)
{
	for (size_t i = 0; i < plan->site_count; i++)
		if (!plan->sites[i].emulated)
			return true;
	return false;
}

static int attach(struct capture *c)
{
	const struct bpf_object_options options = {.ring_size = c->options->ring_size};
	int err = bpf_object_open(&c->target, &c->plan, &options, &c->skel);

	if (err)
		return err;
	/* Before the target's probes are there, so that measuring takes nothing from the capture.
	 */
	c->hit_ns = calibrate_probe(c->skel, true, &c->attached);
	if (has_stepped_site(&c->plan))
		c->stepped_hit_ns = calibrate_probe(c->skel, false, &c->attached);
	return attachment_attach(&c->attached, c->skel, &c->target, &c->plan);
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
		.duration_ns = c->options->duration_ns,
		.interval_ns = c->options->interval_ns,
		.from_birth = c->child != 0,
		.stop_fd = c->signal_fd,
		.on_record = on_record,
		.on_start = on_start,
		.on_interval = on_interval,
		.on_stop = on_stop,
		.ctx = c,
	};
	const struct model_options model_options = {.interval_ns = c->options->interval_ns};

	c->model = model_new(&model_options);
	if (c->options->interval_ns) {
		c->open = xcalloc(MAX_OPEN, sizeof(*c->open));
		c->model_open = xcalloc(MAX_OPEN, sizeof(*c->model_open));
	}
	return collector_new(&c->target, c->skel, &options, &c->collector);
}

/* From the resolved target to the complete stream. */
static int run(struct capture *c)
{
	int err = make_plan(c);

	if (!err)
		err = attach(c);
	if (!err)
		log_info("attached %zu probes to process %d %.0f ms after the start",
			 c->plan.site_count, c->target.pid,
			 (double)(clock_mono_ns() - c->begin_ns) / NSEC_PER_MSEC);
	if (!err)
		err = new_collector(c);
	if (!err)
		err = collector_start(c->collector);
	if (!err)
		err = resume_child(c);
	if (!err)
		err = collector_follow(c->collector);
	attachment_detach(&c->attached);
	if (!err)
		collector_finish(c->collector);
	return err;
}

static void fill_capture(const struct capture *c, struct result_capture *to)
{
	const struct model_result *model = model_result(c->model);
	struct utsname kernel;

	uname(&kernel);
	to->start_unix_ns = collector_start_unix_ns(c->collector);
	to->duration_ns = model->end_ns - model->start_ns;
	to->end = model->end;
	snprintf(to->kernel, sizeof(to->kernel), "%s", kernel.release);
	snprintf(to->arch, sizeof(to->arch), "%.31s", kernel.machine);
	to->mode = "exact";
	to->coverage = 1.0;
	if (c->child)
		to->note = "The command was profiled from before its interpreter was initialized; "
			   "processes that it started are not part of the report.";
}

static void fill_overhead(const struct capture *c, struct result *result)
{
	struct result_overhead *to = &result->overhead;
	struct rusage usage;
	uint64_t cost = 0;

	for (size_t i = 0; i < c->plan.site_count; i++) {
		result->site_hits[i] = collector_hits(c->collector, i);
		result->foreign_hits[i] = collector_foreign_hits(c->collector, i);
		const uint64_t hits = result->site_hits[i] + result->foreign_hits[i];
		to->probe_hits += hits;
		cost += hits * (c->plan.sites[i].emulated ? c->hit_ns : c->stepped_hit_ns);
	}
	to->ns_per_hit = to->probe_hits ? cost / to->probe_hits : c->hit_ns;
	if (result->capture.duration_ns)
		to->target_cpu_fraction = (double)cost / (double)result->capture.duration_ns;
	getrusage(RUSAGE_SELF, &usage);
	to->tool_cpu_ns =
		(uint64_t)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * NSEC_PER_SEC +
		(uint64_t)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) * NSEC_PER_USEC;
	to->tool_max_rss_bytes = (uint64_t)usage.ru_maxrss * 1024;
}

static int report(struct capture *c)
{
	struct result result = {
		.target = &c->target, .plan = &c->plan, .model = model_result(c->model)};

	fill_capture(c, &result.capture);
	fill_overhead(c, &result);
	int err = output_begin(&c->out);

	if (c->live && !c->options->output)
		fputc('\n', stdout);
	return err ? err : report_write(c->out.file, &result, &c->style);
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
	else if (captured && model_result(c->model)->end == END_SIGNAL) {
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
	attachment_detach(&c->attached);
	if (c->skel)
		bpf_object_close(c->skel);
	model_free(c->model);
	plan_free(&c->plan);
	target_free(&c->target);
	free(c->open);
	free(c->model_open);
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
	err = find_target(&c, &status);
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
