/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 gilscope contributors */
#ifndef GILSCOPE_LOG_H
#define GILSCOPE_LOG_H

#include <stddef.h>

enum log_level { LOG_ERROR, LOG_WARNING, LOG_INFO, LOG_DEBUG };

/* Messages above `level` are dropped; the default is LOG_WARNING. This and log_divert are the only
 * process-wide settings there are. */
void log_set_level(enum log_level level);
enum log_level log_get_level(void);

/*
 * Prints "gilscope: ..." to stderr and returns `err`, so that nothing fails without a message and a
 * code:
 *	return log_err(-ENOENT, "no process %d: check the PID", pid);
 * A message says what failed, why, and what to do.
 */
int log_err(int err, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/*
 * From here on the text of log_err goes to `buffer`, the last one cut at `size`, instead of stderr:
 * for a report of which it is a part. NULL ends that.
 */
void log_divert(char *buffer, size_t size);
void log_warn(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void log_info(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void log_debug(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

#endif
