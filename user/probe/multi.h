/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 gilscope contributors */
/*
 * uprobe_multi links (Linux 6.6), by the system call itself: libbpf has them from 1.3 on, and the
 * floor is 1.1. One link attaches and detaches all sites together, which is many times faster than
 * a perf event for each.
 */
#ifndef GILSCOPE_MULTI_H
#define GILSCOPE_MULTI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* bpf_attach_type of such programs (include/uapi/linux/bpf.h from 6.6 on); a program must be loaded
 * with it. */
#define MULTI_ATTACH_TYPE 48

/*
 * Whether the kernel has them and filters by process: before 6.10 it filtered by thread, which
 * would lose all threads but one. Found by trying, not by version.
 */
bool multi_supported(void);

/* Attaches the program to the file's offsets, for one process. A file descriptor that is the link,
 * or a negative errno. */
int multi_attach(int prog_fd, const char *path, const uint64_t *offsets, size_t count, pid_t pid);

#endif
