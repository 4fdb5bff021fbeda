/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 gilscope contributors */
/* The inside of struct decoder, and what each machine provides. */
#ifndef GILSCOPE_INSN_PRIVATE_H
#define GILSCOPE_INSN_PRIVATE_H

#include <capstone/capstone.h>

#include "probe/insn.h"

/* A reference of some code, by its bytes. An interpreter has 160,000 and more, so each is small. */
struct ref_entry {
	uint32_t next;	      /* from decoder->code_begin */
	int32_t displacement; /* of the target, from `next` */
};

/* The references of one kind, in the order of `next`. */
struct ref_index {
	struct ref_entry *items;
	size_t count, cap;
};
#define REF_KINDS 5 /* in enum ref_kind, whose values are the bits 0 to 4 */

struct decoder;

/* What the functions of insn.h do for one machine. */
struct machine {
	int elf_machine; /* EM_X86_64, ... */
	cs_arch arch;
	cs_mode mode;

	/* The address behind a landing pad at `vaddr`, or `vaddr`. */
	uint64_t (*entry)(const struct decoder *decoder, uint64_t vaddr);
	/* Sets `conditional` and `emulated` by the bytes. */
	void (*classify)(struct insn *insn);
	bool (*effect)(struct decoder *decoder, uint64_t vaddr, struct insn_effect *out);
	/* Adds all references of a segment to the index, in the order of `next`. */
	void (*index)(struct decoder *decoder, const uint8_t *code, size_t size, uint64_t vaddr);
	/* NULL: the index has all jumps. */
	void (*find_short_jumps)(const struct decoder *decoder, const struct function *function,
				 struct code_refs *refs);
	void (*prove)(struct decoder *decoder, const struct function *function,
		      struct code_ref *refs, size_t count);
	size_t (*stub_entries)(const struct decoder *decoder, const struct code_ref *jump,
			       uint64_t entries[3]);
	const char *(*error_string)(struct decoder *decoder, uint64_t vaddr, const char *prefix);
};

extern const struct machine machine_x86;
extern const struct machine machine_arm64;

bool effect_x86(struct decoder *decoder, uint64_t vaddr, struct insn_effect *out);
bool effect_arm64(struct decoder *decoder, uint64_t vaddr, struct insn_effect *out);

struct decoder {
	const struct elf_image *image;
	const struct machine *machine;
	csh capstone;
	cs_insn *insn;
	const struct elf_segment *segments; /* the image's */
	size_t segment_count;
	uint64_t code_begin, code_end;	   /* of all executable segments together */
	struct ref_index index[REF_KINDS]; /* all references of the file; made at the first use */
	bool indexed;
};

/* The bytes at an address up to the end of its executable segment; NULL if there are none. */
const uint8_t *decoder_code(const struct decoder *decoder, uint64_t vaddr, size_t *size);

/* Decodes the instruction at an address into decoder->insn; false if there is none. */
bool decoder_decode(struct decoder *decoder, uint64_t vaddr);

/* Adds a reference to the index if the file maps something at its target that it can mean. */
void decoder_index_ref(struct decoder *decoder, uint64_t next, uint64_t target, enum ref_kind kind);

/* The string constant at an address if it begins with `prefix`, else NULL; ERROR_STRING_SIZE bytes
 * can be read. */
const char *decoder_string(const struct decoder *decoder, uint64_t vaddr, const char *prefix);

#endif
