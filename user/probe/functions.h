/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 gilscope contributors */
/*
 * Where functions begin and end, and where their return address is, from .eh_frame: it covers every
 * function of every CPython build seen, stripped ones too. A "function" here is one FDE; the cold
 * part that a compiler splits off is a function of its own.
 */
#ifndef GILSCOPE_FUNCTIONS_H
#define GILSCOPE_FUNCTIONS_H

#include <stdbool.h>
#include <stdint.h>

#include "target/elf_image.h"

struct function {
	uint64_t start;
	uint64_t end; /* first address behind it */
};

struct functions;

/*
 * Opens the function table of a file. 0, or -ENOENT without a message if the file has no
 * .eh_frame_hdr with a search table. Owned by the caller; `image` must outlive it.
 */
int functions_open(const struct elf_image *image, struct functions **out);
void functions_close(struct functions *functions);

/* The function that holds an address; false if none does. */
bool functions_at(const struct functions *functions, uint64_t vaddr, struct function *out);

/*
 * Where the return address of a function is at one of its instructions, with the registers before
 * it executes. The CFA (DWARF 5, section 6.4) is the stack pointer behind the return: sp + offset,
 * or, in code with frame pointers, fp + offset.
 */
struct cfa_rule {
	bool from_fp;
	uint32_t offset;
	uint32_t return_below; /* the return address stands at CFA - return_below; 0: it is in the
				  link register */
};

/* The rule at the first instruction of every function of that ELF machine. */
struct cfa_rule functions_entry_rule(int machine);

/* The rule that .eh_frame gives for an instruction; false if there is none or it is not that
 * simple. */
bool functions_cfa_rule(struct functions *functions, uint64_t vaddr, struct cfa_rule *rule);

#endif
