/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 gilscope contributors */
#define _GNU_SOURCE
#include "output.h"

#include <errno.h>
#include <fcntl.h>
#include <langinfo.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"

/* Where there is no terminal to ask. */
#define PIPED_WIDTH 100
#define MIN_WIDTH 40
#define MAX_WIDTH 400

int output_open(const char *path, struct output *out)
{
	*out = (struct output){.file = stdout, .path = path};
	if (!path)
		return 0;
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
	out->created = fd >= 0;
	if (fd < 0 && errno == EEXIST)
		fd = open(path, O_WRONLY | O_CLOEXEC);
	out->file = fd >= 0 ? fdopen(fd, "w") : NULL;
	if (!out->file)
		return log_err(-errno, "cannot write to %s: %s", path, strerror(errno));
	return 0;
}

int output_begin(struct output *out)
{
	struct stat st;

	/* Only a file has old contents; a pipe or a device cannot be cut. */
	if (!out->path || fstat(fileno(out->file), &st) || !S_ISREG(st.st_mode))
		return 0;
	if (ftruncate(fileno(out->file), 0))
		return log_err(-errno, "cannot write to %s: %s", out->path, strerror(errno));
	return 0;
}

int output_close(struct output *out, bool keep)
{
	int err = 0;

	if (!out->path || !out->file)
		return 0;
	if (fclose(out->file) && keep)
		err = log_err(-errno, "cannot write to %s: %s", out->path, strerror(errno));
	out->file = NULL;
	if (!keep && out->created)
		unlink(out->path);
	return err;
}

static int terminal_width(int fd)
{
	const char *columns = getenv("COLUMNS");
	struct winsize size;
	int width = PIPED_WIDTH;

	if (columns && atoi(columns) > 0)
		width = atoi(columns);
	else if (!ioctl(fd, TIOCGWINSZ, &size) && size.ws_col)
		width = size.ws_col;
	return width < MIN_WIDTH ? MIN_WIDTH : width > MAX_WIDTH ? MAX_WIDTH : width;
}

struct report_options output_style(FILE *out, const struct options *options)
{
	const int fd = fileno(out);

	return (struct report_options){
		.format = options->format,
		.ascii = options->ascii || strcmp(nl_langinfo(CODESET), "UTF-8") != 0,
		.color = isatty(fd) && !getenv("NO_COLOR"),
		.width = terminal_width(fd),
		.group = options->group,
		.verbose = options->verbose,
	};
}
