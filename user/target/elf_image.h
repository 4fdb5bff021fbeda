/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 gilscope contributors */
/*
 * An ELF file as the loader sees it: program headers and the dynamic section only, so that files
 * without section headers work too. Addresses are those of the file (before relocation), "vaddr"
 * everywhere.
 */
#ifndef GILSCOPE_ELF_IMAGE_H
#define GILSCOPE_ELF_IMAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct elf_image;

/* Opens and maps a file. 0, or a negative errno without a message (-ENOEXEC: no usable 64-bit ELF
 * file). Owned by the caller. */
int elf_image_open(const char *path, struct elf_image **out);

/* One more owner; each closes it once. */
struct elf_image *elf_image_share(struct elf_image *image);
void elf_image_close(struct elf_image *image);

/* Gives back the memory of what was looked at; what is looked at again is read again. */
void elf_image_rest(const struct elf_image *image);

/* Whether both are the same file, unchanged. */
bool elf_image_is_same(const struct elf_image *a, const struct elf_image *b);

/* The open file, for as long as the image lives. */
int elf_image_fd(const struct elf_image *image);

/* EM_X86_64, EM_AARCH64, ... */
int elf_image_machine(const struct elf_image *image);

/* Address of an exported (.dynsym), defined symbol by exact name; 0: there is none. `size` may be
 * NULL. */
uint64_t elf_image_symbol(const struct elf_image *image, const char *name, uint64_t *size);

/*
 * The same for one version of a symbol that has several: the default one ("@@"). glibc on x86_64
 * exports two pthread_cond_signal, and only the default one is called by programs of today.
 */
uint64_t elf_image_default_symbol(const struct elf_image *image, const char *name);

/* True if the file has a .symtab with at least one function. */
bool elf_image_has_symtab(const struct elf_image *image);

/* True if an exported function begins at the address. */
bool elf_image_exports(const struct elf_image *image, uint64_t vaddr);

/* Build-id as lower-case hexadecimal, "" if there is none. Lives as long as the image. */
const char *elf_image_build_id(const struct elf_image *image);

/* File offset of an address that is backed by the file; false if it is not (.bss, unmapped). */
bool elf_image_offset(const struct elf_image *image, uint64_t vaddr, uint64_t *offset);

/* Lowest page-aligned vaddr of the PT_LOAD that maps file offset `offset` (page-aligned, as in
 * /proc/PID/maps); to compute the bias of a mapping: bias = mapping start - that. False if no
 * PT_LOAD has it. */
bool elf_image_vaddr_of_mapping(const struct elf_image *image, uint64_t offset, uint64_t *vaddr);

/* Bytes at an address, NULL if fewer than `size` bytes of it are in the file. Lives as long as the
 * image. */
const void *elf_image_bytes(const struct elf_image *image, uint64_t vaddr, size_t size);

/* A loadable segment. */
struct elf_segment {
	uint64_t vaddr;
	uint64_t offset;
	uint64_t filesz;
	uint64_t memsz;
	bool executable;
	bool writable;
};
size_t elf_image_segments(const struct elf_image *image, const struct elf_segment **segments);

/* True, with its address and size, if the file has a PT_GNU_EH_FRAME (.eh_frame_hdr). */
bool elf_image_eh_frame_hdr(const struct elf_image *image, uint64_t *vaddr, uint64_t *size);

/* The GOT slots that the loader fills with the address of imported function `name`: at most `max`;
 * their number. `plt` tells JUMP_SLOT (called through a PLT stub) from GLOB_DAT (called through the
 * slot). */
struct elf_got_slot {
	uint64_t vaddr;
	bool plt;
};
size_t elf_image_got_slots(const struct elf_image *image, const char *name,
			   struct elf_got_slot *slots, size_t max);

/* The underlying libelf handle and open file, for libdw. Owned by the image. */
struct Elf;
struct Elf *elf_image_libelf(const struct elf_image *image);

#endif
