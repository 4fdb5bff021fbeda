/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 gilscope contributors */
/* References from code to code and to GOT slots: x86_64. */
#include <string.h>

#include "base/mem.h"
#include "probe/insn_private.h"

static const uint8_t endbr64[] = {0xf3, 0x0f, 0x1e, 0xfa};

/*
 * A reference ends in a 32-bit displacement from its end. Its kind by the byte before that, which
 * selects, and the one before, which for some decides; 0: none.
 */
static unsigned ref_kind(uint8_t before, uint8_t last)
{
	switch (last) {
	case 0xe8: /* call */
		return REF_CALL;
	case 0xe9: /* jmp */
		return REF_JUMP;
	case 0x80 ... 0x8f: /* 0f 8x: jcc */
		return before == 0x0f ? REF_JUMP : 0;
	case 0x15: /* ff 15: call *slot(%rip) */
		if (before == 0xff)
			return REF_CALL_SLOT;
		break;
	case 0x25: /* ff 25: jmp *slot(%rip) */
		if (before == 0xff)
			return REF_JUMP_SLOT;
		break;
	}
	/* 8b /r: mov slot(%rip), any register */
	return before == 0x8b && (last & 0xc7) == 0x05 ? REF_LOAD_SLOT : 0;
}

static bool in_targets(const struct function *targets, size_t count, uint64_t vaddr)
{
	size_t low = 0, high = count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (vaddr >= targets[middle].end)
			low = middle + 1;
		else
			high = middle;
	}
	return low < count && vaddr >= targets[low].start;
}

/* Whether the file maps something at an address that a reference of that kind can mean. */
static bool is_plausible(const struct elf_image *image, uint64_t target, unsigned kind)
{
	const struct elf_segment *segments;
	size_t count = elf_image_segments(image, &segments);

	for (size_t i = 0; i < count; i++) {
		if (target >= segments[i].vaddr && target - segments[i].vaddr < segments[i].memsz)
			return kind & REF_BRANCHES ? segments[i].executable : true;
	}
	return false;
}

static void index_segment(struct decoder *decoder, const uint8_t *code, size_t size, uint64_t vaddr)
{
	bool selects[256];

	for (unsigned i = 0; i < 256; i++)
		selects[i] = ref_kind(0x0f, (uint8_t)i) || ref_kind(0xff, (uint8_t)i) ||
			     ref_kind(0x8b, (uint8_t)i);
	for (size_t i = 2; i + 4 <= size; i++) {
		if (!selects[code[i - 1]])
			continue;
		unsigned kind = ref_kind(code[i - 2], code[i - 1]);
		if (!kind)
			continue;
		struct ref_entry entry = {.next = vaddr + i + 4, .kind = kind};
		memcpy(&entry.displacement, code + i, sizeof(entry.displacement));
		if (is_plausible(decoder->image, entry.next + (uint64_t)(int64_t)entry.displacement,
				 kind))
			*VEC_PUSH(&decoder->index) = entry;
	}
}

static void make_index(struct decoder *decoder)
{
	const struct elf_segment *segments;
	size_t count = elf_image_segments(decoder->image, &segments);

	for (size_t i = 0; i < count; i++) {
		size_t size;
		const uint8_t *code = decoder_code(decoder, segments[i].vaddr, &size);
		if (code)
			index_segment(decoder, code, size, segments[i].vaddr);
	}
}

/* Index of the first reference that ends behind an address. */
static size_t first_behind(const struct decoder *decoder, uint64_t vaddr)
{
	size_t low = 0, high = decoder->index.count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (decoder->index.items[middle].next <= vaddr)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

void code_points_add(struct code_points *points, uint64_t vaddr)
{
	size_t at = points->count;

	for (size_t i = 0; i < points->count; i++) {
		if (points->items[i].start == vaddr)
			return;
	}
	VEC_PUSH(points);
	for (; at > 0 && points->items[at - 1].start > vaddr; at--)
		points->items[at] = points->items[at - 1];
	points->items[at] = (struct function){.start = vaddr, .end = vaddr + 1};
}

void decoder_find_refs(struct decoder *decoder, const struct function *targets, size_t count,
		       unsigned kinds, const struct function *within, struct code_refs *refs)
{
	if (count == 0)
		return;
	if (decoder->index.count == 0)
		make_index(decoder);
	const uint64_t lowest = targets[0].start, span = targets[count - 1].end - lowest;
	size_t begin = within ? first_behind(decoder, within->start) : 0;
	size_t end = within ? first_behind(decoder, within->end) : decoder->index.count;
	for (size_t i = begin; i < end; i++) {
		const struct ref_entry *entry = &decoder->index.items[i];
		uint64_t target = entry->next + (uint64_t)(int64_t)entry->displacement;
		if (target - lowest >= span || !(entry->kind & kinds) ||
		    !in_targets(targets, count, target))
			continue;
		struct code_ref *ref = VEC_PUSH(refs);
		ref->kind = entry->kind;
		ref->target = target;
		ref->next = entry->next;
	}
}

void decoder_find_short_jumps(const struct decoder *decoder, const struct function *function,
			      struct code_refs *refs)
{
	for (uint64_t next = function->start - 128; next != function->start + 129; next++) {
		const uint8_t *p = elf_image_bytes(decoder->image, next - 2, 2);
		if (!p || (p[0] != 0xeb && (p[0] & 0xf0) != 0x70) ||
		    next + (uint64_t)(int64_t)(int8_t)p[1] != function->start ||
		    (next > function->start && next <= function->end))
			continue;
		struct code_ref *ref = VEC_PUSH(refs);
		ref->kind = REF_JUMP;
		ref->target = function->start;
		ref->next = next;
	}
}

void decoder_prove(struct decoder *decoder, const struct function *function, struct code_ref *refs,
		   size_t count)
{
	uint64_t vaddr = function->start;
	size_t size, i = 0;
	const uint8_t *code = decoder_code(decoder, vaddr, &size);

	if (!code)
		return;
	if (size > function->end - function->start)
		size = function->end - function->start;
	while (i < count) {
		uint64_t start = vaddr;
		if (!cs_disasm_iter(decoder->capstone, &code, &size, &vaddr, decoder->insn))
			return;
		for (; i < count && refs[i].next <= vaddr; i++) {
			refs[i].proof = refs[i].next == vaddr ? REF_PROVEN : REF_FALSE;
			refs[i].vaddr = start;
		}
	}
}

size_t decoder_stub_entries(const struct decoder *decoder, const struct code_ref *jump,
			    uint64_t entries[3])
{
	uint64_t at = jump->next - 6;
	size_t count = 0;

	entries[count++] = at;
	/* bnd jmp, of linkers that knew MPX */
	const uint8_t *p = elf_image_bytes(decoder->image, at - 1, 1);
	if (p && p[0] == 0xf2)
		entries[count++] = --at;
	p = elf_image_bytes(decoder->image, at - sizeof(endbr64), sizeof(endbr64));
	if (p && !memcmp(p, endbr64, sizeof(endbr64)))
		entries[count++] = at - sizeof(endbr64);
	return count;
}
