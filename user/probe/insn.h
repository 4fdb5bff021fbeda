/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 gilscope contributors */
/*
 * What instructions mean: decoding, references from code to code and to GOT slots, and which
 * instructions the kernel emulates under a uprobe. All that is particular to a machine is behind
 * this interface; which machine it is, the ELF file says, not the host.
 */
#ifndef GILSCOPE_INSN_H
#define GILSCOPE_INSN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "probe/functions.h"
#include "target/elf_image.h"

struct decoder;

/* 0, or -ENOTSUP without a message for a machine that is not known, or code that spans more than 4 GB.
 * Owned by the caller. */
int decoder_open(const struct elf_image *image, struct decoder **out);
void decoder_close(struct decoder *decoder);

struct insn {
	uint64_t vaddr;
	uint8_t length;
	uint8_t bytes[16];
	char text[64];
	bool conditional; /* a branch that is not always taken */
	bool emulated;	  /* the kernel emulates it under a uprobe, else it single-steps a copy */
};

/* Decodes one instruction; false if there is none. */
bool decoder_insn(struct decoder *decoder, uint64_t vaddr, struct insn *out);

/* The instruction at which a probe on a function's entry is put: behind a landing pad (endbr64,
 * bti), which the kernel would single-step. */
bool decoder_entry(struct decoder *decoder, uint64_t vaddr, struct insn *out);

/* Where the execution goes on, and what becomes of the stack pointer. */
enum insn_flow { FLOW_NEXT, FLOW_BRANCH, FLOW_JUMP, FLOW_END };
enum insn_stack {
	STACK_SAME,
	STACK_GROWS,	  /* sp -= amount */
	STACK_FROM_FRAME, /* sp = fp - amount */
	STACK_LOST,	  /* some other value */
};
enum insn_frame {
	FRAME_SAME,
	FRAME_SET, /* fp = sp, as it was before the instruction, + frame_amount */
	FRAME_LOST,
};

struct insn_effect {
	uint8_t length;
	enum insn_flow flow;
	uint64_t target; /* of FLOW_BRANCH and FLOW_JUMP; 0: not known */
	enum insn_stack stack;
	int64_t amount; /* bytes */
	enum insn_frame frame;
	int64_t frame_amount; /* bytes */
};

/* What an instruction does; false if it cannot be decoded. */
bool decoder_effect(struct decoder *decoder, uint64_t vaddr, struct insn_effect *out);

enum ref_kind {
	REF_CALL = 1,	    /* call to the target */
	REF_JUMP = 2,	    /* jump to it, with or without a condition */
	REF_CALL_SLOT = 4,  /* call through the pointer at the target */
	REF_JUMP_SLOT = 8,  /* jump through it */
	REF_LOAD_SLOT = 16, /* load of it into a register */
};
#define REF_BRANCHES (REF_CALL | REF_JUMP)
#define REF_SLOTS (REF_CALL_SLOT | REF_JUMP_SLOT | REF_LOAD_SLOT)

/* Whether a reference is an instruction or bytes that only look like one. */
enum ref_proof { REF_UNPROVEN, REF_PROVEN, REF_FALSE };

struct code_ref {
	enum ref_kind kind;
	enum ref_proof proof;
	uint64_t target;
	uint64_t next;	/* the address behind the instruction: of a call, its return address */
	uint64_t vaddr; /* the instruction's, once it is proven */
};

struct code_refs {
	struct code_ref *items;
	size_t count, cap;
};

/* Addresses that references are looked for to, sorted, as functions of one byte;
 * free(points->items). */
struct code_points {
	struct function *items;
	size_t count, cap;
};
void code_points_add(struct code_points *points, uint64_t vaddr);

/*
 * Finds by their bytes all references of `kinds` (enum ref_kind, or'ed) to an address in one of the
 * sorted, disjoint `targets`, in all executable segments or, if `within` is not NULL, in that
 * function. Appends them, unproven, in the order of their addresses; free(refs->items).
 */
void decoder_find_refs(struct decoder *decoder, const struct function *targets, size_t count,
		       unsigned kinds, const struct function *within, struct code_refs *refs);

/* The same for jumps that decoder_find_refs does not know, to the start of a function from
 * neighbours of it: tail calls. x86_64: those with a displacement of 8 bits. */
void decoder_find_short_jumps(const struct decoder *decoder, const struct function *function,
			      struct code_refs *refs);

/*
 * Tells instructions from chance bytes: on x86_64 by decoding the function from its start, on arm64
 * by their alignment. `refs` are those of `count` in this function, in the order of their
 * addresses. They stay unproven from the first byte on that cannot be decoded.
 */
void decoder_prove(struct decoder *decoder, const struct function *function, struct code_ref *refs,
		   size_t count);

/* Entries of the PLT stubs whose indirect jump is `jump` (proven or not): at most 3 addresses, for
 * the variants of stubs that begin with a landing pad or a prefix. Their number. */
size_t decoder_stub_entries(const struct decoder *decoder, const struct code_ref *jump,
			    uint64_t entries[3]);

/*
 * A string constant that the code right behind `vaddr` loads when it has checked the result of a
 * call and found an error, and that begins with `prefix`; NULL if none is found. ERROR_STRING_SIZE
 * bytes of it can be read, whether the string is shorter or longer. Lives as long as the image.
 */
#define ERROR_STRING_SIZE 48
const char *decoder_error_string(struct decoder *decoder, uint64_t vaddr, const char *prefix);

#endif
