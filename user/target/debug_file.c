/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 gilscope contributors */
#define _GNU_SOURCE
#include "target/debug_file.h"

#include <elfutils/libdwelf.h>
#include <fcntl.h>
#include <gelf.h>
#include <libelf.h>
#include <linux/openat2.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <zlib.h>

#include "base/mem.h"

#define DEBUG_FOLDER "usr/lib/debug"

static bool same_build_id(Elf *elf, const char *wanted)
{
	const void *bits;
	const ssize_t size = dwelf_elf_gnu_build_id(elf, &bits);
	char byte[3];

	if (size <= 0 || strlen(wanted) != 2 * (size_t)size)
		return false;
	for (ssize_t i = 0; i < size; i++) {
		snprintf(byte, sizeof(byte), "%02x", ((const uint8_t *)bits)[i]);
		if (memcmp(byte, wanted + 2 * i, 2) != 0)
			return false;
	}
	return true;
}

/* No debug file of an interpreter is as large; a hole in a file can be. */
#define MAX_CHECKED_SIZE (4ULL << 30)

/* The checksum of .gnu_debuglink is zlib's crc32 over the whole file. */
static bool same_checksum(Elf *elf, const struct elf_image *image)
{
	GElf_Word wanted;
	size_t size;
	const char *bytes = elf_rawfile(elf, &size);

	return bytes && size <= MAX_CHECKED_SIZE &&
	       dwelf_elf_gnu_debuglink(elf_image_libelf(image), &wanted) &&
	       crc32_z(0, (const Bytef *)bytes, size) == wanted;
}

static bool has_symtab(Elf *elf)
{
	Elf_Scn *section = NULL;
	GElf_Shdr shdr;

	while ((section = elf_nextscn(elf, section)))
		if (gelf_getshdr(section, &shdr) && shdr.sh_type == SHT_SYMTAB)
			return true;
	return false;
}

bool debug_file_matches(const struct elf_image *image, int fd)
{
	const char *build_id = elf_image_build_id(image);
	GElf_Ehdr ehdr;
	Elf *elf = elf_begin(fd, ELF_C_READ_MMAP, NULL);
	const bool matches =
		elf && elf_kind(elf) == ELF_K_ELF && gelf_getehdr(elf, &ehdr) &&
		ehdr.e_ident[EI_CLASS] == ELFCLASS64 &&
		ehdr.e_machine == elf_image_machine(image) && has_symtab(elf) &&
		(build_id[0] ? same_build_id(elf, build_id) : same_checksum(elf, image));

	elf_end(elf);
	return matches;
}

/*
 * Opens a regular file below the root. What stands there belongs to the target: its links must not
 * lead out of its root, and a pipe must not keep us waiting.
 */
static int open_below(int root, const char *path)
{
	struct open_how how = {.flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY,
			       .resolve = RESOLVE_IN_ROOT};
	struct stat st;
	const int fd = (int)syscall(SYS_openat2, root, path, &how, sizeof(how));

	if (fd >= 0 && (fstat(fd, &st) || !S_ISREG(st.st_mode))) {
		close(fd);
		return -1;
	}
	return fd;
}

/* Frees the path. */
static int open_if_matching(const struct elf_image *image, int root, char *path)
{
	int fd = open_below(root, path);

	free(path);
	if (fd >= 0 && !debug_file_matches(image, fd)) {
		close(fd);
		fd = -1;
	}
	return fd;
}

static int find_by_build_id(const struct elf_image *image, int root)
{
	const char *id = elf_image_build_id(image);

	if (strlen(id) <= 2)
		return -1;
	return open_if_matching(image, root,
				xasprintf(DEBUG_FOLDER "/.build-id/%.2s/%s.debug", id, id + 2));
}

static int find_by_link(const struct elf_image *image, const char *path, int root)
{
	GElf_Word checksum;
	const char *name = dwelf_elf_gnu_debuglink(elf_image_libelf(image), &checksum);
	const char *end = strrchr(path, '/');
	const int folder = end ? (int)(end - path) : 0;

	if (!name || !end)
		return -1;
	int fd = open_if_matching(image, root, xasprintf("%.*s/%s", folder, path, name));
	if (fd < 0)
		fd = open_if_matching(image, root, xasprintf("%.*s/.debug/%s", folder, path, name));
	if (fd < 0)
		fd = open_if_matching(image, root,
				      xasprintf(DEBUG_FOLDER "%.*s/%s", folder, path, name));
	return fd;
}

int debug_file_find(const struct elf_image *image, const char *path, int root)
{
	const int fd = find_by_build_id(image, root);

	return fd >= 0 ? fd : find_by_link(image, path, root);
}
