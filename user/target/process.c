/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 gilscope contributors */
#define _GNU_SOURCE
#include "target/process.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/mem.h"

static FILE *open_proc(pid_t pid, const char *name)
{
	char path[128];

	snprintf(path, sizeof(path), "/proc/%d/%s", pid, name);
	return fopen(path, "re");
}

/* Reads of /proc of a process that has just ended fail with ESRCH: for us it is as good as never
 * there. */
static int proc_error(void)
{
	return errno == ESRCH ? -ENOENT : -errno;
}

static int count_words(const char *s)
{
	int words = 0;

	for (bool in = false; *s; s++) {
		bool blank = *s == ' ' || *s == '\t' || *s == '\n';

		words += !blank && !in;
		in = !blank;
	}
	return words;
}

int process_status(pid_t pid, struct process_status *out)
{
	FILE *f = open_proc(pid, "status");
	char line[4096];

	memset(out, 0, sizeof(*out));
	if (!f)
		return proc_error();
	while (fgets(line, sizeof(line), f)) {
		char state;

		if (sscanf(line, "Tgid: %d", &out->tgid) == 1 ||
		    sscanf(line, "PPid: %d", &out->ppid) == 1 ||
		    sscanf(line, "Uid: %u", &out->uid) == 1)
			continue;
		if (sscanf(line, "Threads: %d", &out->threads) == 1)
			continue;
		if (sscanf(line, "State: %c", &state) == 1)
			out->zombie = state == 'Z' || state == 'X';
		else if (!strncmp(line, "NSpid:", 6))
			out->pid_namespaces = count_words(line + 6);
		else if (!strncmp(line, "x86_Thread_features:", 20))
			out->shadow_stack = strstr(line, "shstk") != NULL;
	}
	fclose(f);
	return out->tgid ? 0 : -ENOENT;
}

/* Link /proc/PID/NAME, as long as it is; "" if it cannot be read. */
static char *read_link(pid_t pid, const char *name)
{
	char link[64], path[PATH_MAX];

	snprintf(link, sizeof(link), "/proc/%d/%s", pid, name);
	const ssize_t n = readlink(link, path, sizeof(path) - 1);
	path[n < 0 ? 0 : n] = '\0';
	return xstrdup(path);
}

/*
 * The kernel tells a path as it is from our root; what the process sees begins at its own, which
 * differs after a chroot (not after a pivot_root in another mount namespace: there is no way from
 * our root to there, and the kernel begins at the namespace's). `root` is link /proc/PID/root.
 */
static const char *as_seen_from(const char *root, const char *path)
{
	const size_t length = strlen(root);

	if (length > 1 && !strncmp(path, root, length) && path[length] == '/')
		return path + length;
	return path;
}

int process_maps_read(pid_t pid, struct process_maps *maps)
{
	FILE *f = open_proc(pid, "maps");
	char *line = NULL;
	size_t cap = 0;

	memset(maps, 0, sizeof(*maps));
	if (!f)
		return proc_error();
	char *root = read_link(pid, "root");
	errno = 0;
	while (getline(&line, &cap, f) > 0) {
		struct process_map map = {0};
		char perms[5];
		int path_at = 0;

		if (sscanf(line, "%" SCNx64 "-%" SCNx64 " %4s %" SCNx64 " %x:%x %" SCNu64 " %n",
			   &map.start, &map.end, perms, &map.offset, &map.dev_major, &map.dev_minor,
			   &map.inode, &path_at) < 7)
			continue;
		line[strcspn(line, "\n")] = '\0';
		map.executable = perms[2] == 'x';
		map.path = xstrdup(path_at ? as_seen_from(root, line + path_at) : "");
		*VEC_PUSH(maps) = map;
	}
	int err = maps->count || !errno ? 0 : proc_error();
	free(line);
	free(root);
	fclose(f);
	return err;
}

void process_maps_free(struct process_maps *maps)
{
	for (size_t i = 0; i < maps->count; i++)
		free(maps->items[i].path);
	free(maps->items);
	memset(maps, 0, sizeof(*maps));
}

int process_read_parts(pid_t pid, const struct process_part *parts, size_t count)
{
	struct iovec local[PROCESS_PARTS], remote[PROCESS_PARTS];
	size_t size = 0;

	for (size_t i = 0; i < count; i++) {
		local[i] = (struct iovec){parts[i].buffer, parts[i].size};
		remote[i] = (struct iovec){(void *)(uintptr_t)parts[i].address, parts[i].size};
		size += parts[i].size;
	}
	const ssize_t n = process_vm_readv(pid, local, count, remote, count, 0);
	if (n < 0)
		return -errno;
	return (size_t)n == size ? 0 : -EFAULT;
}

int process_read(pid_t pid, uint64_t address, void *buffer, size_t size)
{
	return process_read_parts(pid, &(struct process_part){address, buffer, size}, 1);
}

char *process_exe(pid_t pid)
{
	char *root = read_link(pid, "root"), *exe = read_link(pid, "exe");
	char *seen = xstrdup(*exe ? as_seen_from(root, exe) : "?");

	free(exe);
	free(root);
	return seen;
}

char *process_cmdline(pid_t pid)
{
	FILE *f = open_proc(pid, "cmdline");
	char text[4096];

	if (!f)
		return xstrdup("");
	size_t n = fread(text, 1, sizeof(text) - 1, f);
	fclose(f);
	while (n && !text[n - 1])
		n--;
	for (size_t i = 0; i < n; i++) {
		if (!text[i])
			text[i] = ' ';
		else if ((unsigned char)text[i] < ' ' || text[i] == 0x7f)
			text[i] = '?';
	}
	text[n] = '\0';
	return xstrdup(text);
}

static void read_comm(pid_t pid, pid_t tid, char *comm, size_t size)
{
	char name[64];

	comm[0] = '\0';
	snprintf(name, sizeof(name), "task/%d/comm", tid);
	FILE *f = open_proc(pid, name);
	if (!f)
		return;
	/* A name may hold a newline: only the last one is the kernel's. */
	size_t n = fread(comm, 1, size - 1, f);
	fclose(f);
	if (n && comm[n - 1] == '\n')
		n--;
	comm[n] = '\0';
}

static DIR *open_tasks(pid_t pid)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/task", pid);
	return opendir(path);
}

int process_each_thread(pid_t pid, void (*each)(void *ctx, pid_t tid, const char *comm), void *ctx)
{
	DIR *dir = open_tasks(pid);
	struct dirent *entry;

	if (!dir)
		return proc_error();
	while ((entry = readdir(dir))) {
		pid_t tid = atoi(entry->d_name);
		char comm[32];

		if (tid <= 0)
			continue;
		read_comm(pid, tid, comm, sizeof(comm));
		each(ctx, tid, comm);
	}
	closedir(dir);
	return 0;
}

/* The last number of NSpid. */
pid_t process_innermost_tid(pid_t pid, pid_t tid)
{
	char name[64], line[1024];
	pid_t inner = 0;

	snprintf(name, sizeof(name), "task/%d/status", tid);
	FILE *f = open_proc(pid, name);
	if (!f)
		return 0;
	while (fgets(line, sizeof(line), f)) {
		if (strncmp(line, "NSpid:", 6) != 0)
			continue;
		line[strcspn(line, "\n")] = '\0';
		const char *last = strrchr(line, '\t');
		inner = last ? atoi(last + 1) : 0;
		break;
	}
	fclose(f);
	return inner;
}

pid_t process_thread_by_ns_tid(pid_t pid, pid_t ns_tid)
{
	DIR *dir;
	struct dirent *entry;
	pid_t found = 0;

	if (ns_tid <= 0)
		return 0;
	if (process_innermost_tid(pid, ns_tid) == ns_tid)
		return ns_tid;
	dir = open_tasks(pid);
	if (!dir)
		return 0;
	while (!found && (entry = readdir(dir))) {
		pid_t tid = atoi(entry->d_name);

		if (tid > 0 && process_innermost_tid(pid, tid) == ns_tid)
			found = tid;
	}
	closedir(dir);
	return found;
}
