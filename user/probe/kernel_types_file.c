/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 gilscope contributors */
/* The types of the running kernel: where they are, and where those go that the programs need. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <bpf/btf.h>

#include "base/mem.h"
#include "probe/kernel_types.h"

#define KERNEL_BTF "/sys/kernel/btf/vmlinux"

static bool read_all(int fd, char *data, size_t size)
{
	for (size_t at = 0; at < size;) {
		const ssize_t n = read(fd, data + at, size - at);

		if (n <= 0)
			return false;
		at += (size_t)n;
	}
	return true;
}

static struct btf *part_of_mapping(const struct btf *program, const void *data, size_t size)
{
	struct btf *part = kernel_types_part(program, data, size);

	munmap((void *)data, size);
	return part;
}

/* Before Linux 6.16 the file cannot be mapped, and each read gives a page. */
static struct btf *part_of_copy(const struct btf *program, int fd, size_t size)
{
	char *data = xcalloc(1, size);
	struct btf *part = read_all(fd, data, size) ? kernel_types_part(program, data, size) : NULL;

	free(data);
	return part;
}

static struct btf *part_of_kernel(const struct btf *program)
{
	struct btf *part = NULL;
	struct stat st;
	const int fd = open(KERNEL_BTF, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return NULL;
	if (!fstat(fd, &st) && st.st_size > 0) {
		const size_t size = (size_t)st.st_size;
		const void *data = mmap(NULL, size, PROT_READ, MAP_PRIVATE, fd, 0);

		part = data != MAP_FAILED ? part_of_mapping(program, data, size)
					  : part_of_copy(program, fd, size);
	}
	close(fd);
	return part;
}

bool kernel_types_write(const struct btf *program, int fd)
{
	struct btf *part = part_of_kernel(program);
	__u32 size = 0;
	const void *data = part ? btf__raw_data(part, &size) : NULL;
	const bool ok = data && write(fd, data, size) == (ssize_t)size;

	btf__free(part);
	return ok;
}
