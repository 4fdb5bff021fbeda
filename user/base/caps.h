/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 gilscope contributors */
/*
 * The capabilities of this process that matter to it, as a set of enum cap bits. Root of a user
 * namespace of its own has them all there, and none of them counts outside.
 */
#ifndef GILSCOPE_CAPS_H
#define GILSCOPE_CAPS_H

#include <stddef.h>

enum cap {
	CAP_BIT_BPF = 1,		 /* BPF programs and maps */
	CAP_BIT_PERFMON = 2,		 /* BPF programs for tracing */
	CAP_BIT_SYS_ADMIN = 4,		 /* uprobes by perf events; stands in for BPF, PERFMON and
					    CHECKPOINT_RESTORE */
	CAP_BIT_SYS_PTRACE = 8,		 /* memory and files of other users' processes */
	CAP_BIT_CHECKPOINT_RESTORE = 16, /* /proc/PID/map_files: files that are gone */
	CAP_BIT_DAC_READ_SEARCH = 32,	 /* files and folders that others may not read */
	CAP_BIT_SYS_RESOURCE = 64,	 /* memory for BPF maps before Linux 5.11 */
};
#define CAP_COUNT 7

/* "CAP_BPF" for one bit. */
const char *cap_name(enum cap cap);

/*
 * The effective ones. CAP_SYS_ADMIN brings those that it stands in for, CAP_DAC_OVERRIDE brings
 * CAP_DAC_READ_SEARCH, as the kernel has it.
 */
unsigned caps_effective(void);

/* Those of `wanted` that are not effective. */
unsigned caps_missing(unsigned wanted);

/* "CAP_BPF, CAP_PERFMON and CAP_SYS_PTRACE"; "none" for an empty set. At most `size` bytes, cut. */
void caps_format(unsigned caps, char *text, size_t size);
/* The same as a sentence: "CAP_BPF is missing", "CAP_BPF and CAP_PERFMON are missing". */
void caps_format_missing(unsigned caps, char *text, size_t size);
#define CAPS_TEXT 180

#endif
