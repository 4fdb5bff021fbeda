/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 gilscope contributors */
/* In what a process lives, seen from here: namespaces, file systems, who may look into it. */
#ifndef GILSCOPE_SURROUNDINGS_H
#define GILSCOPE_SURROUNDINGS_H

#include <stdbool.h>
#include <sys/types.h>

#include "target/target.h"

enum namespace_kind { NAMESPACE_MOUNT, NAMESPACE_PID, NAMESPACE_USER, NAMESPACE_COUNT };
const char *namespace_name(enum namespace_kind kind); /* "mount", "PID", "user" */

/* Whether we are in a namespace of our own instead of the first one, which the kernel began with.
 * Not known for mount namespaces: false. */
bool own_namespace(enum namespace_kind kind);

/* kernel.yama.ptrace_scope; 0 where there is no Yama. */
int yama_scope(void);

enum file_state {
	FILE_SAME,   /* what is at its path is what the process maps */
	FILE_GONE,   /* deleted, or replaced by another file, since the process mapped it */
	FILE_UNKNOWN /* there is no right to tell */
};

struct surroundings {
	bool other[NAMESPACE_COUNT]; /* it is in another namespace than we are */
	bool overlay;		     /* its interpreter lies on an overlay file system */
	bool shadow_stack;
	enum file_state file; /* of its interpreter */
};

/* What is true of a resolved process. What cannot be told is false. */
void surroundings_read(const struct target *target, struct surroundings *out);

/*
 * Why the kernel does not let us look into a process, and what to do: an end of a sentence, owned
 * by the caller. Names the missing capability.
 */
char *access_refusal(pid_t pid);

/* The same for a file that the process maps and that is gone from its path (`gone`), or that we may
 * not open. */
char *file_refusal(pid_t pid, bool gone);

#endif
