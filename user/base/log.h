/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 gilscope contributors */
#ifndef GILSCOPE_LOG_H
#define GILSCOPE_LOG_H

#include <stdbool.h>

enum log_level { LOG_ERROR, LOG_WARNING, LOG_INFO, LOG_DEBUG };

/* Messages above `level` are dropped; the default is LOG_WARNING. */
void log_set_level(enum log_level level);
enum log_level log_get_level(void);

/*
 * While set, errors are told at LOG_INFO: of a process that nobody named, which is looked at only
 * to see whether it concerns us.
 */
void log_demote_errors(bool demote);

/*
 * Prints "gilscope: ..." to stderr and returns `err`, so that nothing fails without a message and a
 * code:
 *	return log_err(-ENOENT, "no process %d: check the PID", pid);
 * A message says what failed, why, and what to do.
 */
int log_err(int err, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void log_warn(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void log_info(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void log_debug(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

#endif
