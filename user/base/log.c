/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 gilscope contributors */
#include "base/log.h"

#include <stdarg.h>
#include <stdio.h>

static enum log_level max_level = LOG_WARNING;
static char *diverted;
static size_t diverted_size;

void log_set_level(enum log_level level)
{
	max_level = level;
}

enum log_level log_get_level(void)
{
	return max_level;
}

void log_divert(char *buffer, size_t size)
{
	diverted = buffer;
	diverted_size = size;
}

static void vlog(enum log_level level, const char *prefix, const char *fmt, va_list args)
{
	if (level > max_level)
		return;
	/* One buffer, one write: lines of the target, which may share our stderr, do not cut ours.
	 */
	char line[2048];
	int at = snprintf(line, sizeof(line), "gilscope: %s", prefix);
	vsnprintf(line + at, sizeof(line) - at, fmt, args);
	fprintf(stderr, "%s\n", line);
}

int log_err(int err, const char *fmt, ...)
{
	va_list args;
	va_start(args, fmt);
	if (diverted)
		vsnprintf(diverted, diverted_size, fmt, args);
	else
		vlog(LOG_ERROR, "", fmt, args);
	va_end(args);
	return err;
}

#define DEFINE_LOG(name, level, prefix)                                                            \
	void name(const char *fmt, ...)                                                            \
	{                                                                                          \
		va_list args;                                                                      \
		va_start(args, fmt);                                                               \
		vlog(level, prefix, fmt, args);                                                    \
		va_end(args);                                                                      \
	}

DEFINE_LOG(log_warn, LOG_WARNING, "warning: ")
DEFINE_LOG(log_info, LOG_INFO, "")
DEFINE_LOG(log_debug, LOG_DEBUG, "debug: ")
