/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 gilscope contributors */
/* Processes by what they are called and where they belong. Nothing prints. */
#ifndef GILSCOPE_SELECT_H
#define GILSCOPE_SELECT_H

#include <stdbool.h>
#include <sys/types.h>

/* Calls `each` for every process that /proc shows, with its parent, but not for ourselves. 0 or a
 * negative errno. */
int select_each(void (*each)(void *ctx, pid_t pid, pid_t ppid), void *ctx);

/* Whether the process (its main thread) is named so; names have at most 15 bytes, and a longer
 * `name` is compared as far. */
bool select_by_comm(pid_t pid, const char *name);

/*
 * The control group that a path stands for: as /proc/PID/cgroup has it, a part of `path`, which may
 * be so already or begin with the place where cgroups are mounted. NULL: there is no such group.
 */
const char *select_cgroup(const char *path);

/* Whether the process is in that control group or in one below it, in any hierarchy. */
bool select_by_cgroup(pid_t pid, const char *group);

#endif
