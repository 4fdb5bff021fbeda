/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 gilscope contributors */
/*
 * Starts a command and stops it at the moment when it has mapped a CPython and has not run any of
 * it: before the interpreter exists, so before its first thread.
 */
#ifndef GILSCOPE_LAUNCH_H
#define GILSCOPE_LAUNCH_H

#include <stdbool.h>
#include <sys/types.h>

/*
 * Starts `argv` (found by PATH) as a child. 0: it is stopped as said, and *pid is its PID: go on
 * with launch_resume. With `any_program` it is stopped so at the first program that it executes,
 * whatever that is. Else a negative errno after a message: it could not be started, or it ended
 * without ever mapping a CPython (*status has its wait status then, else -1).
 */
int launch_stopped(char *const argv[], bool any_program, pid_t *pid, int *status);

/* Lets it run, untraced from here on. 0 or a negative errno after a message. */
int launch_resume(pid_t pid);

/* Whether it has ended; its status can still be waited for. */
bool launch_has_ended(pid_t pid);

/* Waits for its end; its wait status. */
int launch_wait(pid_t pid);

#endif
