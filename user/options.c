/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 gilscope contributors */
#include "options.h"

#include <argp.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"

#define DEFAULT_RING (8ULL << 20)
#define MAX_RING (1ULL << 30)
#define EXIT_USAGE 2
#define MIN_INTERVAL_NS (10 * NSEC_PER_MSEC)

const char *argp_program_version = "gilscope " GILSCOPE_VERSION;

static const char doc[] =
	"Shows which threads of a running Python hold the GIL and which wait for it, and for how long."
	"\vWithout -d, a capture goes on until Ctrl-C or until the process ends; the report is printed in "
	"each case. A DURATION is a number with a unit (2, 0.5, 2s, 500ms, 250us, 5min, 1h; without a "
	"unit: seconds). -p, --comm and --cgroup together: all that one of them names.\n\n"
	"gilscope doctor says what works here and what does not: see gilscope doctor --help.\n\n"
	"Exit status: 0 a report was made; 1 the capture failed; 2 the command line is wrong.";

enum key {
	KEY_ASCII = 256,
	KEY_RING_SIZE,
	KEY_PROBES,
	KEY_EXIT_STATUS,
	KEY_COLUMNS,
	KEY_FOLLOW,
	KEY_COMM,
	KEY_CGROUP,
	KEY_GROUP,
	KEY_MODE
};

static const struct argp_option argp_options[] = {
	{0, 0, 0, 0, "What to profile:", 1},
	{"pid", 'p', "PID[,PID...]", 0, "Profile the running process PID, or several", 1},
	{"comm", KEY_COMM, "NAME", 0,
	 "Profile every Python process named NAME (as ps -o comm shows it, 15 bytes at most), also those "
	 "that begin later",
	 1},
	{"cgroup", KEY_CGROUP, "PATH", 0,
	 "Profile every Python process of a control group and those below it, also later ones; PATH is its "
	 "folder below /sys/fs/cgroup, or as in /proc/PID/cgroup",
	 1},
	{"follow", KEY_FOLLOW, 0, 0,
	 "Profile the children of these processes too, also later ones; the processes themselves need not "
	 "be Python then",
	 1},
	{"duration", 'd', "DURATION", 0, "End the capture after DURATION", 1},
	{0, 0, 0, 0, "The report:", 2},
	{"format", 'f', "FORMAT", 0, "text (default), json, or csv (the thread table)", 2},
	{"output", 'o', "FILE", 0,
	 "Write the report to FILE instead of stdout, where the output of a command goes too", 2},
	{"columns", KEY_COLUMNS, 0, 0, "List the columns of csv with their meaning, and exit", 2},
	{"group", KEY_GROUP, 0, 0,
	 "One row for all threads whose names differ in the number at their end only (worker-1, "
	 "worker-2: worker-*)",
	 2},
	{"interval", 'i', "DURATION", 0,
	 "Print a line on stdout for each interval while it runs (with json or csv only if -o is given); "
	 "adds a series to json",
	 2},
	{"ascii", KEY_ASCII, 0, 0,
	 "No character beyond ASCII (default where the locale is not UTF-8)", 2},
	{"verbose", 'v', 0, 0,
	 "List the probes in the report, say more on stderr; twice: for debugging", 2},
	{0, 0, 0, 0, "How to capture:", 3},
	{"probes", KEY_PROBES, "WHERE", 0,
	 "auto (default): at CPython's own call sites, or, if they cannot be found, libc: at the entries "
	 "of libc's functions",
	 3},
	{"mode", KEY_MODE, "MODE", 0,
	 "aggregate (default): holds below 66 us that nobody waits for are counted in the kernel, with "
	 "the same totals and histograms; exact (default with -i): each is a record of its own",
	 3},
	{"ring-size", KEY_RING_SIZE, "SIZE", 0, "Size of the ring buffer, e.g. 64M (default 8M)",
	 3},
	{"exit-status", KEY_EXIT_STATUS, 0, 0,
	 "With a command: exit with its status once a report was made", 3},
	{0, 0, 0, 0, 0, 0},
};

struct parse {
	struct options *options;
	int verbosity;
	const char *mode; /* NULL: not given */
};

static void parse_duration(struct argp_state *state, const char *what, const char *arg,
			   uint64_t *ns)
{
	if (duration_parse(arg, ns))
		argp_error(
			state,
			"%s '%s' is not a duration above zero: write for example 5, 2s, 500ms or 250us",
			what, arg);
}

static void add_pid(struct options *options, pid_t pid)
{
	for (size_t i = 0; i < options->pids.count; i++)
		if (options->pids.items[i] == pid)
			return;
	*VEC_PUSH(&options->pids) = pid;
}

/* One number, or several with commas between them. */
static void parse_pids(struct argp_state *state, struct options *options, const char *arg)
{
	const char *at = arg;

	for (;;) {
		char *end;

		errno = 0;
		const long value = strtol(at, &end, 10);
		if (errno || end == at || (*end && *end != ',') || value <= 0 || value > INT_MAX)
			argp_error(
				state,
				"'%s' is not a PID: -p takes the number of a process, or several with "
				"commas between them",
				arg);
		add_pid(options, (pid_t)value);
		if (!*end)
			return;
		at = end + 1;
	}
}

/* A power of two of at least a page, as the kernel wants it; rounded up. */
static uint64_t parse_ring_size(struct argp_state *state, const char *arg)
{
	const uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);
	char *end;

	errno = 0;
	unsigned long long value = strtoull(arg, &end, 10);
	bool ok = end != arg && !errno && arg[0] != '-';
	const char *units = "KMG";
	const char *unit = *end ? strchr(units, *end) : NULL;
	if (unit) {
		const int shift = 10 * (int)(unit - units + 1);
		ok = ok && value <= MAX_RING >> shift;
		value <<= shift;
		end++;
	}
	if (!ok || *end || !value || value > MAX_RING)
		argp_error(state,
			   "'%s' is not a size from 4K to 1G: write for example --ring-size 64M",
			   arg);
	uint64_t size = page;
	while (size < value)
		size *= 2;
	return size;
}

static enum report_format parse_format(struct argp_state *state, const char *arg)
{
	static const char *const names[] = {
		[FORMAT_TEXT] = "text", [FORMAT_JSON] = "json", [FORMAT_CSV] = "csv"};

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (!strcmp(arg, names[i]))
			return (enum report_format)i;
	argp_error(state, "unknown format '%s': use text, json or csv", arg);
	return FORMAT_TEXT;
}

static bool parse_probes(struct argp_state *state, const char *arg)
{
	if (strcmp(arg, "auto") != 0 && strcmp(arg, "libc") != 0)
		argp_error(state, "unknown kind of probes '%s': use auto or libc", arg);
	return !strcmp(arg, "libc");
}

static void parse_mode(struct argp_state *state, struct parse *parse, const char *arg)
{
	if (strcmp(arg, "aggregate") != 0 && strcmp(arg, "exact") != 0)
		argp_error(state, "unknown mode '%s': use aggregate or exact", arg);
	parse->mode = arg;
}

static error_t parse_one(int key, char *arg, struct argp_state *state)
{
	struct parse *parse = state->input;
	struct options *options = parse->options;

	switch (key) {
	case 'p':
		parse_pids(state, options, arg);
		break;
	case KEY_FOLLOW:
		options->follow = true;
		break;
	case KEY_COMM:
		if (options->comm)
			argp_error(state, "--comm was given twice: it takes one name");
		options->comm = arg;
		break;
	case KEY_CGROUP:
		if (options->cgroup)
			argp_error(state, "--cgroup was given twice: it takes one control group");
		options->cgroup = arg;
		break;
	case 'd':
		parse_duration(state, "-d", arg, &options->duration_ns);
		break;
	case 'i':
		parse_duration(state, "-i", arg, &options->interval_ns);
		if (options->interval_ns < MIN_INTERVAL_NS)
			argp_error(state, "-i '%s' is too short: intervals begin at 10ms", arg);
		break;
	case 'f':
		options->format = parse_format(state, arg);
		break;
	case 'o':
		if (!arg[0])
			argp_error(state, "-o wants the name of a file");
		options->output = arg;
		break;
	case 'v':
		parse->verbosity++;
		break;
	case KEY_GROUP:
		options->group = true;
		break;
	case KEY_ASCII:
		options->ascii = true;
		break;
	case KEY_RING_SIZE:
		options->ring_size = parse_ring_size(state, arg);
		break;
	case KEY_PROBES:
		options->force_libc = parse_probes(state, arg);
		break;
	case KEY_MODE:
		parse_mode(state, parse, arg);
		break;
	case KEY_COLUMNS:
		report_list_columns(stdout);
		exit(EXIT_SUCCESS);
	case KEY_EXIT_STATUS:
		options->exit_status = true;
		break;
	case ARGP_KEY_ARG:
		argp_error(
			state,
			"unexpected argument '%s': profile a running process with -p PID, or a command behind --",
			arg);
		break;
	default:
		return ARGP_ERR_UNKNOWN;
	}
	return 0;
}

/* Cuts the command behind "--" off; it is never looked at as options. */
static int cut_command(int argc, char **argv, struct options *options)
{
	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--") != 0)
			continue;
		options->command = argv + i + 1;
		argv[i] = NULL;
		return i;
	}
	return argc;
}

/* What only the whole line shows. */
static void check(const struct argp *argp, const struct options *options)
{
	const char *wrong = NULL;

	const bool running = options->pids.count || options->comm || options->cgroup;

	if (options->command && running)
		wrong = "both running processes and a command were named: choose one of them";
	else if (options->command && !options->command[0])
		wrong = "no command follows --: write it there, for example: gilscope stat -- python3 app.py";
	else if (!options->command && !running)
		wrong = "nothing to profile: give -p PID, --comm, --cgroup, or a command behind --";
	else if ((options->comm && !options->comm[0]) || (options->cgroup && !options->cgroup[0]))
		wrong = "--comm and --cgroup want a name that is not empty";
	else if (options->aggregate && options->interval_ns)
		wrong = "--mode aggregate counts holds without their time, which -i needs: leave one out";
	else if (options->exit_status && !options->command)
		wrong = "--exit-status needs a command behind --";
	if (!wrong)
		return;
	log_err(0, "%s", wrong);
	argp_help(argp, stderr, ARGP_HELP_SEE, (char *)"gilscope");
	exit(EXIT_USAGE);
}

void options_parse(int argc, char **argv, struct options *options)
{
	static const struct argp argp = {
		argp_options,
		parse_one,
		"-p PID[,PID...]\n--comm NAME\n--cgroup PATH\n-- COMMAND [ARG...]",
		doc,
		0,
		0,
		0};
	struct parse parse = {.options = options};
	static char name[] = "gilscope";

	*options = (struct options){.ring_size = DEFAULT_RING};
	argp_err_exit_status = EXIT_USAGE;
	argc = cut_command(argc, argv, options);
	/* "stat" is what gilscope does when no other command is named. */
	if (argc > 1 && !strcmp(argv[1], "stat")) {
		argv++;
		argc--;
	}
	argv[0] = name;
	argp_parse(&argp, argc, argv, 0, NULL, &parse);
	options->aggregate = parse.mode ? !strcmp(parse.mode, "aggregate") : !options->interval_ns;
	check(&argp, options);
	options->verbose = parse.verbosity > 0;
	log_set_level(parse.verbosity > 1 ? LOG_DEBUG : parse.verbosity ? LOG_INFO : LOG_WARNING);
}
