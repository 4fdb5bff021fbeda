/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 gilscope contributors */
#include "probe/insn.h"

#include <elf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "probe/insn_private.h"

static const uint8_t endbr64[] = {0xf3, 0x0f, 0x1e, 0xfa};

int decoder_open(const struct elf_image *image, struct decoder **out)
{
	*out = NULL;
	if (elf_image_machine(image) != EM_X86_64)
		return -ENOTSUP;
	struct decoder *d = xcalloc(1, sizeof(*d));
	d->image = image;
	if (cs_open(CS_ARCH_X86, CS_MODE_64, &d->capstone) != CS_ERR_OK) {
		free(d);
		return -ENOTSUP;
	}
	cs_option(d->capstone, CS_OPT_DETAIL, CS_OPT_ON);
	d->insn = cs_malloc(d->capstone);
	cs_option(d->capstone, CS_OPT_DETAIL, CS_OPT_OFF);
	*out = d;
	return 0;
}

void decoder_close(struct decoder *decoder)
{
	if (!decoder)
		return;
	cs_free(decoder->insn, 1);
	cs_close(&decoder->capstone);
	free(decoder->index.items);
	free(decoder);
}

const uint8_t *decoder_code(const struct decoder *decoder, uint64_t vaddr, size_t *size)
{
	const struct elf_segment *segments;
	size_t count = elf_image_segments(decoder->image, &segments);

	for (size_t i = 0; i < count; i++) {
		uint64_t at = vaddr - segments[i].vaddr;
		if (!segments[i].executable || vaddr < segments[i].vaddr ||
		    at >= segments[i].filesz)
			continue;
		*size = segments[i].filesz - at;
		return elf_image_bytes(decoder->image, vaddr, *size);
	}
	return NULL;
}

/* Decodes the instruction at an address into d->insn. */
static bool decode(struct decoder *d, uint64_t vaddr)
{
	size_t size;
	const uint8_t *code = decoder_code(d, vaddr, &size);

	return code && cs_disasm_iter(d->capstone, &code, &size, &vaddr, d->insn);
}

bool decoder_insn(struct decoder *decoder, uint64_t vaddr, struct insn *out)
{
	if (!decode(decoder, vaddr))
		return false;
	memset(out, 0, sizeof(*out));
	out->vaddr = vaddr;
	out->length = (uint8_t)decoder->insn->size;
	memcpy(out->bytes, decoder->insn->bytes, out->length);
	snprintf(out->text, sizeof(out->text), "%.20s%s%.40s", decoder->insn->mnemonic,
		 decoder->insn->op_str[0] ? " " : "", decoder->insn->op_str);
	return true;
}

bool decoder_entry(struct decoder *decoder, uint64_t vaddr, struct insn *out)
{
	const void *p = elf_image_bytes(decoder->image, vaddr, sizeof(endbr64));

	if (p && !memcmp(p, endbr64, sizeof(endbr64)))
		vaddr += sizeof(endbr64);
	return decoder_insn(decoder, vaddr, out);
}

bool insn_conditional(const struct insn *insn)
{
	return (insn->length == 6 && insn->bytes[0] == 0x0f && (insn->bytes[1] & 0xf0) == 0x80) ||
	       (insn->length == 2 && (insn->bytes[0] & 0xf0) == 0x70);
}

/*
 * branch_setup_xol_ops and push_setup_xol_ops of arch/x86/kernel/uprobes.c: call, jmp and jcc
 * relative, nop, and push of a register. A branch may have any prefix but 66 (operand size); what a
 * linker puts before a relaxed call is 67 (address size). Only nops of one byte: longer ones are
 * emulated from Linux 6.17 on.
 */
bool insn_emulated(const struct insn *insn)
{
	const uint8_t *b = insn->bytes;
	unsigned length = insn->length;

	if (length == 2 && b[0] == 0x41)
		return b[1] >= 0x50 && b[1] <= 0x57;
	if (length == 1)
		return b[0] == 0x90 || (b[0] >= 0x50 && b[0] <= 0x57);
	if (b[0] == 0x67) {
		b++;
		length--;
	}
	switch (b[0]) {
	case 0xe8:
	case 0xe9:
		return length == 5;
	case 0xeb:
	case 0x70 ... 0x7f:
		return length == 2;
	case 0x0f:
		return length == 6 && b[1] >= 0x80 && b[1] <= 0x8f;
	}
	return false;
}

/* The string that the instruction in d->insn loads the address of, if it begins with `prefix`. */
static const char *loaded_string(struct decoder *d, const char *prefix)
{
	const uint8_t *b = d->insn->bytes;
	const size_t length = strlen(prefix);
	uint64_t vaddr = 0;
	int32_t value;

	if (d->insn->size < 5)
		return NULL;
	memcpy(&value, b + d->insn->size - 4, sizeof(value));
	if (d->insn->size == 7 && (b[0] & 0xfb) == 0x48 && b[1] == 0x8d && (b[2] & 0xc7) == 0x05)
		/* lea string(%rip), any register */
		vaddr = d->insn->address + 7 + (uint64_t)(int64_t)value;
	else if ((d->insn->size == 5 && (b[0] & 0xf8) == 0xb8) ||
		 (d->insn->size == 6 && b[0] == 0x41 && (b[1] & 0xf8) == 0xb8))
		/* mov $string, any register, in an executable that is not PIE */
		vaddr = (uint32_t)value;
	if (!vaddr)
		return NULL;
	const char *string = elf_image_bytes(d->image, vaddr, ERROR_STRING_SIZE);
	return string && !memcmp(string, prefix, length) ? string : NULL;
}

/* Target of the direct branch in d->insn; 0 if it is none. */
static uint64_t branch_target(const struct decoder *d)
{
	const uint8_t *b = d->insn->bytes;
	uint64_t next = d->insn->address + d->insn->size;
	int32_t value;

	if (d->insn->size == 2 && (b[0] == 0xeb || (b[0] & 0xf0) == 0x70))
		return next + (uint64_t)(int64_t)(int8_t)b[1];
	if (d->insn->size != 5 && d->insn->size != 6)
		return 0;
	memcpy(&value, b + d->insn->size - 4, sizeof(value));
	if ((d->insn->size == 5 && b[0] == 0xe9) ||
	    (d->insn->size == 6 && b[0] == 0x0f && (b[1] & 0xf0) == 0x80))
		return next + (uint64_t)(int64_t)value;
	return 0;
}

static bool is_unconditional(const struct decoder *d)
{
	return d->insn->bytes[0] == 0xe9 || d->insn->bytes[0] == 0xeb;
}

/*
 * Follows the code from `vaddr`: over jumps, up to a call, a return or the first condition. `taken`
 * is set to that condition's target.
 */
static const char *follow(struct decoder *d, uint64_t *vaddr, const char *prefix, uint64_t *taken)
{
	for (int steps = 0; steps < 16; steps++) {
		if (!decode(d, *vaddr))
			return NULL;
		const char *string = loaded_string(d, prefix);
		if (string)
			return string;
		uint64_t target = branch_target(d);
		*vaddr += d->insn->size;
		if (target && is_unconditional(d)) {
			*vaddr = target;
		} else if (target) {
			*taken = target;
			return NULL;
		} else if (d->insn->bytes[0] == 0xe8 || d->insn->bytes[0] == 0xc3) {
			return NULL;
		}
	}
	return NULL;
}

const char *decoder_error_string(struct decoder *decoder, uint64_t vaddr, const char *prefix)
{
	uint64_t taken = 0, ignored;
	const char *string = follow(decoder, &vaddr, prefix, &taken);

	if (string || !taken)
		return string;
	/* "jne error" or "je no_error": one of both ways leads to the message. */
	string = follow(decoder, &taken, prefix, &ignored);
	return string ? string : follow(decoder, &vaddr, prefix, &ignored);
}
