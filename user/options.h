/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 gilscope contributors */
#ifndef GILSCOPE_OPTIONS_H
#define GILSCOPE_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "report/result.h"

/* The command line, parsed once. Strings live as long as argv. */
struct options {
	struct {
		pid_t *items;
		size_t count, cap;
	} pids;
	char **command;	      /* NULL-terminated; NULL: no command is started */
	bool follow;	      /* the children too */
	const char *comm;     /* all processes of this name; NULL: not asked for */
	const char *cgroup;   /* all processes of this control group; NULL: not asked for */
	uint64_t duration_ns; /* 0: until Ctrl-C or the target's end */
	uint64_t interval_ns; /* 0: no intervals */
	uint64_t ring_size;
	enum report_format format;
	const char *output; /* NULL: stdout */
	bool ascii;
	bool group; /* threads by name */
	bool force_libc;
	bool aggregate;	  /* count short holds in the kernel */
	bool exit_status; /* pass the command's status on */
	bool verbose;
};

/* Parses; on a wrong command line prints what is wrong and exits with status 2; --help and
 * --version print and exit with 0. */
void options_parse(int argc, char **argv, struct options *options);

#endif
