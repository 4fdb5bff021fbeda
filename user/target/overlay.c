/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 gilscope contributors */
#define _GNU_SOURCE
#include "target/overlay.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"

/* The mount that a path is on: what /proc/PID/mountinfo says of it. */
struct mount {
	char *root;    /* the folder of the file system that is mounted */
	char *point;   /* where */
	char *options; /* of the file system, escaped; NULL: it is no overlay */
};

static void free_mount(struct mount *mount)
{
	free(mount->root);
	free(mount->point);
	free(mount->options);
	memset(mount, 0, sizeof(*mount));
}

/* The kernel writes blanks, backslashes and the like as \ and three octal digits. */
static char *unescape(const char *text)
{
	char *out = xstrdup(text), *to = out;

	for (const char *from = text; *from; to++) {
		if (from[0] == '\\' && strspn(from + 1, "01234567") >= 3) {
			const char digits[] = {from[1], from[2], from[3], '\0'};
			*to = (char)strtol(digits, NULL, 8);
			from += 4;
		} else {
			*to = *from++;
		}
	}
	*to = '\0';
	return out;
}

/* "ID PARENT MAJOR:MINOR ROOT POINT OPTIONS [TAGS] - TYPE SOURCE SUPER_OPTIONS" */
static bool parse_line(char *line, struct mount *out)
{
	char *fields[6], *save;

	line[strcspn(line, "\n")] = '\0';
	char *rest = strstr(line, " - ");
	if (!rest)
		return false;
	*rest = '\0';
	rest += strlen(" - ");
	for (size_t i = 0; i < ARRAY_SIZE(fields); i++) {
		fields[i] = strtok_r(i ? NULL : line, " ", &save);
		if (!fields[i])
			return false;
	}
	const char *type = strtok_r(rest, " ", &save);
	const char *source = strtok_r(NULL, " ", &save);
	const char *options = strtok_r(NULL, " ", &save);
	*out = (struct mount){.root = unescape(fields[3]), .point = unescape(fields[4])};
	if (type && source && options && !strcmp(type, "overlay"))
		out->options = xstrdup(options);
	return true;
}

/* What is left of `path` below `folder`: "" or "/..."; NULL if it is not below it. */
static const char *below(const char *folder, const char *path)
{
	const size_t length = strcmp(folder, "/") ? strlen(folder) : 0;

	if (strncmp(folder, path, length) || (path[length] && path[length] != '/'))
		return NULL;
	return path + length;
}

/* The mount that holds the path: the deepest one, and of those that lie over each other the last. */
static struct mount find_mount(FILE *mountinfo, const char *path)
{
	struct mount found = {0}, mount;
	char *line = NULL;
	size_t cap = 0;

	while (getline(&line, &cap, mountinfo) > 0) {
		if (!parse_line(line, &mount))
			continue;
		const bool better = below(mount.point, path) &&
				    (!found.point || strlen(mount.point) >= strlen(found.point));
		if (better) {
			free_mount(&found);
			found = mount;
		} else {
			free_mount(&mount);
		}
	}
	free(line);
	return found;
}

/* The file in a layer; NULL if it is not there. */
static char *find_in_layer(const char *layer, const char *root, const char *file)
{
	if (*layer != '/') /* relative to a working directory that nobody knows any more */
		return NULL;
	char *path = xasprintf("%s%s%s", root, layer, file);
	if (!access(path, R_OK))
		return path;
	free(path);
	return NULL;
}

/* Ends the name of a layer at the next ':' that is no part of it ("\:" is), and takes the
 * backslashes away. Where the next name begins, NULL: there is none. */
static char *cut_layer(char *layers)
{
	char *from = layers, *to = layers;

	while (*from && *from != ':') {
		if (*from == '\\' && from[1])
			from++;
		*to++ = *from++;
	}
	char *next = *from ? from + 1 : NULL;
	*to = '\0';
	return next;
}

/* The file in the first layer of an option that has it; NULL: it names none, or they have not. */
static char *find_in_option(char *option, const char *root, const char *file)
{
	/* As mount(8) gives them, all together, and as fsconfig(2) does, one by one. */
	static const char all[] = "lowerdir=", one[] = "lowerdir+=";
	char *found = NULL;

	if (!strncmp(option, one, sizeof(one) - 1))
		return find_in_layer(option + sizeof(one) - 1, root, file);
	if (strncmp(option, all, sizeof(all) - 1) != 0)
		return NULL;
	for (char *layer = option + sizeof(all) - 1, *next; layer && !found; layer = next) {
		next = cut_layer(layer);
		found = find_in_layer(layer, root, file);
	}
	return found;
}

static char *find_in_options(char *options, const char *root, const char *file)
{
	char *found = NULL, *save;

	for (char *word = strtok_r(options, ",", &save); word && !found;
	     word = strtok_r(NULL, ",", &save)) {
		char *option = unescape(word);
		found = find_in_option(option, root, file);
		free(option);
	}
	return found;
}

/* A path without what /proc/PID/maps puts behind that of a file that was unlinked. */
static char *without_deleted(const char *path)
{
	static const char mark[] = " (deleted)";
	const size_t length = strlen(path), mark_length = sizeof(mark) - 1;
	char *out = xstrdup(path);

	if (length > mark_length && !strcmp(path + length - mark_length, mark))
		out[length - mark_length] = '\0';
	return out;
}

char *overlay_find_lower(FILE *mountinfo, const char *path, const char *root)
{
	char *file = without_deleted(path), *found = NULL;
	struct mount mount = find_mount(mountinfo, file);

	if (mount.options) {
		const char *folder = strcmp(mount.root, "/") ? mount.root : "";
		char *inside = xasprintf("%s%s", folder, below(mount.point, file));

		found = find_in_options(mount.options, root, inside);
		free(inside);
	}
	free_mount(&mount);
	free(file);
	return found;
}

char *overlay_lower_path(pid_t pid, const char *path)
{
	char name[64];

	snprintf(name, sizeof(name), "/proc/%d/mountinfo", pid);
	FILE *f = fopen(name, "re");
	if (!f)
		return NULL;
	char *found = overlay_find_lower(f, path, "");
	fclose(f);
	return found;
}
