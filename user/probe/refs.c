/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 gilscope contributors */
/* References from code to code and to GOT slots: the index of a file, and the search in it. */
#include "base/mem.h"
#include "probe/insn_private.h"

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

void decoder_index_ref(struct decoder *decoder, uint64_t next, uint64_t target, enum ref_kind kind)
{
	int64_t displacement = (int64_t)(target - next);

	if (displacement == (int32_t)displacement && is_plausible(decoder->image, target, kind))
		*VEC_PUSH(&decoder->index) = (struct ref_entry){
			.next = next, .displacement = (int32_t)displacement, .kind = kind};
}

static void make_index(struct decoder *decoder)
{
	const struct elf_segment *segments;
	size_t count = elf_image_segments(decoder->image, &segments);

	for (size_t i = 0; i < count; i++) {
		size_t size;
		const uint8_t *code = decoder_code(decoder, segments[i].vaddr, &size);
		if (code)
			decoder->machine->index(decoder, code, size, segments[i].vaddr);
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
	if (decoder->machine->find_short_jumps)
		decoder->machine->find_short_jumps(decoder, function, refs);
}

void decoder_prove(struct decoder *decoder, const struct function *function, struct code_ref *refs,
		   size_t count)
{
	decoder->machine->prove(decoder, function, refs, count);
}

size_t decoder_stub_entries(const struct decoder *decoder, const struct code_ref *jump,
			    uint64_t entries[3])
{
	return decoder->machine->stub_entries(decoder, jump, entries);
}
