/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 gilscope contributors */
#define _GNU_SOURCE
#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "target/offsets.h"
#include "target/process.h"
#include "target/surroundings.h"
#include "target/target.h"
#include "target/version.h"

/*
 * map_files reaches the very file that is mapped, also one that was replaced or deleted since, and
 * in any mount namespace; the path below the process's root is for those who may not use map_files
 * (it needs CAP_SYS_ADMIN or CAP_CHECKPOINT_RESTORE).
 */
static int open_mapping(pid_t pid, const struct process_map *map, struct mapped_file *file)
{
	struct elf_image *image;
	char *path = xasprintf("/proc/%d/map_files/%lx-%lx", pid, (unsigned long)map->start,
			       (unsigned long)map->end);
	int err = elf_image_open(path, &image);

	if (err) {
		const bool denied = err == -EACCES || err == -EPERM;

		free(path);
		path = xasprintf("/proc/%d/root%s", pid, map->path);
		err = elf_image_open(path, &image);
		/* Only map_files has what is gone from its path. */
		if (err == -ENOENT && denied)
			err = -ESTALE;
	}
	if (err) {
		free(path);
		return err;
	}
	uint64_t vaddr;
	if (!elf_image_vaddr_of_mapping(image, map->offset, &vaddr)) {
		elf_image_close(image);
		free(path);
		return -ENOEXEC;
	}
	*file = (struct mapped_file){.path = xstrdup(map->path),
				     .open_path = path,
				     .bias = map->start - vaddr,
				     .image = image};
	return 0;
}

static void close_mapping(struct mapped_file *file)
{
	free(file->path);
	free(file->open_path);
	elf_image_close(file->image);
	memset(file, 0, sizeof(*file));
}

static bool same_file(const struct process_map *a, const struct process_map *b)
{
	return a->inode == b->inode && a->dev_major == b->dev_major && a->dev_minor == b->dev_minor;
}

/* The first executable mapping of a file for which `wanted` holds. 0, -ENOENT, or why one of the
 * files could not be opened: -EACCES, -EPERM, or -ESTALE for one that is gone from its path. */
static int find_mapping(pid_t pid, const struct process_maps *maps,
			bool (*wanted)(const struct elf_image *), struct mapped_file *out)
{
	const struct process_map *last = NULL;
	int why = -ENOENT;

	for (size_t i = 0; i < maps->count; i++) {
		const struct process_map *map = &maps->items[i];

		if (!map->executable || !map->inode || (last && same_file(last, map)))
			continue;
		last = map;
		int err = open_mapping(pid, map, out);
		if (!err && wanted(out->image))
			return 0;
		if (!err)
			close_mapping(out);
		else if (err == -EACCES || err == -EPERM || (err == -ESTALE && why == -ENOENT))
			why = err;
	}
	return why;
}

/*
 * The libc whose condition variables the process uses. Before 2.34 that is glibc's libpthread.so.0,
 * and libc.so.6 exports functions of the same names that only call it (nptl/forward.c); they are
 * told apart by pthread_create, which no libc has that is not whole.
 */
static bool has_threads(const struct elf_image *image)
{
	return elf_image_default_symbol(image, "pthread_cond_signal") &&
	       elf_image_default_symbol(image, "pthread_cond_timedwait") &&
	       elf_image_default_symbol(image, "pthread_create");
}

int target_maps_python(pid_t pid)
{
	struct process_maps maps;
	struct mapped_file python;
	int err = process_maps_read(pid, &maps);

	if (!err) {
		err = find_mapping(pid, &maps, version_is_python, &python);
		if (!err)
			close_mapping(&python);
	}
	process_maps_free(&maps);
	return err == -ENOENT ? 0 : err ? err : 1;
}

/* Ids come from /proc and go into system calls: both must speak of the same PID namespace. */
static int check_own_namespace(void)
{
	char self[32];
	const ssize_t n = readlink("/proc/self", self, sizeof(self) - 1);

	if (n > 0) {
		self[n] = '\0';
		if (atoi(self) == getpid())
			return 0;
	}
	return log_err(
		-ENOTSUP,
		"/proc shows another PID namespace than the one that gilscope runs in: mount its own "
		"(mount -t proc proc /proc), or start it with unshare --mount-proc");
}

/* Refuses, with a message, what cannot be a target. */
static int check_process(pid_t pid, struct target *target)
{
	struct process_status status;
	int err = process_status(pid, &status);

	if (err == -ENOENT && (!kill(pid, 0) || errno == EPERM))
		return log_err(
			-EACCES,
			"process %d is hidden from this user in /proc (it is mounted with hidepid): run gilscope as root, "
			"or in the group that the mount's gid= names",
			pid);
	if (err == -ENOENT)
		return log_err(
			-ESRCH,
			"no process has PID %d: check the PID (pgrep -a python lists candidates)",
			pid);
	if (err)
		return log_err(err, "cannot read /proc/%d/status: %s", pid, strerror(-err));
	if (status.tgid != pid)
		return log_err(-EINVAL, "%d is a thread of process %d: use -p %d", pid, status.tgid,
			       status.tgid);
	if (status.zombie && status.threads > 1)
		return log_err(
			-ESRCH,
			"the main thread of process %d has ended: what the process maps cannot be read any more",
			pid);
	if (status.zombie)
		return log_err(-ESRCH, "process %d has ended already (zombie): nothing to profile",
			       pid);
	if (status.shadow_stack)
		return log_err(
			-ENOTSUP,
			"process %d has a user shadow stack, and probing calls there is not proven safe: "
			"start it with GLIBC_TUNABLES=glibc.cpu.x86_shstk=off",
			pid);
	target->ppid = status.ppid;
	return 0;
}

static int refuse_access(pid_t pid, int err)
{
	struct process_status status;

	if (process_status(pid, &status))
		return log_err(-ESRCH, "process %d ended while it was looked at", pid);
	char *why = access_refusal(pid);
	log_err(err, "not allowed to look into process %d (%s): %s", pid, strerror(-err), why);
	free(why);
	return err;
}

/* One of the files that the process maps, perhaps its interpreter, could not be opened. */
static int refuse_file(pid_t pid, int err)
{
	char root[64], byte;

	/* CAP_PERFMON alone lets read the mappings on new kernels, and not what is behind them. */
	snprintf(root, sizeof(root), "/proc/%d/root", pid);
	if (readlink(root, &byte, 1) < 0 && err != -ESTALE)
		return refuse_access(pid, err);
	char *why = file_refusal(pid, err == -ESTALE);

	if (err == -ESTALE)
		log_err(err,
			"files that process %d maps were deleted or replaced since, and its CPython is "
			"not among the others: %s",
			pid, why);
	else
		log_err(err,
			"not allowed to open files that process %d maps, and its CPython is not "
			"among the others (%s): %s",
			pid, strerror(-err), why);
	free(why);
	return err;
}

static int find_files(pid_t pid, struct target *target)
{
	struct process_maps maps;
	int err = process_maps_read(pid, &maps);

	/* A kernel thread, or a process that is ending. */
	if (!err && !maps.count)
		err = -ENOENT;
	if (err == -EACCES || err == -EPERM) {
		process_maps_free(&maps);
		return refuse_access(pid, err);
	}
	if (!err)
		err = find_mapping(pid, &maps, version_is_python, &target->python);
	if (!err) {
		bool exe = !strcmp(target->python.path, target->exe);
		target->is_static = exe;
		if (find_mapping(pid, &maps, has_threads, &target->libc))
			memset(&target->libc, 0, sizeof(target->libc));
	}
	process_maps_free(&maps);
	if (err == -EACCES || err == -EPERM || err == -ESTALE)
		return refuse_file(pid, err);
	if (err == -ENOENT)
		return log_err(
			err,
			"process %d (%s) maps no CPython of version 3.8 or later: nothing there exports "
			"_PyRuntime; check the PID (a launcher or shell may have started the interpreter as a child)",
			pid, target->exe);
	if (err)
		return log_err(err, "cannot read the mappings of process %d: %s", pid,
			       strerror(-err));
	return 0;
}

static const char *libc_kind(const struct mapped_file *libc)
{
	if (!libc->image)
		return "none";
	return strstr(libc->path, "musl") ? "musl" : "glibc";
}

static int find_layout(pid_t pid, struct target *target)
{
	struct py_version *version = &target->version;

	version_find(target->python.image, version);
	int err = offsets_find(version, target->python.image, target->libc_kind, &target->off,
			       &target->free_threaded);
	if (err == -ENOTSUP)
		return log_err(
			err,
			"process %d runs CPython %s (%s), and this gilscope knows 3.%d to 3.%d: get one "
			"that knows it",
			pid, version->text, target->python.path, OFFSETS_OLDEST_MINOR,
			OFFSETS_NEWEST_MINOR);
	if (err)
		return log_err(
			err,
			"the structure offsets in %s contradict its version %s: this build cannot be profiled; "
			"please report it with the file's build-id %s",
			target->python.path, version->text,
			elf_image_build_id(target->python.image));
	return 0;
}

int target_resolve(pid_t pid, struct target *target)
{
	memset(target, 0, sizeof(*target));
	target->pid = pid;
	target->exe = process_exe(pid);
	target->cmdline = process_cmdline(pid);
	target->libc_kind = "none";

	int err = check_own_namespace();
	if (!err)
		err = check_process(pid, target);
	if (!err)
		err = find_files(pid, target);
	if (err)
		return err;
	target->libc_kind = libc_kind(&target->libc);
	err = find_layout(pid, target);
	if (err)
		return err;
	target->stripped = !elf_image_has_symtab(target->python.image);
	target->runtime =
		elf_image_symbol(target->python.image, "_PyRuntime", NULL) + target->python.bias;
	return 0;
}

static void share_mapping(const struct mapped_file *from, struct mapped_file *to)
{
	*to = *from;
	if (!from->image)
		return;
	to->path = xstrdup(from->path);
	to->open_path = xstrdup(from->open_path);
	to->image = elf_image_share(from->image);
}

void target_fork(const struct target *parent, pid_t pid, struct target *out)
{
	*out = *parent;
	out->pid = pid;
	out->ppid = parent->pid;
	out->exe = xstrdup(parent->exe);
	out->cmdline = xstrdup(parent->cmdline);
	share_mapping(&parent->python, &out->python);
	share_mapping(&parent->libc, &out->libc);
}

void target_free(struct target *target)
{
	close_mapping(&target->python);
	close_mapping(&target->libc);
	free(target->exe);
	free(target->cmdline);
	memset(target, 0, sizeof(*target));
}
