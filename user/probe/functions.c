/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 gilscope contributors */
#include "probe/functions.h"

#include <dwarf.h>
#include <elf.h>
#include <elfutils/libdw.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

/* Pointer encodings of .eh_frame and .eh_frame_hdr (Linux Standard Base, "DWARF Extensions"). */
#define ENC_FORMAT 0x0f
#define ENC_RELATIVE 0x70
#define ENC_PCREL 0x10
#define ENC_DATAREL_SDATA4 0x3b
#define ENC_OMIT 0xff

#define MAX_CIE 4096
#define MAX_FRAME (1 << 20)

struct functions {
	const struct elf_image *image;
	Dwarf_CFI *cfi; /* NULL: no call frame information */
	unsigned sp_register, fp_register;
	unsigned link_register; /* 0: a call keeps the return address on the stack */
	uint64_t header;	/* vaddr of .eh_frame_hdr */
	const char *table; /* pairs of int32: start of a function and its FDE, from the header */
	size_t count;
};

/* A read position in the file's bytes; `ok` turns false at the first read beyond the end. */
struct reader {
	const uint8_t *p, *end;
	uint64_t vaddr; /* of p */
	bool ok;
};

static uint64_t read_bytes(struct reader *r, size_t size)
{
	uint64_t value = 0;

	if (!r->ok || (size_t)(r->end - r->p) < size) {
		r->ok = false;
		return 0;
	}
	memcpy(&value, r->p, size);
	r->p += size;
	r->vaddr += size;
	return value;
}

static uint64_t read_leb128(struct reader *r)
{
	uint64_t value = 0;
	uint8_t byte;

	for (unsigned shift = 0; shift < 64; shift += 7) {
		byte = (uint8_t)read_bytes(r, 1);
		value |= (uint64_t)(byte & 0x7f) << shift;
		if (!(byte & 0x80))
			return value;
	}
	r->ok = false;
	return 0;
}

/* A value in one of the fixed-size formats, before what it is relative to is added. */
static uint64_t read_format(struct reader *r, uint8_t encoding)
{
	switch (encoding & ENC_FORMAT) {
	case DW_EH_PE_absptr:
	case DW_EH_PE_udata8:
	case DW_EH_PE_sdata8:
		return read_bytes(r, 8);
	case DW_EH_PE_udata4:
		return read_bytes(r, 4);
	case DW_EH_PE_sdata4:
		return (uint64_t)(int64_t)(int32_t)read_bytes(r, 4);
	case DW_EH_PE_udata2:
		return read_bytes(r, 2);
	case DW_EH_PE_sdata2:
		return (uint64_t)(int64_t)(int16_t)read_bytes(r, 2);
	}
	r->ok = false;
	return 0;
}

/* Reads a CIE's or FDE's length and makes a reader of `max` bytes of it at most. */
static struct reader entry_at(const struct elf_image *image, uint64_t vaddr, uint32_t max)
{
	struct reader r = {.ok = false};
	uint32_t length;
	const void *p = elf_image_bytes(image, vaddr, sizeof(length));

	if (!p)
		return r;
	memcpy(&length, p, sizeof(length));
	if (length == 0xffffffff) /* the 64-bit format, which no linker makes for .eh_frame */
		return r;
	length = length < max ? length : max;
	r.p = elf_image_bytes(image, vaddr + sizeof(length), length);
	r.ok = r.p != NULL;
	r.end = r.p + (r.ok ? length : 0);
	r.vaddr = vaddr + sizeof(length);
	return r;
}

/* How the FDEs of a CIE write addresses; ENC_OMIT if it cannot be told. */
static uint8_t fde_encoding(const struct elf_image *image, uint64_t cie)
{
	struct reader r = entry_at(image, cie, MAX_CIE);
	char augmentation[8] = "";

	if (read_bytes(&r, 4) != 0)
		return ENC_OMIT;
	uint8_t version = (uint8_t)read_bytes(&r, 1);
	for (size_t i = 0; r.ok; i++) {
		char c = (char)read_bytes(&r, 1);
		if (i + 1 >= sizeof(augmentation))
			return ENC_OMIT;
		augmentation[i] = c;
		if (!c)
			break;
	}
	read_leb128(&r); /* code alignment */
	read_leb128(&r); /* data alignment */
	if (version == 1)
		read_bytes(&r, 1);
	else
		read_leb128(&r); /* return address register */
	if (augmentation[0] != 'z')
		return r.ok ? DW_EH_PE_absptr : ENC_OMIT;
	read_leb128(&r); /* size of the augmentation data */
	for (const char *a = augmentation + 1; *a && r.ok; a++) {
		if (*a == 'R') {
			uint8_t encoding = (uint8_t)read_bytes(&r, 1);
			return r.ok ? encoding : ENC_OMIT;
		}
		if (*a == 'P')
			read_format(&r, (uint8_t)read_bytes(&r, 1));
		else if (*a == 'L')
			read_bytes(&r, 1);
		else if (*a != 'S' && *a != 'B')
			return ENC_OMIT;
	}
	return r.ok ? DW_EH_PE_absptr : ENC_OMIT;
}

static bool read_fde(const struct elf_image *image, uint64_t vaddr, struct function *out)
{
	struct reader r = entry_at(image, vaddr, 4 + 2 * sizeof(uint64_t));
	uint64_t id_at = r.vaddr;
	uint32_t back = (uint32_t)read_bytes(&r, 4);

	if (!r.ok || back == 0)
		return false;
	uint8_t encoding = fde_encoding(image, id_at - back);
	if (encoding == ENC_OMIT ||
	    ((encoding & ENC_RELATIVE) != 0 && (encoding & ENC_RELATIVE) != ENC_PCREL))
		return false;
	uint64_t base = encoding & ENC_RELATIVE ? r.vaddr : 0;
	out->start = base + read_format(&r, encoding);
	/* The length has the same size and is never relative or negative. */
	uint64_t mask = (encoding & ENC_FORMAT & 7) == DW_EH_PE_udata4	 ? 0xffffffff
			: (encoding & ENC_FORMAT & 7) == DW_EH_PE_udata2 ? 0xffff
									 : UINT64_MAX;
	out->end = out->start + (read_format(&r, encoding) & mask);
	return r.ok && out->end > out->start;
}

static int open_table(struct functions *f)
{
	uint64_t size;

	if (!elf_image_eh_frame_hdr(f->image, &f->header, &size) || size < 12)
		return -ENOENT;
	const uint8_t *p = elf_image_bytes(f->image, f->header, 12);
	if (!p || p[0] != 1 || p[2] != DW_EH_PE_udata4 || p[3] != ENC_DATAREL_SDATA4)
		return -ENOENT;
	/* The encoding of eh_frame_ptr says how long it is; every linker makes it 4 bytes. */
	if ((p[1] & ENC_FORMAT & 7) != DW_EH_PE_udata4)
		return -ENOENT;
	uint32_t count;
	memcpy(&count, p + 8, sizeof(count));
	f->table = elf_image_bytes(f->image, f->header + 12, (size_t)count * 8);
	if (!f->table || count == 0)
		return -ENOENT;
	f->count = count;
	return 0;
}

int functions_open(const struct elf_image *image, struct functions **out)
{
	struct functions *f = xcalloc(1, sizeof(*f));

	f->image = image;
	int err = open_table(f);
	if (err) {
		free(f);
		*out = NULL;
		return err;
	}
	/* DWARF's numbers of the registers. */
	const bool arm64 = elf_image_machine(image) == EM_AARCH64;
	f->sp_register = arm64 ? 31 : 7;
	f->fp_register = arm64 ? 29 : 6;
	f->link_register = arm64 ? 30 : 0;
	f->cfi = dwarf_getcfi_elf(elf_image_libelf(image));
	*out = f;
	return 0;
}

void functions_close(struct functions *functions)
{
	if (!functions)
		return;
	if (functions->cfi)
		dwarf_cfi_end(functions->cfi);
	free(functions);
}

/* Both columns of the table are offsets from the header. */
static uint64_t table_value(const struct functions *f, size_t row, size_t column)
{
	int32_t value;

	memcpy(&value, f->table + row * 8 + column * 4, sizeof(value));
	return f->header + (uint64_t)(int64_t)value;
}

bool functions_at(const struct functions *functions, uint64_t vaddr, struct function *out)
{
	size_t low = 0, high = functions->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (table_value(functions, middle, 0) <= vaddr)
			low = middle + 1;
		else
			high = middle;
	}
	return low > 0 && read_fde(functions->image, table_value(functions, low - 1, 1), out) &&
	       vaddr >= out->start && vaddr < out->end;
}

struct cfa_rule functions_entry_rule(int machine)
{
	/* A call pushes the return address on x86_64, and keeps it in x30 on arm64. */
	if (machine == EM_AARCH64)
		return (struct cfa_rule){.offset = 0, .return_below = 0};
	return (struct cfa_rule){.offset = 8, .return_below = 8};
}

/* What a CFA is computed from: "register + offset"; false if it is not that simple. */
static bool read_cfa(Dwarf_Frame *frame, uint64_t *number, uint64_t *offset)
{
	Dwarf_Op *ops;
	size_t count;

	if (dwarf_frame_cfa(frame, &ops, &count) != 0 || count != 1)
		return false;
	if (ops[0].atom == DW_OP_bregx) {
		*number = ops[0].number;
		*offset = ops[0].number2;
		return true;
	}
	*number = ops[0].atom - DW_OP_breg0;
	*offset = ops[0].number;
	return ops[0].atom >= DW_OP_breg0 && ops[0].atom <= DW_OP_breg31;
}

/* Where the link register was saved; false if it is not that simple. */
static bool read_return_below(Dwarf_Frame *frame, unsigned link_register, uint32_t *below)
{
	Dwarf_Op *ops, space[3];
	size_t count;

	if (dwarf_frame_register(frame, (int)link_register, space, &ops, &count) != 0)
		return false;
	*below = 0;
	if (count == 0) /* it still has the value that the caller gave it, or it is lost */
		return ops == NULL;
	/* An offset that is added to the CFA, as an unsigned number. */
	if (count != 2 || ops[0].atom != DW_OP_call_frame_cfa || ops[1].atom != DW_OP_plus_uconst)
		return false;
	const uint64_t down = -(uint64_t)ops[1].number;
	*below = (uint32_t)down;
	return down >= 8 && down % 8 == 0 && down <= MAX_FRAME;
}

bool functions_cfa_rule(struct functions *functions, uint64_t vaddr, struct cfa_rule *rule)
{
	const struct cfa_rule entry = functions_entry_rule(elf_image_machine(functions->image));
	Dwarf_Frame *frame;
	uint64_t number, offset;

	if (!functions->cfi || dwarf_cfi_addrframe(functions->cfi, vaddr, &frame) != 0)
		return false;
	bool ok = read_cfa(frame, &number, &offset) && offset >= entry.offset && offset % 8 == 0 &&
		  offset <= MAX_FRAME &&
		  (number == functions->sp_register || number == functions->fp_register);
	rule->return_below = entry.return_below;
	if (ok && functions->link_register)
		ok = read_return_below(frame, functions->link_register, &rule->return_below);
	free(frame);
	if (!ok)
		return false;
	rule->from_fp = number == functions->fp_register;
	rule->offset = (uint32_t)offset;
	return true;
}
