/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 gilscope contributors */
#include "cmd_doctor.h"

#include <argp.h>
#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "doctor.h"
#include "output.h"

#define EXIT_USAGE 2

enum key { KEY_ASCII = 256 };

static const struct argp_option argp_options[] = {
	{"pid", 'p', "PID", 0, "Look at the running process PID too", 0},
	{"format", 'f', "FORMAT", 0, "text (default) or json", 0},
	{"output", 'o', "FILE", 0, "Write to FILE instead of stdout", 0},
	{"ascii", KEY_ASCII, 0, 0,
	 "No character beyond ASCII (default where the locale is not UTF-8)", 0},
	{"verbose", 'v', 0, 0, "Twice: say on stderr what libbpf says, for debugging", 0},
	{0, 0, 0, 0, 0, 0},
};

static const char doc[] =
	"Says what works here, what does not, and how to mend it."
	"\vWith -p also what gilscope knows of that process and where it would put its probes; the process "
	"is not touched.\n\n"
	"Exit status: 0 a capture would work; 1 it would not; 2 the command line is wrong.";

static pid_t parse_pid(struct argp_state *state, const char *arg)
{
	char *end;

	errno = 0;
	const long value = strtol(arg, &end, 10);
	if (!errno && end != arg && *end == ',')
		argp_error(state, "'%s': doctor looks at one process at a time", arg);
	if (errno || end == arg || *end || value <= 0 || value > INT_MAX)
		argp_error(state, "'%s' is not a PID: -p takes the number of a process", arg);
	return (pid_t)value;
}

static enum report_format parse_format(struct argp_state *state, const char *arg)
{
	if (strcmp(arg, "text") != 0 && strcmp(arg, "json") != 0)
		argp_error(state, "unknown format '%s': use text or json", arg);
	return !strcmp(arg, "json") ? FORMAT_JSON : FORMAT_TEXT;
}

struct parse {
	pid_t pid;		/* 0: none */
	struct options options; /* format, output, ascii */
	int verbosity;
};

static error_t parse_one(int key, char *arg, struct argp_state *state)
{
	struct parse *parse = state->input;

	switch (key) {
	case 'p':
		if (parse->pid)
			argp_error(state, "-p was given twice: look at one process at a time");
		parse->pid = parse_pid(state, arg);
		break;
	case 'f':
		parse->options.format = parse_format(state, arg);
		break;
	case 'o':
		parse->options.output = arg;
		break;
	case KEY_ASCII:
		parse->options.ascii = true;
		break;
	case 'v':
		parse->verbosity++;
		break;
	case ARGP_KEY_ARG:
		argp_error(state, "unexpected argument '%s': name a process with -p PID", arg);
		break;
	default:
		return ARGP_ERR_UNKNOWN;
	}
	return 0;
}

static void parse(int argc, char **argv, struct parse *out)
{
	static const struct argp argp = {argp_options, parse_one, "", doc, 0, 0, 0};
	static char name[] = "gilscope doctor";

	argp_err_exit_status = EXIT_USAGE;
	argv[0] = name;
	argp_parse(&argp, argc, argv, 0, NULL, out);
	log_set_level(out->verbosity > 1 ? LOG_DEBUG : out->verbosity ? LOG_INFO : LOG_WARNING);
}

static void gather(pid_t pid, struct doctor_result *result)
{
	doctor_machine(result);
	result->process.pid = pid;
	result->has_process = pid != 0;
	if (result->has_process)
		doctor_process(result);
	doctor_programs(result);
}

static void free_result(struct doctor_result *result)
{
	doctor_checks_free(&result->machine);
	doctor_checks_free(&result->process.checks);
	plan_free(&result->process.plan);
	target_free(&result->process.target);
}

int cmd_doctor(int argc, char **argv)
{
	struct parse line = {0};
	struct doctor_result result = {0};
	struct output out;

	parse(argc, argv, &line);
	signal(SIGPIPE, SIG_IGN);
	if (output_open(line.options.output, &out))
		return EXIT_FAILURE;
	const struct report_options style = output_style(out.file, &line.options);
	gather(line.pid, &result);
	int err = output_begin(&out);
	if (!err)
		err = doctor_write(out.file, &result, &style);
	if (output_close(&out, !err))
		err = -EIO;
	const bool works = doctor_works(&result);
	free_result(&result);
	return !err && works ? EXIT_SUCCESS : EXIT_FAILURE;
}
