/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 gilscope contributors */
/*
 * What this kernel can do and lets us do: found by trials that leave nothing behind, never by its
 * version. Nothing here prints. What a seccomp filter of this process denies is not tried but
 * answered by EPERM, since the filter may kill.
 */
#ifndef GILSCOPE_FEATURES_H
#define GILSCOPE_FEATURES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum feature_state {
	FEATURE_WORKS,
	FEATURE_LACKS,	/* this kernel does not have it */
	FEATURE_REFUSED /* we may not: whether it has it is not known */
};

struct feature {
	enum feature_state state;
	int err; /* what the trial failed with, a negative errno; 0: it works, or was not tried */
};

/* A map of type ring buffer is made (Linux 5.8). */
struct feature feature_ring_buffer(void);

/* An empty program for probes is loaded: needs CAP_BPF and CAP_PERFMON. */
struct feature feature_probe_program(void);

/* An empty program is attached to a raw tracepoint. */
struct feature feature_raw_tracepoint(void);

/* See multi_supported(). */
struct feature feature_uprobe_multi(void);

/*
 * perf events for uprobes, asked for with two paths that cannot be probed: a kernel that has them
 * and lets us gets as far as to say why (EINVAL for a folder, ENOENT for what is not there). Needs
 * CAP_SYS_ADMIN on kernels of today.
 */
struct feature feature_perf_uprobe(void);

/*
 * True where BPF maps count as locked memory, which is limited (ulimit -l): before Linux 5.11,
 * whose new accounting came together with the helper that is looked for.
 */
bool feature_memory_locked(void);

/*
 * Attaches an empty program to the file's offsets, for this process alone, so that no other is
 * touched, and detaches it: what attaching to that file would say. 0 or a negative errno.
 */
int feature_attach(const char *path, const uint64_t *offsets, size_t count);

/* Which of the system calls that a capture needs a seccomp filter of this process denies: or'ed.
 * Tried in a child with arguments that the kernel itself refuses with another errno. */
enum filtered_call { FILTERED_BPF = 1, FILTERED_PERF_EVENT_OPEN = 2, FILTERED_PROCESS_READ = 4 };
unsigned features_filtered(void);

#endif
