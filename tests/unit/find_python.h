/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 gilscope contributors */
/* The CPython files of the machine, found by looking; and copies of files to break. */
#ifndef GILSCOPE_TEST_FIND_PYTHON_H
#define GILSCOPE_TEST_FIND_PYTHON_H

#include <glob.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "target/elf_image.h"

#define MAX_PYTHONS 32

struct pythons {
	char *paths[MAX_PYTHONS];
	size_t count;
};

static inline bool is_python(const char *path)
{
	struct elf_image *image;

	if (elf_image_open(path, &image) != 0)
		return false;
	bool found = elf_image_symbol(image, "_PyRuntime", NULL) != 0 &&
		     elf_image_symbol(image, "PyEval_RestoreThread", NULL) != 0;
	elf_image_close(image);
	return found;
}

static inline void add_python(struct pythons *pythons, const char *path)
{
	char *real = realpath(path, NULL);

	for (size_t i = 0; real && i < pythons->count; i++) {
		if (!strcmp(real, pythons->paths[i])) {
			free(real);
			return;
		}
	}
	if (real && pythons->count < MAX_PYTHONS && is_python(real))
		pythons->paths[pythons->count++] = real;
	else
		free(real);
}

/* Every file that holds an interpreter (3.7 and newer): executables and shared libraries. */
static inline void find_pythons(struct pythons *pythons)
{
	static const char *const patterns[] = {
		"/usr/bin/python3*",
		"/usr/local/bin/python3*",
		"/usr/lib*/libpython3*.so*",
		"/usr/lib/*/libpython3*.so*",
		"/usr/local/lib/libpython3*.so*",
		"~/.pyenv/versions/*/bin/python3*",
		"~/.pyenv/versions/*/lib/libpython3*.so*",
		"/opt/*/bin/python3*",
	};

	memset(pythons, 0, sizeof(*pythons));
	for (size_t i = 0; i < sizeof(patterns) / sizeof(patterns[0]); i++) {
		glob_t found;
		if (glob(patterns[i], GLOB_TILDE, NULL, &found) == 0) {
			for (size_t j = 0; j < found.gl_pathc; j++)
				add_python(pythons, found.gl_pathv[j]);
			globfree(&found);
		}
	}
}

static inline void free_pythons(struct pythons *pythons)
{
	for (size_t i = 0; i < pythons->count; i++)
		free(pythons->paths[i]);
}

/* A private copy of a file in memory, with a path to open it by. */
struct copy {
	int fd;
	char path[64];
	unsigned char *data;
	size_t size;
};

static inline bool copy_file(const char *path, struct copy *copy)
{
	FILE *in = fopen(path, "rb");
	static char buffer[1 << 16];
	size_t n;

	if (!in)
		return false;
	copy->fd = memfd_create("copy", MFD_CLOEXEC);
	copy->size = 0;
	while ((n = fread(buffer, 1, sizeof(buffer), in)) > 0) {
		if (write(copy->fd, buffer, n) != (ssize_t)n)
			return false;
		copy->size += n;
	}
	fclose(in);
	snprintf(copy->path, sizeof(copy->path), "/proc/self/fd/%d", copy->fd);
	copy->data = mmap(NULL, copy->size, PROT_READ | PROT_WRITE, MAP_SHARED, copy->fd, 0);
	return copy->data != MAP_FAILED;
}

static inline void free_copy(struct copy *copy)
{
	munmap(copy->data, copy->size);
	close(copy->fd);
}

#endif
