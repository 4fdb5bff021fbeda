/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 gilscope contributors */
/* The inside of struct decoder, shared by insn.c and refs.c. */
#ifndef GILSCOPE_INSN_PRIVATE_H
#define GILSCOPE_INSN_PRIVATE_H

#include <capstone/capstone.h>

#include "probe/insn.h"

/* A reference of some code, by its bytes. */
struct ref_entry {
	uint64_t next;
	int32_t displacement; /* of the target, from `next` */
	uint32_t kind;	      /* enum ref_kind */
};

struct decoder {
	const struct elf_image *image;
	csh capstone;
	cs_insn *insn;
	struct {
		struct ref_entry *items;
		size_t count, cap;
	} index; /* all references of the file, by address; made at the first use */
};

/* The bytes at an address up to the end of its executable segment; NULL if there are none. */
const uint8_t *decoder_code(const struct decoder *decoder, uint64_t vaddr, size_t *size);

#endif
