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
 * CFA offset at an instruction: the return address of the function stands at sp + offset - 8, where
 * sp is the stack pointer before the instruction executes. False if .eh_frame does not say it as
 * the stack pointer plus a constant there.
 */
bool functions_cfa_offset(struct functions *functions, uint64_t vaddr, uint32_t *offset);

#endif
