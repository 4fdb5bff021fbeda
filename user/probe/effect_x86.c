/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 gilscope contributors */
/* What instructions do to the stack pointer and the frame pointer: x86_64. */
#include "probe/insn_private.h"

static bool writes(const uint16_t *written, uint8_t count, uint16_t reg)
{
	for (uint8_t i = 0; i < count; i++) {
		if (written[i] == reg)
			return true;
	}
	return false;
}

static bool is_reg(const cs_x86_op *op, x86_reg reg)
{
	return op->type == X86_OP_REG && op->reg == reg;
}

/* "disp(base)" without an index. */
static bool is_based(const cs_x86_op *op, x86_reg base)
{
	return op->type == X86_OP_MEM && op->mem.base == base && op->mem.index == X86_REG_INVALID;
}

static void set_flow(const cs_insn *insn, const cs_x86 *x86, struct insn_effect *out)
{
	const cs_detail *detail = insn->detail;

	if (insn->id == X86_INS_CALL) {
		out->flow = FLOW_NEXT;
		return;
	}
	for (uint8_t i = 0; i < detail->groups_count; i++) {
		if (detail->groups[i] == X86_GRP_RET || insn->id == X86_INS_HLT ||
		    insn->id == X86_INS_UD2)
			out->flow = FLOW_END;
		else if (detail->groups[i] == X86_GRP_JUMP)
			out->flow = insn->id == X86_INS_JMP ? FLOW_JUMP : FLOW_BRANCH;
	}
	if (insn->id == X86_INS_UD2 || insn->id == X86_INS_HLT)
		out->flow = FLOW_END;
	if ((out->flow == FLOW_JUMP || out->flow == FLOW_BRANCH) && x86->op_count == 1 &&
	    x86->operands[0].type == X86_OP_IMM)
		out->target = (uint64_t)x86->operands[0].imm;
}

/* An instruction that writes the stack pointer. */
static void set_stack(const cs_insn *insn, const cs_x86 *x86, struct insn_effect *out)
{
	const cs_x86_op *op = x86->operands;

	out->stack = STACK_GROWS;
	switch (insn->id) {
	case X86_INS_CALL: /* the callee takes the return address off again */
		out->amount = 0;
		return;
	case X86_INS_PUSH:
	case X86_INS_PUSHFQ:
		out->amount = 8;
		return;
	case X86_INS_POPFQ:
		out->amount = -8;
		return;
	case X86_INS_POP:
		out->amount = -8;
		if (is_reg(op, X86_REG_RSP))
			out->stack = STACK_LOST;
		return;
	case X86_INS_SUB:
	case X86_INS_ADD:
		out->amount = insn->id == X86_INS_SUB ? op[1].imm : -op[1].imm;
		if (op[1].type != X86_OP_IMM)
			out->stack = STACK_LOST;
		return;
	case X86_INS_LEA:
		out->amount = -op[1].mem.disp;
		if (is_based(&op[1], X86_REG_RBP))
			out->stack = STACK_FROM_FRAME;
		else if (!is_based(&op[1], X86_REG_RSP))
			out->stack = STACK_LOST;
		return;
	case X86_INS_MOV:
		out->amount = 0;
		out->stack = is_reg(&op[1], X86_REG_RBP) ? STACK_FROM_FRAME : STACK_LOST;
		return;
	case X86_INS_LEAVE:
		out->amount = -8;
		out->stack = STACK_FROM_FRAME;
		return;
	}
	out->stack = STACK_LOST;
}

static void set_effect(const struct decoder *decoder, struct insn_effect *out)
{
	const cs_insn *insn = decoder->insn;
	const cs_x86 *x86 = &insn->detail->x86;
	cs_regs read, written;
	uint8_t read_count, written_count;

	out->length = (uint8_t)insn->size;
	set_flow(insn, x86, out);
	if (cs_regs_access(decoder->capstone, insn, read, &read_count, written, &written_count) !=
	    CS_ERR_OK) {
		out->stack = STACK_LOST;
		return;
	}
	if (writes(written, written_count, X86_REG_RSP))
		set_stack(insn, x86, out);
	if (insn->id == X86_INS_MOV && is_reg(&x86->operands[0], X86_REG_RBP) &&
	    is_reg(&x86->operands[1], X86_REG_RSP))
		out->frame = FRAME_SET;
	else if (writes(written, written_count, X86_REG_RBP) ||
		 writes(written, written_count, X86_REG_EBP))
		out->frame = FRAME_LOST;
}

bool effect_x86(struct decoder *decoder, uint64_t vaddr, struct insn_effect *out)
{
	cs_option(decoder->capstone, CS_OPT_DETAIL, CS_OPT_ON);
	bool ok = decoder_decode(decoder, vaddr);
	if (ok)
		set_effect(decoder, out);
	cs_option(decoder->capstone, CS_OPT_DETAIL, CS_OPT_OFF);
	return ok;
}
