/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 gilscope contributors */
/*
 * The encoding of the few A64 instructions that matter here (Arm Architecture Reference Manual for
 * A-profile, chapter C4 "A64 Instruction Set Encoding"). Each one is a little-endian word, aligned
 * to 4 bytes.
 */
#ifndef GILSCOPE_A64_H
#define GILSCOPE_A64_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#define A64_LENGTH 4
#define A64_FP 29
#define A64_LR 30
#define A64_SP 31

static inline uint32_t a64_word(const uint8_t *code)
{
	uint32_t word;

	memcpy(&word, code, sizeof(word));
	return word;
}

static inline uint32_t a64_bits(uint32_t word, unsigned high, unsigned low)
{
	return (word >> low) & ((UINT32_C(2) << (high - low)) - 1);
}

static inline int64_t a64_signed(uint32_t word, unsigned high, unsigned low)
{
	const unsigned unused = 63 - (high - low);

	return (int64_t)((uint64_t)a64_bits(word, high, low) << unused) >> unused;
}

/* The register fields: destination (or first), base (or source), second of a pair. */
static inline unsigned a64_rd(uint32_t word)
{
	return a64_bits(word, 4, 0);
}

static inline unsigned a64_rn(uint32_t word)
{
	return a64_bits(word, 9, 5);
}

static inline unsigned a64_rt2(uint32_t word)
{
	return a64_bits(word, 14, 10);
}

static inline bool a64_is_b(uint32_t word)
{
	return (word & 0xfc000000) == 0x14000000;
}

static inline bool a64_is_bl(uint32_t word)
{
	return (word & 0xfc000000) == 0x94000000;
}

/* cbz, cbnz */
static inline bool a64_is_cbz(uint32_t word)
{
	return (word & 0x7e000000) == 0x34000000;
}

/* tbz, tbnz */
static inline bool a64_is_tbz(uint32_t word)
{
	return (word & 0x7e000000) == 0x36000000;
}

/* b.cond; bc.cond has bit 4 set. */
static inline bool a64_is_b_cond(uint32_t word)
{
	return (word & 0xff000000) == 0x54000000;
}

static inline bool a64_is_conditional(uint32_t word)
{
	return a64_is_b_cond(word) || a64_is_cbz(word) || a64_is_tbz(word);
}

/* br and, of pointer authentication, braa, brab, braaz, brabz */
static inline bool a64_is_br(uint32_t word)
{
	return (word & 0xfffffc1f) == 0xd61f0000 || (word & 0xfefff800) == 0xd61f0800;
}

static inline bool a64_is_blr(uint32_t word)
{
	return (word & 0xfffffc1f) == 0xd63f0000 || (word & 0xfefff800) == 0xd63f0800;
}

static inline bool a64_is_call(uint32_t word)
{
	return a64_is_bl(word) || a64_is_blr(word);
}

/* ret, retaa, retab; brk, hlt and udf */
static inline bool a64_is_end(uint32_t word)
{
	return (word & 0xfffffc1f) == 0xd65f0000 || (word & 0xfffffbff) == 0xd65f0bff ||
	       (word & 0xffe0001f) == 0xd4200000 || (word & 0xffe0001f) == 0xd4400000 ||
	       (word & 0xffff0000) == 0;
}

/* Target of a direct branch or call; 0 if it is none. */
static inline uint64_t a64_target(uint32_t word, uint64_t vaddr)
{
	if (a64_is_b(word) || a64_is_bl(word))
		return vaddr + (uint64_t)(a64_signed(word, 25, 0) * 4);
	if (a64_is_b_cond(word) || a64_is_cbz(word))
		return vaddr + (uint64_t)(a64_signed(word, 23, 5) * 4);
	if (a64_is_tbz(word))
		return vaddr + (uint64_t)(a64_signed(word, 18, 5) * 4);
	return 0;
}

/* bti of any kind, of which `bti c` begins functions and PLT stubs */
static inline bool a64_is_bti(uint32_t word)
{
	return (word & 0xffffff3f) == 0xd503241f;
}

static inline bool a64_is_adrp(uint32_t word)
{
	return (word & 0x9f000000) == 0x90000000;
}

static inline bool a64_is_adr(uint32_t word)
{
	return (word & 0x9f000000) == 0x10000000;
}

/* What adr and adrp compute. */
static inline uint64_t a64_adr_value(uint32_t word, uint64_t vaddr)
{
	int64_t value = a64_signed(word, 23, 5) * 4 + a64_bits(word, 30, 29);

	if (a64_is_adrp(word))
		return (vaddr & ~UINT64_C(0xfff)) + (uint64_t)value * 0x1000;
	return vaddr + (uint64_t)value;
}

/* add and sub of an immediate, 64 bits, without flags */
static inline bool a64_is_add_sub(uint32_t word)
{
	return (word & 0xbf800000) == 0x91000000;
}

/* What is added; negative for sub. */
static inline int64_t a64_added(uint32_t word)
{
	int64_t value = (int64_t)a64_bits(word, 21, 10) << (a64_bits(word, 22, 22) ? 12 : 0);

	return a64_bits(word, 30, 30) ? -value : value;
}

/* ldr of 64 bits from a register and an immediate that is not negative */
static inline bool a64_is_ldr(uint32_t word)
{
	return (word & 0xffc00000) == 0xf9400000;
}

static inline uint32_t a64_ldr_offset(uint32_t word)
{
	return a64_bits(word, 21, 10) * 8;
}

static inline bool a64_is_load_store(uint32_t word)
{
	return (word & 0x0a000000) == 0x08000000;
}

/* ldp, stp and their like, also of vector registers */
static inline bool a64_is_pair(uint32_t word)
{
	return (word & 0x3a000000) == 0x28000000;
}

/* Loads and stores of one register that also change the base by an immediate of 9 bits. */
static inline bool a64_is_indexed(uint32_t word)
{
	return (word & 0x3b200400) == 0x38000400;
}

/* The general registers that an instruction may write, but for those that a call leaves different:
 * one bit each. The stack pointer is not among them. */
static inline uint32_t a64_written(uint32_t word)
{
	const uint32_t rd = UINT32_C(1) << a64_rd(word), rn = UINT32_C(1) << a64_rn(word);
	const bool vector = a64_bits(word, 26, 26);
	uint32_t written = 0;

	if (a64_is_pair(word)) {
		if (a64_bits(word, 22, 22) && !vector)
			written = rd | UINT32_C(1) << a64_rt2(word);
		written |= a64_bits(word, 23, 23) ? rn : 0;
	} else if (a64_is_load_store(word)) {
		const bool store = a64_bits(word, 23, 22) == 0 || vector;
		if ((word & 0x3b000000) == 0x39000000 || (word & 0x3b200c00) == 0x38200800 ||
		    (word & 0x3b200000) == 0x38000000)
			written = (store ? 0 : rd) | (a64_is_indexed(word) ? rn : 0);
		else if ((word & 0x3b000000) == 0x18000000)
			written = vector ? 0 : rd;
		else /* atomic, exclusive and rarer ones, whose kinds are not told apart */
			written = rd | rn | UINT32_C(1) << a64_rt2(word) |
				  UINT32_C(1) << a64_bits(word, 20, 16);
	} else if ((word & 0x1c000000) == 0x14000000) {
		written = (word & 0xfff00000) == 0xd5300000 ? rd : 0; /* branches; mrs */
	} else if ((word & 0x0e000000) == 0x0e000000) {
		if ((word & 0x7f20fc00) == 0x1e200000 || (word & 0xbfe0ec00) == 0x0e002c00)
			written = rd; /* from a vector register */
	} else {
		written = rd;
	}
	return written & ~(UINT32_C(1) << A64_SP);
}

#endif
