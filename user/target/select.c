/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 gilscope contributors */
#define _GNU_SOURCE
#include "target/select.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <mntent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "target/process.h"

#define COMM_LEN 15

int select_each(void (*each)(void *ctx, pid_t pid, pid_t ppid), void *ctx)
{
	DIR *dir = opendir("/proc");
	const struct dirent *entry;

	if (!dir)
		return -errno;
	while ((entry = readdir(dir))) {
		const pid_t pid =
			isdigit((unsigned char)entry->d_name[0]) ? atoi(entry->d_name) : 0;
		struct process_status status;

		if (pid > 0 && pid != getpid() && !process_status(pid, &status))
			each(ctx, pid, status.ppid);
	}
	closedir(dir);
	return 0;
}

bool select_by_comm(pid_t pid, const char *name)
{
	char path[64], comm[COMM_LEN + 2] = "";

	snprintf(path, sizeof(path), "/proc/%d/comm", pid);
	FILE *f = fopen(path, "re");
	if (!f)
		return false;
	size_t n = fread(comm, 1, sizeof(comm) - 1, f);
	fclose(f);
	if (n && comm[n - 1] == '\n')
		n--;
	comm[n] = '\0';
	return !strncmp(comm, name, COMM_LEN);
}

static bool exists_below(const char *mount, const char *group)
{
	char *folder = xasprintf("%s%s", mount, group);
	const bool exists = !access(folder, F_OK);

	free(folder);
	return exists;
}

/* How much of the path is the place where a hierarchy is mounted. */
static size_t mount_length(const char *path, const char *mount)
{
	const size_t n = strlen(mount);

	return !strncmp(path, mount, n) && (path[n] == '/' || !path[n]) ? n : 0;
}

const char *select_cgroup(const char *path)
{
	FILE *mounts = setmntent("/proc/self/mounts", "re");
	const struct mntent *mount;
	size_t longest = 0;
	bool exists = false;

	if (!mounts)
		return NULL;
	while ((mount = getmntent(mounts))) {
		if (strncmp(mount->mnt_type, "cgroup", 6) != 0)
			continue;
		const size_t n = mount_length(path, mount->mnt_dir);
		if (n > longest)
			longest = n;
		exists |= path[0] == '/' && !n && exists_below(mount->mnt_dir, path);
	}
	endmntent(mounts);
	if (longest)
		return access(path, F_OK) ? NULL : path + longest;
	return exists ? path : NULL;
}

static bool is_below(const char *group, const char *path)
{
	size_t n = strlen(path);

	while (n && path[n - 1] == '/')
		n--;
	return !strncmp(group, path, n) && (group[n] == '/' || !group[n]);
}

bool select_by_cgroup(pid_t pid, const char *wanted)
{
	char name[64], *line = NULL;
	size_t cap = 0;
	bool found = false;

	snprintf(name, sizeof(name), "/proc/%d/cgroup", pid);
	FILE *f = fopen(name, "re");
	if (!f)
		return false;
	/* number:controllers:group */
	while (!found && getline(&line, &cap, f) > 0) {
		const char *group = strchr(line, ':');

		line[strcspn(line, "\n")] = '\0';
		group = group ? strchr(group + 1, ':') : NULL;
		found = group && is_below(group + 1, wanted);
	}
	free(line);
	fclose(f);
	return found;
}
