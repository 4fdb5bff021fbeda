/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 gilscope contributors */
#define _GNU_SOURCE
#include "target/surroundings.h"

#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <unistd.h>

#include "base/caps.h"
#include "base/mem.h"
#include "target/process.h"

/* Inodes of the first namespaces, the same on every machine (include/linux/proc_ns.h:
 * PROC_PID_INIT_INO, PROC_USER_INIT_INO). */
static const struct {
	const char *name, *file;
	ino_t first;
} namespaces[NAMESPACE_COUNT] = {
	[NAMESPACE_MOUNT] = {"mount", "mnt", 0},
	[NAMESPACE_PID] = {"PID", "pid", 0xEFFFFFFC},
	[NAMESPACE_USER] = {"user", "user", 0xEFFFFFFD},
};

const char *namespace_name(enum namespace_kind kind)
{
	return namespaces[kind].name;
}

/* 0 if it cannot be told. */
static ino_t namespace_inode(const char *process, enum namespace_kind kind)
{
	char path[64];
	struct stat ns;

	snprintf(path, sizeof(path), "/proc/%s/ns/%s", process, namespaces[kind].file);
	return stat(path, &ns) ? 0 : ns.st_ino;
}

bool own_namespace(enum namespace_kind kind)
{
	const ino_t inode = namespace_inode("self", kind);

	return inode && namespaces[kind].first && inode != namespaces[kind].first;
}

int yama_scope(void)
{
	FILE *f = fopen("/proc/sys/kernel/yama/ptrace_scope", "re");
	int scope = 0;

	if (!f)
		return 0;
	if (fscanf(f, "%d", &scope) != 1)
		scope = 0;
	fclose(f);
	return scope;
}

static bool ends_with(const char *text, const char *end)
{
	const size_t length = strlen(text), end_length = strlen(end);

	return length >= end_length && !strcmp(text + length - end_length, end);
}

static enum file_state file_state(const char *path_in_root, const struct mapped_file *file)
{
	struct stat mapped, there;

	/* The kernel marks a mapped file so whose name was removed or given to another file. */
	if (ends_with(file->path, " (deleted)"))
		return FILE_GONE;
	if (stat(file->open_path, &mapped) || stat(path_in_root, &there))
		return FILE_UNKNOWN;
	return mapped.st_ino == there.st_ino ? FILE_SAME : FILE_GONE;
}

void surroundings_read(const struct target *target, struct surroundings *out)
{
	char process[16];
	struct process_status status;
	struct statfs fs;

	memset(out, 0, sizeof(*out));
	snprintf(process, sizeof(process), "%d", target->pid);
	for (enum namespace_kind kind = 0; kind < NAMESPACE_COUNT; kind++) {
		const ino_t its = namespace_inode(process, kind);

		out->other[kind] = its && its != namespace_inode("self", kind);
	}
	char *path = xasprintf("/proc/%s/root%s", process, target->python.path);
	out->overlay = !statfs(path, &fs) && fs.f_type == OVERLAYFS_SUPER_MAGIC;
	out->file = file_state(path, &target->python);
	free(path);
	out->shadow_stack = !process_status(target->pid, &status) && status.shadow_stack;
}

/* The end of a sentence that says which one is missing. */
#define HOW_TO_GET_CAPS "run gilscope as root, or give it the capability (gilscope doctor says how)"

char *access_refusal(pid_t pid)
{
	const int yama = yama_scope();
	struct process_status status;

	if (own_namespace(NAMESPACE_USER))
		return xstrdup(
			"gilscope runs in a user namespace of its own, whose capabilities do "
			"not count outside: run it as root of the host");
	if (yama >= 3)
		return xstrdup("kernel.yama.ptrace_scope is 3, which forbids it to everybody: set "
			       "another value where the machine boots (/etc/sysctl.d) and reboot");
	if (!caps_missing(CAP_BIT_SYS_PTRACE))
		return xstrdup("a security module (SELinux, AppArmor) or a seccomp filter forbids "
			       "it: see the kernel's log and gilscope doctor");
	if (!process_status(pid, &status) && status.uid != geteuid())
		return xasprintf(
			"it belongs to user %u and CAP_SYS_PTRACE is missing: " HOW_TO_GET_CAPS,
			status.uid);
	if (yama)
		return xasprintf(
			"kernel.yama.ptrace_scope is %d and CAP_SYS_PTRACE is missing: " HOW_TO_GET_CAPS,
			yama);
	return xstrdup("it has privileges that we have not, or gained some when it began, and "
		       "CAP_SYS_PTRACE is missing: " HOW_TO_GET_CAPS);
}

char *file_refusal(pid_t pid, bool gone)
{
	unsigned wanted = gone ? CAP_BIT_CHECKPOINT_RESTORE : CAP_BIT_DAC_READ_SEARCH;
	char names[CAPS_TEXT];
	struct process_status status;

	/* The folder map_files belongs to the process's user alone. */
	if (gone && !process_status(pid, &status) && status.uid != geteuid())
		wanted |= CAP_BIT_DAC_READ_SEARCH;
	const unsigned missing = caps_missing(wanted);
	if (!missing)
		return xstrdup("a security module (SELinux, AppArmor) or the file system forbids "
			       "it: see the kernel's log");
	caps_format_missing(missing, names, sizeof(names));
	return xasprintf("%s: run gilscope as root, or give it the capabilities (gilscope doctor "
			 "says how)%s",
			 names, gone ? ", or restart the process" : "");
}
