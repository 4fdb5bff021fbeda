/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 gilscope contributors */
/* What instructions do to the stack pointer and the frame pointer: arm64. */
#include "probe/a64.h"
#include "probe/insn_private.h"

static void set_flow(uint32_t word, uint64_t vaddr, struct insn_effect *out)
{
	if (a64_is_end(word))
		out->flow = FLOW_END;
	else if (a64_is_b(word) || a64_is_br(word))
		out->flow = FLOW_JUMP;
	else if (a64_is_conditional(word))
		out->flow = FLOW_BRANCH;
	if (out->flow == FLOW_JUMP || out->flow == FLOW_BRANCH)
		out->target = a64_target(word, vaddr);
}

/* add sp, sp or fp, immediate */
static void set_sum(uint32_t word, struct insn_effect *out)
{
	out->stack = STACK_LOST;
	if (a64_rn(word) == A64_SP)
		out->stack = STACK_GROWS;
	if (a64_rn(word) == A64_FP)
		out->stack = STACK_FROM_FRAME;
	out->amount = -a64_added(word);
}

/* Bytes by which a load or store of a pair with write-back moves the base. */
static int64_t pair_step(uint32_t word)
{
	const uint32_t size = a64_bits(word, 31, 30);

	return a64_signed(word, 21, 15) * (4 << (a64_bits(word, 26, 26) ? size : size >> 1));
}

/* stgp, whose immediate has another unit */
static bool is_tagging(uint32_t word)
{
	return (word & 0xfe400000) == 0x68000000;
}

static void set_stack(uint32_t word, struct insn_effect *out)
{
	const bool base = a64_rn(word) == A64_SP, target = a64_rd(word) == A64_SP;

	if (a64_is_add_sub(word)) {
		if (target)
			set_sum(word, out);
	} else if (a64_is_pair(word) || a64_is_indexed(word)) {
		if (!base || (a64_is_pair(word) && !a64_bits(word, 23, 23)))
			return;
		out->stack = is_tagging(word) ? STACK_LOST : STACK_GROWS;
		out->amount = a64_is_pair(word) ? -pair_step(word) : -a64_signed(word, 20, 12);
	} else if ((word & 0x3f200000) == 0x0b200000 || /* add, sub of a register, extended */
		   (word & 0x3f800000) == 0x12000000 || /* and, orr, eor of an immediate */
		   (word & 0xbf800000) == 0x91800000) { /* addg, subg */
		out->stack = target ? STACK_LOST : STACK_SAME;
	} else if ((word & 0xbe800000) == 0x0c800000 || /* vector structures with write-back */
		   (word & 0xff200400) == 0xd9200400 || /* memory tags with write-back */
		   (word & 0xff200c00) == 0xf8200c00) { /* ldraa, ldrab with write-back */
		out->stack = base ? STACK_LOST : STACK_SAME;
	}
}

static void set_frame(uint32_t word, struct insn_effect *out)
{
	if (a64_is_add_sub(word) && a64_rd(word) == A64_FP && a64_rn(word) == A64_SP) {
		out->frame = FRAME_SET;
		out->frame_amount = a64_added(word);
	} else if (a64_written(word) & (UINT32_C(1) << A64_FP)) {
		out->frame = FRAME_LOST;
	}
}

bool effect_arm64(struct decoder *decoder, uint64_t vaddr, struct insn_effect *out)
{
	size_t size;
	const uint8_t *code = decoder_code(decoder, vaddr, &size);

	if (!code || size < A64_LENGTH || vaddr % A64_LENGTH)
		return false;
	const uint32_t word = a64_word(code);
	out->length = A64_LENGTH;
	set_flow(word, vaddr, out);
	set_stack(word, out);
	set_frame(word, out);
	return true;
}
