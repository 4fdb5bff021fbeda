/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 gilscope contributors */
/*
 * arm64: its references, and what the kernel emulates. A branch has its target in itself; the
 * address of a GOT slot or of a string is put together by several instructions (adrp and add, or
 * adrp and ldr), so the values of registers are followed through the code in the order of
 * addresses.
 */
#include <elf.h>
#include <string.h>

#include "probe/a64.h"
#include "probe/insn_private.h"

/* Registers that a call does not keep (AAPCS64, section 6.1.1), and the link register. */
#define CALLER_SAVED (UINT32_C(0x7ffff) | UINT32_C(1) << A64_LR)

/* Between the load of a slot and the branch to what it holds. */
#define MAX_LOAD_DISTANCE 16

/* Which registers hold an address of the file, or what stands in such a slot. */
struct registers {
	uint32_t known; /* a bit each */
	uint32_t loaded;
	uint64_t value[32]; /* the address, or that of the slot */
};

static bool has(uint32_t set, unsigned reg)
{
	return set >> reg & 1;
}

static void forget(struct registers *r, uint32_t set)
{
	r->known &= ~set;
	r->loaded &= ~set;
}

static void set_value(struct registers *r, uint32_t *set, unsigned reg, uint64_t value)
{
	r->value[reg] = value;
	*set |= UINT32_C(1) << reg;
}

static void follow_registers(struct registers *r, uint32_t word, uint64_t vaddr)
{
	const unsigned rd = a64_rd(word), rn = a64_rn(word);
	const uint64_t base = r->value[rn];
	const bool based = rn != A64_SP && has(r->known, rn);

	forget(r, a64_written(word));
	if (a64_is_call(word))
		forget(r, CALLER_SAVED);
	else if (a64_is_adr(word) || a64_is_adrp(word))
		set_value(r, &r->known, rd, a64_adr_value(word, vaddr));
	else if (a64_is_add_sub(word) && based)
		set_value(r, &r->known, rd, base + (uint64_t)a64_added(word));
	else if (a64_is_ldr(word) && based)
		set_value(r, &r->loaded, rd, base + a64_ldr_offset(word));
}

static uint64_t entry(const struct decoder *decoder, uint64_t vaddr)
{
	const uint8_t *code = elf_image_bytes(decoder->image, vaddr, A64_LENGTH);

	return code && a64_is_bti(a64_word(code)) ? vaddr + A64_LENGTH : vaddr;
}

/*
 * arm_probe_decode_insn of arch/arm64/kernel/probes/decode-insn.c: all that reads or writes the
 * program counter, but for the authenticated branches and loads of literals, which it refuses. Of
 * the hints, recent kernels emulate nop; they and older ones step the others.
 */
static void classify(struct insn *insn)
{
	const uint32_t word = a64_word(insn->bytes);

	insn->conditional = a64_is_conditional(word);
	insn->emulated = a64_target(word, insn->vaddr) || a64_is_adr(word) || a64_is_adrp(word) ||
			 (word & 0xff9ffc1f) == 0xd61f0000; /* br, blr, ret */
}

/* True if the slot's content in register `reg` is branched to before anything else can become of
 * it: what is loaded by the instruction before `code` is then of no other use. */
static bool only_branched_to(const uint8_t *code, size_t size, unsigned reg)
{
	if (!has(CALLER_SAVED, reg))
		return false;
	for (size_t i = 0; i < MAX_LOAD_DISTANCE && (i + 1) * A64_LENGTH <= size; i++) {
		const uint32_t word = a64_word(code + i * A64_LENGTH);

		if (a64_is_br(word) || a64_is_blr(word))
			return a64_rn(word) == reg;
		if (a64_target(word, 0) || a64_is_end(word) || has(a64_written(word), reg))
			return false;
	}
	return false;
}

/* The references that the word at `code` makes; `r` is what the registers hold before it. */
static void index_word(struct decoder *decoder, const struct registers *r, const uint8_t *code,
		       size_t size, uint64_t vaddr)
{
	const uint32_t word = a64_word(code);
	const uint64_t target = a64_target(word, vaddr), next = vaddr + A64_LENGTH;
	const unsigned rn = a64_rn(word);

	if (target)
		decoder_index_ref(decoder, next, target, a64_is_bl(word) ? REF_CALL : REF_JUMP);
	else if ((a64_is_br(word) || a64_is_blr(word)) && has(r->loaded, rn))
		decoder_index_ref(decoder, next, r->value[rn],
				  a64_is_br(word) ? REF_JUMP_SLOT : REF_CALL_SLOT);
	else if (a64_is_ldr(word) && rn != A64_SP && has(r->known, rn) &&
		 !only_branched_to(code + A64_LENGTH, size - A64_LENGTH, a64_rd(word)))
		decoder_index_ref(decoder, next, r->value[rn] + a64_ldr_offset(word),
				  REF_LOAD_SLOT);
}

static void index_segment(struct decoder *decoder, const uint8_t *code, size_t size, uint64_t vaddr)
{
	struct registers registers = {0};
	size_t at = -vaddr % A64_LENGTH;

	for (; at + A64_LENGTH <= size; at += A64_LENGTH) {
		index_word(decoder, &registers, code + at, size - at, vaddr + at);
		follow_registers(&registers, a64_word(code + at), vaddr + at);
	}
}

/* Every instruction has 4 bytes and is aligned to them, and code holds nothing else. */
static void prove(struct decoder *decoder, const struct function *function, struct code_ref *refs,
		  size_t count)
{
	(void)decoder;
	for (size_t i = 0; i < count; i++) {
		const uint64_t vaddr = refs[i].next - A64_LENGTH;

		refs[i].proof =
			vaddr % A64_LENGTH || vaddr < function->start ? REF_FALSE : REF_PROVEN;
		refs[i].vaddr = vaddr;
	}
}

/* [bti c] adrp, ldr, add, [autia1716] br: what is branched to is the adrp or the bti before it. */
static size_t stub_entries(const struct decoder *decoder, const struct code_ref *jump,
			   uint64_t entries[3])
{
	uint64_t at = jump->next - A64_LENGTH;
	size_t count = 0;

	for (int i = 0; i < 5 && !count; i++) {
		const uint8_t *code = elf_image_bytes(decoder->image, at -= A64_LENGTH, A64_LENGTH);
		if (!code)
			return 0;
		if (a64_is_adrp(a64_word(code)) || a64_is_adr(a64_word(code)))
			entries[count++] = at;
	}
	const uint8_t *code = elf_image_bytes(decoder->image, at - A64_LENGTH, A64_LENGTH);
	if (count && code && a64_is_bti(a64_word(code)))
		entries[count++] = at - A64_LENGTH;
	return count;
}

/*
 * Follows the code from `vaddr`: over jumps, up to a call, a return or the first condition. `taken`
 * is set to that condition's target.
 */
static const char *follow(const struct decoder *d, struct registers *r, uint64_t *vaddr,
			  const char *prefix, uint64_t *taken)
{
	for (int steps = 0; steps < 16; steps++) {
		const uint8_t *code = elf_image_bytes(d->image, *vaddr, A64_LENGTH);
		if (!code)
			return NULL;
		const uint32_t word = a64_word(code);
		const uint64_t target = a64_target(word, *vaddr);
		const unsigned rd = a64_rd(word);

		if (a64_is_conditional(word))
			*taken = target;
		if (a64_is_conditional(word) || a64_is_call(word) || a64_is_br(word) ||
		    a64_is_end(word)) {
			*vaddr += A64_LENGTH;
			return NULL;
		}
		follow_registers(r, word, *vaddr);
		const char *string = (a64_is_add_sub(word) || a64_is_adr(word)) && has(r->known, rd)
					     ? decoder_string(d, r->value[rd], prefix)
					     : NULL;
		if (string)
			return string;
		*vaddr = target ? target : *vaddr + A64_LENGTH;
	}
	return NULL;
}

static const char *error_string(struct decoder *decoder, uint64_t vaddr, const char *prefix)
{
	struct registers registers = {0}, others;
	uint64_t taken = 0, ignored;
	const char *string = follow(decoder, &registers, &vaddr, prefix, &taken);

	if (string || !taken)
		return string;
	/* "cbnz error" or "cbz no_error": one of both ways leads to the message. */
	others = registers;
	string = follow(decoder, &others, &taken, prefix, &ignored);
	return string ? string : follow(decoder, &registers, &vaddr, prefix, &ignored);
}

const struct machine machine_arm64 = {
	.elf_machine = EM_AARCH64,
	.arch = CS_ARCH_ARM64,
	.mode = CS_MODE_LITTLE_ENDIAN,
	.entry = entry,
	.classify = classify,
	.effect = effect_arm64,
	.index = index_segment,
	.find_short_jumps = NULL,
	.prove = prove,
	.stub_entries = stub_entries,
	.error_string = error_string,
};
