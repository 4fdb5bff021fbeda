/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 gilscope contributors */
/*
 * x86_64. A compiler that calls a function several times or in a loop loads its address into a
 * register that calls preserve (System V ABI: rbx, rbp, r12 to r15). Where nothing but such loads
 * and the restoring of the caller's value writes that register, every call through it is a call of
 * that function: a caller's value is nothing that a compiler's code would ever call.
 */
#include "probe/register_calls.h"

#include <elf.h>

#include "base/mem.h"
#include "probe/insn_private.h"

/* A preserved register and the names of its parts. */
static const uint16_t preserved[][5] = {
	{X86_REG_RBX, X86_REG_EBX, X86_REG_BX, X86_REG_BL, X86_REG_BH},
	{X86_REG_RBP, X86_REG_EBP, X86_REG_BP, X86_REG_BPL},
	{X86_REG_R12, X86_REG_R12D, X86_REG_R12W, X86_REG_R12B},
	{X86_REG_R13, X86_REG_R13D, X86_REG_R13W, X86_REG_R13B},
	{X86_REG_R14, X86_REG_R14D, X86_REG_R14W, X86_REG_R14B},
	{X86_REG_R15, X86_REG_R15D, X86_REG_R15W, X86_REG_R15B},
};

/* What an instruction has to do with the register. */
enum use { USE_NONE, USE_CALL, USE_SPOILS };

struct walk {
	struct decoder *decoder;
	const struct function *function;
	uint64_t slot;
	const uint16_t *reg; /* a row of `preserved` */
};

static bool is_part(const struct walk *walk, uint16_t reg)
{
	for (size_t i = 0; i < ARRAY_SIZE(preserved[0]) && walk->reg[i]; i++) {
		if (walk->reg[i] == reg)
			return true;
	}
	return false;
}

static bool is_reg(const cs_x86_op *op, uint16_t reg)
{
	return op->type == X86_OP_REG && op->reg == reg;
}

/* mov slot(%rip), reg */
static bool loads_slot(const struct walk *walk, const cs_insn *insn)
{
	const cs_x86_op *op = insn->detail->x86.operands;

	return insn->id == X86_INS_MOV && is_reg(&op[0], walk->reg[0]) &&
	       op[1].type == X86_OP_MEM && op[1].mem.base == X86_REG_RIP &&
	       op[1].mem.index == X86_REG_INVALID &&
	       insn->address + insn->size + (uint64_t)op[1].mem.disp == walk->slot;
}

static bool touches(const struct walk *walk, const cs_insn *insn)
{
	cs_regs read, written;
	uint8_t read_count, written_count;

	if (cs_regs_access(walk->decoder->capstone, insn, read, &read_count, written,
			   &written_count) != CS_ERR_OK)
		return true;
	for (uint8_t i = 0; i < read_count; i++) {
		if (is_part(walk, read[i]))
			return true;
	}
	for (uint8_t i = 0; i < written_count; i++) {
		if (is_part(walk, written[i]))
			return true;
	}
	return false;
}

/* A jump to where the walk does not come, or to what only the running code knows. */
static bool leaves(const struct walk *walk, const cs_insn *insn)
{
	const cs_detail *detail = insn->detail;
	const cs_x86_op *op = detail->x86.operands;

	for (uint8_t i = 0; i < detail->groups_count; i++) {
		if (detail->groups[i] != X86_GRP_JUMP)
			continue;
		const uint64_t target = (uint64_t)op[0].imm;
		return op[0].type != X86_OP_IMM || target < walk->function->start ||
		       target >= walk->function->end;
	}
	return false;
}

static enum use use_of(const struct walk *walk, const cs_insn *insn)
{
	const cs_x86_op *op = insn->detail->x86.operands;

	if (insn->id == X86_INS_CALL && is_reg(&op[0], walk->reg[0]))
		return USE_CALL;
	if (insn->id == X86_INS_PUSH || insn->id == X86_INS_POP || loads_slot(walk, insn))
		return USE_NONE;
	return leaves(walk, insn) || touches(walk, insn) ? USE_SPOILS : USE_NONE;
}

/* The register that the load fills, as a row of `preserved`; NULL if it is none of them. */
static const uint16_t *register_of(struct decoder *decoder, const struct code_ref *load)
{
	uint64_t vaddr = load->vaddr;
	size_t size;
	const uint8_t *code = decoder_code(decoder, vaddr, &size);
	struct walk walk = {.decoder = decoder, .slot = load->target};

	if (!code || !cs_disasm_iter(decoder->capstone, &code, &size, &vaddr, decoder->insn))
		return NULL;
	for (size_t i = 0; i < ARRAY_SIZE(preserved); i++) {
		walk.reg = preserved[i];
		if (loads_slot(&walk, decoder->insn))
			return preserved[i];
	}
	return NULL;
}

static bool find(const struct walk *walk, struct code_refs *refs)
{
	struct decoder *decoder = walk->decoder;
	uint64_t vaddr = walk->function->start;
	size_t size;
	const uint8_t *code = decoder_code(decoder, vaddr, &size);

	if (!code || size < walk->function->end - vaddr)
		return false;
	size = walk->function->end - vaddr;
	while (size) {
		if (!cs_disasm_iter(decoder->capstone, &code, &size, &vaddr, decoder->insn))
			return false;
		const enum use use = use_of(walk, decoder->insn);
		if (use == USE_SPOILS)
			return false;
		if (use == USE_CALL)
			*VEC_PUSH(refs) = (struct code_ref){.kind = REF_CALL_SLOT,
							    .proof = REF_PROVEN,
							    .target = walk->slot,
							    .next = vaddr,
							    .vaddr = decoder->insn->address};
	}
	return true;
}

bool register_calls_find(struct decoder *decoder, const struct function *function,
			 const struct code_ref *load, struct code_refs *refs)
{
	const size_t before = refs->count;

	if (elf_image_machine(decoder->image) != EM_X86_64)
		return false;
	cs_option(decoder->capstone, CS_OPT_DETAIL, CS_OPT_ON);
	const struct walk walk = {.decoder = decoder,
				  .function = function,
				  .slot = load->target,
				  .reg = register_of(decoder, load)};
	const bool found = walk.reg && find(&walk, refs);
	cs_option(decoder->capstone, CS_OPT_DETAIL, CS_OPT_OFF);
	if (!found)
		refs->count = before;
	return found;
}
