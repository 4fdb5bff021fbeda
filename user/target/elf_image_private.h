/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 gilscope contributors */
/* The inside of struct elf_image, shared by elf_image.c and elf_symbols.c. */
#ifndef GILSCOPE_ELF_IMAGE_PRIVATE_H
#define GILSCOPE_ELF_IMAGE_PRIVATE_H

#include <elf.h>
#include <libelf.h>

#include "target/elf_image.h"

/* An array of the file's own symbols or relocations; unaligned, so read it with memcpy. */
struct elf_table {
	const char *data; /* NULL: there is none */
	size_t count;
};

struct elf_strings {
	const char *data;
	size_t size;
};

struct elf_image {
	unsigned owners;
	int fd;
	Elf *elf;
	const char *file;
	size_t file_size;
	int machine;
	struct {
		struct elf_segment *items;
		size_t count, cap;
	} segments;
	uint64_t eh_frame_hdr, eh_frame_hdr_size;
	struct elf_table dynsym;   /* Elf64_Sym */
	struct elf_table versions; /* Elf64_Half, one a symbol of dynsym, or none */
	struct elf_table rela;	   /* Elf64_Rela */
	struct elf_table jmprel;   /* Elf64_Rela */
	struct elf_strings dynstr;
	char build_id[2 * 64 + 1];
};

/* Bytes at a file offset, NULL if the file ends before. */
const void *elf_image_file_bytes(const struct elf_image *image, uint64_t offset, uint64_t size);

/* Finds the dynamic section's tables, given its address and size. What is broken is left out. */
void elf_symbols_load(struct elf_image *image, uint64_t dynamic, uint64_t size);

#endif
