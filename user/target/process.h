/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 gilscope contributors */
/* What /proc says about a process, and its memory. Nothing here knows of Python, and nothing
 * prints. */
#ifndef GILSCOPE_PROCESS_H
#define GILSCOPE_PROCESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct process_status {
	pid_t tgid, ppid;
	uid_t uid;
	bool shadow_stack; /* a user shadow stack is on (x86_Thread_features: shstk) */
	bool zombie;	   /* the main thread has ended */
	int threads;
	int pid_namespaces; /* how deep it is nested: 1 is the namespace that /proc shows */
};

/* Reads /proc/PID/status (PID may be a thread's id). 0 or a negative errno (-ENOENT: no such
 * process). */
int process_status(pid_t pid, struct process_status *out);

struct process_map {
	uint64_t start, end, offset;
	uint64_t inode;
	uint32_t dev_major, dev_minor;
	bool executable;
	char *path; /* as the process sees it; "" if anonymous, " (deleted)" at its end if unlinked */
};

struct process_maps {
	struct process_map *items;
	size_t count, cap;
};

/* Reads /proc/PID/maps. 0 or a negative errno. Free with process_maps_free in either case. */
int process_maps_read(pid_t pid, struct process_maps *maps);
void process_maps_free(struct process_maps *maps);

/* Reads `size` bytes at `address`. 0; -EFAULT if not all of it is readable; -ESRCH, -EPERM. */
int process_read(pid_t pid, uint64_t address, void *buffer, size_t size);

/* The same for several pieces in one system call, at most PROCESS_PARTS. */
struct process_part {
	uint64_t address;
	void *buffer;
	size_t size;
};
#define PROCESS_PARTS 4
int process_read_parts(pid_t pid, const struct process_part *parts, size_t count);

/* The executable's path as the process sees it, and the arguments joined by blanks with control characters replaced. Owned by
 * the caller; never NULL. */
char *process_exe(pid_t pid);
char *process_cmdline(pid_t pid);

/* Calls `each` for every thread, with its name (at most 15 bytes). 0 or a negative errno. */
int process_each_thread(pid_t pid, void (*each)(void *ctx, pid_t tid, const char *comm), void *ctx);

/* A thread's id in its own PID namespace; 0: there is no such thread. */
pid_t process_innermost_tid(pid_t pid, pid_t tid);

/* The thread whose id in the process's own PID namespace is `ns_tid`, as the id that we see; 0:
 * there is none. */
pid_t process_thread_by_ns_tid(pid_t pid, pid_t ns_tid);

#endif
