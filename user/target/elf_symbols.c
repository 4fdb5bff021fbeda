/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 gilscope contributors */
/* The dynamic section and the symbols of an ELF file. */
#include <gelf.h>
#include <string.h>

#include "target/elf_image.h"
#include "target/elf_image_private.h"

#define VERSION_HIDDEN 0x8000 /* in an entry of DT_VERSYM: "@" and not "@@" */

/* What the dynamic section says, by tag. */
struct dynamic_tags {
	uint64_t symtab, strtab, strsz, hash, gnu_hash, versym, rela, relasz, jmprel, pltrelsz;
};

static void read_tags(const struct elf_image *image, uint64_t vaddr, uint64_t size,
		      struct dynamic_tags *tags)
{
	Elf64_Dyn dyn;

	memset(tags, 0, sizeof(*tags));
	for (uint64_t at = 0; at + sizeof(dyn) <= size; at += sizeof(dyn)) {
		const void *p = elf_image_bytes(image, vaddr + at, sizeof(dyn));
		if (!p)
			return;
		memcpy(&dyn, p, sizeof(dyn));
		switch (dyn.d_tag) {
		case DT_NULL:
			return;
#define TAG(name, field)                                                                           \
	case name:                                                                                 \
		tags->field = dyn.d_un.d_val;                                                      \
		break
			TAG(DT_SYMTAB, symtab);
			TAG(DT_STRTAB, strtab);
			TAG(DT_STRSZ, strsz);
			TAG(DT_HASH, hash);
			TAG(DT_GNU_HASH, gnu_hash);
			TAG(DT_VERSYM, versym);
			TAG(DT_RELA, rela);
			TAG(DT_RELASZ, relasz);
			TAG(DT_JMPREL, jmprel);
			TAG(DT_PLTRELSZ, pltrelsz);
#undef TAG
		}
	}
}

static bool read_u32(const struct elf_image *image, uint64_t vaddr, uint32_t *value)
{
	const void *p = elf_image_bytes(image, vaddr, sizeof(*value));

	if (p)
		memcpy(value, p, sizeof(*value));
	return p != NULL;
}

/* DT_GNU_HASH does not say how many symbols there are: the last one of the last chain is the last.
 */
static size_t count_by_gnu_hash(const struct elf_image *image, uint64_t hash)
{
	uint32_t header[4]; /* buckets, first symbol, 8-byte words of the filter, shift */
	uint32_t last = 0;

	for (int i = 0; i < 4; i++) {
		if (!read_u32(image, hash + 4 * i, &header[i]))
			return 0;
	}
	uint64_t buckets = hash + 16 + 8 * (uint64_t)header[2];
	uint64_t chains = buckets + 4 * (uint64_t)header[0];
	for (uint32_t i = 0; i < header[0]; i++) {
		uint32_t first;
		if (!read_u32(image, buckets + 4 * (uint64_t)i, &first))
			return 0;
		last = first > last ? first : last;
	}
	if (last < header[1])
		return header[1];
	for (uint32_t value = 0; !(value & 1); last++) {
		if (!read_u32(image, chains + 4 * (uint64_t)(last - header[1]), &value))
			return 0;
	}
	return last;
}

static size_t count_symbols(const struct elf_image *image, const struct dynamic_tags *tags)
{
	uint32_t count = 0;

	if (tags->gnu_hash)
		return count_by_gnu_hash(image, tags->gnu_hash);
	if (tags->hash)
		read_u32(image, tags->hash + 4, &count);
	return count;
}

static void set_table(const struct elf_image *image, struct elf_table *table, uint64_t vaddr,
		      size_t count, size_t size)
{
	table->data = vaddr && count && count <= image->file_size / size
			      ? elf_image_bytes(image, vaddr, count * size)
			      : NULL;
	table->count = table->data ? count : 0;
}

void elf_symbols_load(struct elf_image *image, uint64_t vaddr, uint64_t size)
{
	struct dynamic_tags tags;

	read_tags(image, vaddr, size, &tags);
	size_t count = count_symbols(image, &tags);
	set_table(image, &image->dynsym, tags.symtab, count, sizeof(Elf64_Sym));
	set_table(image, &image->versions, tags.versym, count, sizeof(Elf64_Half));
	set_table(image, &image->rela, tags.rela, tags.relasz / sizeof(Elf64_Rela),
		  sizeof(Elf64_Rela));
	set_table(image, &image->jmprel, tags.jmprel, tags.pltrelsz / sizeof(Elf64_Rela),
		  sizeof(Elf64_Rela));
	image->dynstr.data = elf_image_bytes(image, tags.strtab, tags.strsz);
	image->dynstr.size = image->dynstr.data ? tags.strsz : 0;
}

static Elf64_Sym symbol_at(const struct elf_table *table, size_t i)
{
	Elf64_Sym symbol;

	memcpy(&symbol, table->data + i * sizeof(symbol), sizeof(symbol));
	return symbol;
}

static bool has_name(const struct elf_strings *strings, uint32_t at, const char *name, size_t size)
{
	return at < strings->size && size <= strings->size - at &&
	       memcmp(strings->data + at, name, size) == 0;
}

static bool is_defined(const Elf64_Sym *symbol)
{
	return symbol->st_shndx != SHN_UNDEF && symbol->st_value != 0;
}

static bool is_default_version(const struct elf_image *image, size_t i)
{
	Elf64_Half version;

	if (!image->versions.data)
		return true;
	memcpy(&version, image->versions.data + i * sizeof(version), sizeof(version));
	return !(version & VERSION_HIDDEN);
}

/* The defined symbol of that name, of the default version if there is one, else any if `any` is
 * set. */
static bool find_symbol(const struct elf_image *image, const char *name, bool any, Elf64_Sym *out)
{
	const size_t size = strlen(name) + 1;
	bool found = false;

	for (size_t i = 0; i < image->dynsym.count; i++) {
		Elf64_Sym symbol = symbol_at(&image->dynsym, i);
		if (!is_defined(&symbol) || !has_name(&image->dynstr, symbol.st_name, name, size))
			continue;
		if (is_default_version(image, i)) {
			*out = symbol;
			return true;
		}
		if (any && !found) {
			*out = symbol;
			found = true;
		}
	}
	return found;
}

uint64_t elf_image_symbol(const struct elf_image *image, const char *name, uint64_t *size)
{
	Elf64_Sym symbol;

	if (!find_symbol(image, name, true, &symbol))
		return 0;
	if (size)
		*size = symbol.st_size;
	return symbol.st_value;
}

uint64_t elf_image_default_symbol(const struct elf_image *image, const char *name)
{
	Elf64_Sym symbol;

	return find_symbol(image, name, false, &symbol) ? symbol.st_value : 0;
}

bool elf_image_exports(const struct elf_image *image, uint64_t vaddr)
{
	for (size_t i = 0; i < image->dynsym.count; i++) {
		Elf64_Sym symbol = symbol_at(&image->dynsym, i);
		if (symbol.st_value == vaddr && is_defined(&symbol) &&
		    ELF64_ST_TYPE(symbol.st_info) == STT_FUNC)
			return true;
	}
	return false;
}

bool elf_image_has_symtab(const struct elf_image *image)
{
	Elf_Scn *section = NULL;
	GElf_Shdr shdr;
	GElf_Sym symbol;

	while ((section = elf_nextscn(image->elf, section))) {
		if (!gelf_getshdr(section, &shdr) || shdr.sh_type != SHT_SYMTAB)
			continue;
		Elf_Data *data = elf_getdata(section, NULL);
		for (int i = 0; data && gelf_getsym(data, i, &symbol); i++)
			if (GELF_ST_TYPE(symbol.st_info) == STT_FUNC &&
			    symbol.st_shndx != SHN_UNDEF)
				return true;
	}
	return false;
}

/* Relocations that fill a slot with a function's address; `plt`: called through a PLT stub. */
static bool is_slot_reloc(int machine, uint32_t type, bool *plt)
{
	if (machine == EM_X86_64) {
		*plt = type == R_X86_64_JUMP_SLOT;
		return *plt || type == R_X86_64_GLOB_DAT;
	}
	if (machine == EM_AARCH64) {
		*plt = type == R_AARCH64_JUMP_SLOT;
		return *plt || type == R_AARCH64_GLOB_DAT;
	}
	return false;
}

static size_t slots_in(const struct elf_image *image, const struct elf_table *table,
		       const char *name, struct elf_got_slot *slots, size_t max)
{
	const size_t size = strlen(name) + 1;
	size_t count = 0;

	for (size_t i = 0; i < table->count && count < max; i++) {
		Elf64_Rela rela;
		memcpy(&rela, table->data + i * sizeof(rela), sizeof(rela));
		bool plt;
		if (!is_slot_reloc(image->machine, ELF64_R_TYPE(rela.r_info), &plt) ||
		    ELF64_R_SYM(rela.r_info) >= image->dynsym.count)
			continue;
		Elf64_Sym symbol = symbol_at(&image->dynsym, ELF64_R_SYM(rela.r_info));
		if (has_name(&image->dynstr, symbol.st_name, name, size))
			slots[count++] = (struct elf_got_slot){.vaddr = rela.r_offset, .plt = plt};
	}
	return count;
}

size_t elf_image_got_slots(const struct elf_image *image, const char *name,
			   struct elf_got_slot *slots, size_t max)
{
	size_t count = slots_in(image, &image->jmprel, name, slots, max);

	return count + slots_in(image, &image->rela, name, slots + count, max - count);
}
