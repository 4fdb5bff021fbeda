/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 gilscope contributors */
/* x86_64: its references by their bytes, and what the kernel emulates. */
#include <elf.h>
#include <string.h>

#include "base/mem.h"
#include "probe/insn_private.h"

static const uint8_t endbr64[] = {0xf3, 0x0f, 0x1e, 0xfa};

static bool has_landing_pad(const struct decoder *decoder, uint64_t vaddr)
{
	const void *p = elf_image_bytes(decoder->image, vaddr, sizeof(endbr64));

	return p && !memcmp(p, endbr64, sizeof(endbr64));
}

static uint64_t entry(const struct decoder *decoder, uint64_t vaddr)
{
	return has_landing_pad(decoder, vaddr) ? vaddr + sizeof(endbr64) : vaddr;
}

static bool is_conditional(const struct insn *insn)
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
static bool is_emulated(const struct insn *insn)
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

static void classify(struct insn *insn)
{
	insn->conditional = is_conditional(insn);
	insn->emulated = is_emulated(insn);
}

/* The string that the instruction in d->insn loads the address of, if it begins with `prefix`. */
static const char *loaded_string(struct decoder *d, const char *prefix)
{
	const uint8_t *b = d->insn->bytes;
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
	return vaddr ? decoder_string(d, vaddr, prefix) : NULL;
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
		if (!decoder_decode(d, *vaddr))
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

static const char *error_string(struct decoder *decoder, uint64_t vaddr, const char *prefix)
{
	uint64_t taken = 0, ignored;
	const char *string = follow(decoder, &vaddr, prefix, &taken);

	if (string || !taken)
		return string;
	/* "jne error" or "je no_error": one of both ways leads to the message. */
	string = follow(decoder, &taken, prefix, &ignored);
	return string ? string : follow(decoder, &vaddr, prefix, &ignored);
}

/*
 * A reference ends in a 32-bit displacement from its end. Its kind by the byte before that, which
 * selects, and the one before, which for some decides; 0: none.
 */
static unsigned ref_kind(uint8_t before, uint8_t last)
{
	switch (last) {
	case 0xe8: /* call */
		return REF_CALL;
	case 0xe9: /* jmp */
		return REF_JUMP;
	case 0x80 ... 0x8f: /* 0f 8x: jcc */
		return before == 0x0f ? REF_JUMP : 0;
	case 0x15: /* ff 15: call *slot(%rip) */
		if (before == 0xff)
			return REF_CALL_SLOT;
		break;
	case 0x25: /* ff 25: jmp *slot(%rip) */
		if (before == 0xff)
			return REF_JUMP_SLOT;
		break;
	}
	/* 8b /r: mov slot(%rip), any register */
	return before == 0x8b && (last & 0xc7) == 0x05 ? REF_LOAD_SLOT : 0;
}

/* Whether two bytes can make a reference is told by the bits that these tables have in common: one
 * test a byte of a file of megabytes, and few candidates left. */
struct ref_bytes {
	uint8_t last[256], before[256];
};

static void fill_ref_bytes(struct ref_bytes *bytes)
{
	static const uint8_t needed[] = {0x0f, 0xff, 0x8b};
	enum { ANY = 1 };

	memset(bytes, 0, sizeof(*bytes));
	memset(bytes->before, ANY, sizeof(bytes->before));
	for (unsigned i = 0; i < ARRAY_SIZE(needed); i++)
		bytes->before[needed[i]] |= (uint8_t)(2u << i);
	for (unsigned last = 0; last < 256; last++) {
		if (ref_kind(0, (uint8_t)last))
			bytes->last[last] |= ANY;
		for (unsigned i = 0; i < ARRAY_SIZE(needed); i++)
			if (ref_kind(needed[i], (uint8_t)last))
				bytes->last[last] |= (uint8_t)(2u << i);
	}
}

static void index_segment(struct decoder *decoder, const uint8_t *code, size_t size, uint64_t vaddr)
{
	struct ref_bytes bytes;
	int32_t displacement;

	fill_ref_bytes(&bytes);
	for (size_t i = 2; i + 4 <= size; i++) {
		if (!(bytes.last[code[i - 1]] & bytes.before[code[i - 2]]))
			continue;
		memcpy(&displacement, code + i, sizeof(displacement));
		decoder_index_ref(decoder, vaddr + i + 4,
				  vaddr + i + 4 + (uint64_t)(int64_t)displacement,
				  ref_kind(code[i - 2], code[i - 1]));
	}
}

static void find_short_jumps(const struct decoder *decoder, const struct function *function,
			     struct code_refs *refs)
{
	for (uint64_t next = function->start - 128; next != function->start + 129; next++) {
		const uint8_t *p = elf_image_bytes(decoder->image, next - 2, 2);
		if (!p || (p[0] != 0xeb && (p[0] & 0xf0) != 0x70) ||
		    next + (uint64_t)(int64_t)(int8_t)p[1] != function->start ||
		    (next > function->start && next <= function->end))
			continue;
		struct code_ref *ref = VEC_PUSH(refs);
		ref->kind = REF_JUMP;
		ref->target = function->start;
		ref->next = next;
	}
}

static void prove(struct decoder *decoder, const struct function *function, struct code_ref *refs,
		  size_t count)
{
	uint64_t vaddr = function->start;
	size_t size, i = 0;
	const uint8_t *code = decoder_code(decoder, vaddr, &size);

	if (!code)
		return;
	if (size > function->end - function->start)
		size = function->end - function->start;
	while (i < count) {
		uint64_t start = vaddr;
		if (!cs_disasm_iter(decoder->capstone, &code, &size, &vaddr, decoder->insn))
			return;
		for (; i < count && refs[i].next <= vaddr; i++) {
			refs[i].proof = refs[i].next == vaddr ? REF_PROVEN : REF_FALSE;
			refs[i].vaddr = start;
		}
	}
}

static size_t stub_entries(const struct decoder *decoder, const struct code_ref *jump,
			   uint64_t entries[3])
{
	uint64_t at = jump->next - 6;
	size_t count = 0;

	entries[count++] = at;
	/* bnd jmp, of linkers that knew MPX */
	const uint8_t *p = elf_image_bytes(decoder->image, at - 1, 1);
	if (p && p[0] == 0xf2)
		entries[count++] = --at;
	if (has_landing_pad(decoder, at - sizeof(endbr64)))
		entries[count++] = at - sizeof(endbr64);
	return count;
}

const struct machine machine_x86 = {
	.elf_machine = EM_X86_64,
	.arch = CS_ARCH_X86,
	.mode = CS_MODE_64,
	.entry = entry,
	.classify = classify,
	.effect = effect_x86,
	.index = index_segment,
	.find_short_jumps = find_short_jumps,
	.prove = prove,
	.stub_entries = stub_entries,
	.error_string = error_string,
};
