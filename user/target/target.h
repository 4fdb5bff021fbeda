/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 gilscope contributors */
/*
 * Resolve: from a PID to its CPython: the file that holds the interpreter, its version and build,
 * and where the GILs are. Everything is found by what the process maps, never by the executable's
 * name.
 */
#ifndef GILSCOPE_TARGET_H
#define GILSCOPE_TARGET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "target/elf_image.h"

#define TARGET_MAX_GILS 64

/* A file that the process maps and that we can open. */
struct mapped_file {
	char *path;	 /* as the target sees it */
	char *open_path; /* the same file from here: through /proc/PID/map_files or /proc/PID/root
			  */
	uint64_t bias;	 /* address in the process = vaddr in the file + bias */
	struct elf_image *image;
};

struct py_version {
	int major, minor, micro;
	char text[32]; /* "3.11.2", "3.14.0rc1" */
};

/* Offsets inside CPython's and libc's structures, in bytes (see offsets.c). */
struct py_offsets {
	uint32_t runtime_interpreters_head;
	uint32_t interp_next;
	uint32_t interp_id;
	uint32_t interp_gil;  /* pointer to the GIL in the interpreter state; 0: the GIL is in the
				 runtime */
	uint32_t runtime_gil; /* of the GIL in _PyRuntime, if interp_gil is 0 */
	uint32_t tstate_thread_id;
	uint32_t tstate_native_id; /* 0: there is none (before 3.11) */
	uint32_t pthread_tid;	   /* of the kernel's thread id in what thread_id points to */
	uint32_t gil_interval;	   /* microseconds, unsigned long */
	uint32_t gil_last_holder;
	uint32_t gil_locked;
	uint32_t gil_cond;
	uint32_t gil_switch_cond;
};

struct gil_info {
	uint64_t address;
	uint64_t switch_interval_ns;
	int64_t interp_ids[4];
	size_t interp_count; /* how many interpreters share it; the first four are named */
};

struct target {
	pid_t pid, ppid;
	char *exe;     /* path as the target sees it */
	char *cmdline; /* arguments, separated by blanks; control characters replaced */
	struct mapped_file python;
	struct mapped_file libc; /* image == NULL: none found */
	const char *libc_kind;	 /* "glibc", "musl", "none" */
	bool is_static; /* the interpreter is in the executable, not in a shared libpython */
	bool stripped;	/* no .symtab */
	struct py_version version;
	bool free_threaded;
	uint64_t runtime; /* address of _PyRuntime in the process */
	struct py_offsets off;
};

/*
 * Resolves process `pid`. 0, or a negative errno after a message. Free with target_free in either
 * case (`out` is always set to something that can be freed).
 */
int target_resolve(pid_t pid, struct target *out);
void target_free(struct target *target);

/*
 * The same for a process that was forked from `parent` and has executed nothing since: it has its
 * parent's memory layout and files. Nothing is checked; `out` shares the parent's images.
 */
void target_fork(const struct target *parent, pid_t pid, struct target *out);

/* Whether the process maps a CPython yet: 1, 0, or a negative errno. No message. */
int target_maps_python(pid_t pid);

/*
 * The GILs that exist now, from the interpreter list in the process's memory. Their number (0: the
 * runtime is not initialized yet), or -EFAULT if the memory cannot be read: the process has ended.
 * No message.
 */
int target_read_gils(const struct target *target, struct gil_info *gils, size_t max);

/* State of one GIL, read from the process's memory. */
struct gil_memory {
	int locked;	      /* -1: not initialized */
	uint64_t last_holder; /* a tstate */
};
int target_read_gil(const struct target *target, uint64_t gil, struct gil_memory *out);

/* Kernel thread id of a thread state; 0 if it cannot be told. */
pid_t target_tstate_tid(const struct target *target, uint64_t tstate);

#endif
