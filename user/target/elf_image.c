/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 gilscope contributors */
#include "target/elf_image.h"

#include <errno.h>
#include <fcntl.h>
#include <gelf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "target/elf_image_private.h"

const void *elf_image_file_bytes(const struct elf_image *image, uint64_t offset, uint64_t size)
{
	if (offset > image->file_size || size > image->file_size - offset)
		return NULL;
	return image->file + offset;
}

static const struct elf_segment *segment_at(const struct elf_image *image, uint64_t vaddr)
{
	for (size_t i = 0; i < image->segments.count; i++) {
		const struct elf_segment *s = &image->segments.items[i];
		if (vaddr >= s->vaddr && vaddr - s->vaddr < s->filesz)
			return s;
	}
	return NULL;
}

const void *elf_image_bytes(const struct elf_image *image, uint64_t vaddr, size_t size)
{
	const struct elf_segment *s = segment_at(image, vaddr);

	if (!s || size > s->filesz - (vaddr - s->vaddr))
		return NULL;
	return image->file + s->offset + (vaddr - s->vaddr);
}

bool elf_image_offset(const struct elf_image *image, uint64_t vaddr, uint64_t *offset)
{
	const struct elf_segment *s = segment_at(image, vaddr);

	if (!s)
		return false;
	*offset = s->offset + (vaddr - s->vaddr);
	return true;
}

bool elf_image_vaddr_of_mapping(const struct elf_image *image, uint64_t offset, uint64_t *vaddr)
{
	const uint64_t in_page = (uint64_t)sysconf(_SC_PAGESIZE) - 1;
	const struct elf_segment *found = NULL;

	/* Two segments can share a page of the file; a mapping that starts a segment is that one.
	 */
	for (size_t i = 0; i < image->segments.count; i++) {
		const struct elf_segment *s = &image->segments.items[i];
		uint64_t start = s->offset & ~in_page;
		if (offset < start || offset >= s->offset + s->filesz)
			continue;
		if (!found || offset == start)
			found = s;
	}
	if (!found)
		return false;
	*vaddr = (found->vaddr & ~in_page) + (offset - (found->offset & ~in_page));
	return true;
}

/* False if the loader could not map it: a segment that the file is too short for. */
static bool add_segment(struct elf_image *image, const GElf_Phdr *phdr)
{
	if (phdr->p_offset > image->file_size ||
	    phdr->p_filesz > image->file_size - phdr->p_offset ||
	    phdr->p_vaddr + phdr->p_filesz < phdr->p_vaddr)
		return false;

	struct elf_segment *s = VEC_PUSH(&image->segments);
	s->vaddr = phdr->p_vaddr;
	s->offset = phdr->p_offset;
	s->filesz = phdr->p_filesz;
	s->memsz = phdr->p_memsz;
	s->executable = phdr->p_flags & PF_X;
	s->writable = phdr->p_flags & PF_W;
	return true;
}

static void read_build_id(struct elf_image *image, const GElf_Phdr *phdr)
{
	const uint64_t align = phdr->p_align == 8 ? 8 : 4;
	uint64_t at = phdr->p_offset;
	Elf64_Nhdr note;

	if (image->build_id[0] || phdr->p_filesz > image->file_size)
		return;
	for (uint64_t end = at + phdr->p_filesz; at < end && end - at >= sizeof(note);) {
		const char *p = elf_image_file_bytes(image, at, sizeof(note));
		if (!p)
			return;
		memcpy(&note, p, sizeof(note));
		uint64_t name_size = ((uint64_t)note.n_namesz + align - 1) & ~(align - 1);
		uint64_t desc_size = ((uint64_t)note.n_descsz + align - 1) & ~(align - 1);
		p = elf_image_file_bytes(image, at + sizeof(note), name_size + note.n_descsz);
		if (!p)
			return;
		if (note.n_type == NT_GNU_BUILD_ID && note.n_namesz == 4 && !memcmp(p, "GNU", 4) &&
		    note.n_descsz <= (sizeof(image->build_id) - 1) / 2) {
			for (uint32_t i = 0; i < note.n_descsz; i++)
				sprintf(image->build_id + 2 * i, "%02x",
					(unsigned char)p[name_size + i]);
			return;
		}
		at += sizeof(note) + name_size + desc_size;
	}
}

static int read_program_headers(struct elf_image *image)
{
	uint64_t dynamic = 0, dynamic_size = 0;
	size_t count;

	if (elf_getphdrnum(image->elf, &count) != 0)
		return -ENOEXEC;
	for (size_t i = 0; i < count; i++) {
		GElf_Phdr phdr;
		if (!gelf_getphdr(image->elf, (int)i, &phdr))
			return -ENOEXEC;
		if (phdr.p_type == PT_LOAD && !add_segment(image, &phdr))
			return -ENOEXEC;
		if (phdr.p_type == PT_DYNAMIC) {
			dynamic = phdr.p_vaddr;
			dynamic_size = phdr.p_filesz;
		}
		if (phdr.p_type == PT_GNU_EH_FRAME) {
			image->eh_frame_hdr = phdr.p_vaddr;
			image->eh_frame_hdr_size = phdr.p_filesz;
		}
		if (phdr.p_type == PT_NOTE)
			read_build_id(image, &phdr);
	}
	if (image->segments.count == 0)
		return -ENOEXEC;
	elf_symbols_load(image, dynamic, dynamic_size);
	return 0;
}

/* Not libelf's mapping: that may be a copy, whose memory could not be given back. */
static bool map_file(struct elf_image *image)
{
	struct stat st;

	if (fstat(image->fd, &st) || st.st_size <= 0)
		return false;
	void *file = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, image->fd, 0);
	if (file == MAP_FAILED)
		return false;
	image->file = file;
	image->file_size = (size_t)st.st_size;
	return true;
}

void elf_image_rest(const struct elf_image *image)
{
	madvise((void *)image->file, image->file_size, MADV_DONTNEED);
}

static int read_headers(struct elf_image *image)
{
	GElf_Ehdr ehdr;

	if (elf_version(EV_CURRENT) == EV_NONE)
		return -ENOEXEC;
	image->elf = elf_begin(image->fd, ELF_C_READ_MMAP, NULL);
	if (!image->elf || elf_kind(image->elf) != ELF_K_ELF)
		return -ENOEXEC;
	if (!gelf_getehdr(image->elf, &ehdr) || ehdr.e_ident[EI_CLASS] != ELFCLASS64 ||
	    ehdr.e_ident[EI_DATA] != ELFDATA2LSB ||
	    (ehdr.e_type != ET_EXEC && ehdr.e_type != ET_DYN))
		return -ENOEXEC;
	if (!map_file(image))
		return -ENOEXEC;
	image->machine = ehdr.e_machine;
	return read_program_headers(image);
}

int elf_image_open(const char *path, struct elf_image **out)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	*out = NULL;
	if (fd < 0)
		return -errno;
	struct elf_image *image = xcalloc(1, sizeof(*image));
	image->owners = 1;
	image->fd = fd;
	int err = read_headers(image);
	if (err) {
		elf_image_close(image);
		return err;
	}
	*out = image;
	return 0;
}

struct elf_image *elf_image_share(struct elf_image *image)
{
	if (image)
		image->owners++;
	return image;
}

void elf_image_close(struct elf_image *image)
{
	if (!image || --image->owners)
		return;
	free(image->segments.items);
	elf_end(image->elf);
	if (image->file)
		munmap((void *)image->file, image->file_size);
	close(image->fd);
	free(image);
}

bool elf_image_is_same(const struct elf_image *a, const struct elf_image *b)
{
	struct stat x, y;

	if (!a || !b)
		return a == b;
	return !fstat(a->fd, &x) && !fstat(b->fd, &y) && x.st_dev == y.st_dev &&
	       x.st_ino == y.st_ino && x.st_size == y.st_size &&
	       x.st_mtim.tv_sec == y.st_mtim.tv_sec && x.st_mtim.tv_nsec == y.st_mtim.tv_nsec;
}

int elf_image_fd(const struct elf_image *image)
{
	return image->fd;
}

int elf_image_machine(const struct elf_image *image)
{
	return image->machine;
}

const char *elf_image_build_id(const struct elf_image *image)
{
	return image->build_id;
}

size_t elf_image_segments(const struct elf_image *image, const struct elf_segment **segments)
{
	*segments = image->segments.items;
	return image->segments.count;
}

bool elf_image_eh_frame_hdr(const struct elf_image *image, uint64_t *vaddr, uint64_t *size)
{
	*vaddr = image->eh_frame_hdr;
	*size = image->eh_frame_hdr_size;
	return image->eh_frame_hdr_size != 0;
}

struct Elf *elf_image_libelf(const struct elf_image *image)
{
	return image->elf;
}
