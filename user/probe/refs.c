/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 gilscope contributors */
/* References from code to code and to GOT slots: the index of a file, and the search in it. */
#include <stdlib.h>

#include "base/mem.h"
#include "probe/insn_private.h"

/*
 * The targets of a search. Nearly all references lead elsewhere, which `near` tells at once: a bit
 * for each part of the range from the first target to the last, set if a target is in it.
 */
#define NEAR_BITS 8192
struct targets {
	const struct function *items; /* sorted, disjoint */
	size_t count;
	uint64_t lowest, span;
	unsigned shift; /* a part has 1 << shift bytes */
	uint64_t near[NEAR_BITS / 64];
};

static void targets_init(struct targets *targets, const struct function *items, size_t count)
{
	*targets = (struct targets){.items = items,
				    .count = count,
				    .lowest = items[0].start,
				    .span = items[count - 1].end - items[0].start};
	while (targets->span >> targets->shift >= NEAR_BITS)
		targets->shift++;
	for (size_t i = 0; i < count; i++) {
		const uint64_t begin = items[i].start - targets->lowest;
		/* A broken file's functions may overlap. */
		const uint64_t end = items[i].end - targets->lowest < targets->span
					     ? items[i].end - targets->lowest
					     : targets->span;

		for (uint64_t at = begin >> targets->shift; at << targets->shift < end; at++)
			targets->near[at / 64] |= 1ULL << at % 64;
	}
}

static bool in_targets(const struct targets *targets, uint64_t vaddr)
{
	const uint64_t part = (vaddr - targets->lowest) >> targets->shift;
	size_t low = 0, high = targets->count;

	if (vaddr - targets->lowest >= targets->span ||
	    !(targets->near[part / 64] >> part % 64 & 1))
		return false;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (vaddr >= targets->items[middle].end)
			low = middle + 1;
		else
			high = middle;
	}
	return low < targets->count && vaddr >= targets->items[low].start;
}

/* Whether the file maps something at an address that a reference of that kind can mean. */
static bool is_plausible(const struct decoder *decoder, uint64_t target, unsigned kind)
{
	for (size_t i = 0; i < decoder->segment_count; i++) {
		const struct elf_segment *s = &decoder->segments[i];

		if (target - s->vaddr < s->memsz)
			return kind & REF_BRANCHES ? s->executable : true;
	}
	return false;
}

void decoder_index_ref(struct decoder *decoder, uint64_t next, uint64_t target, enum ref_kind kind)
{
	const int64_t displacement = (int64_t)(target - next);
	struct ref_index *index = &decoder->index[__builtin_ctz(kind)];

	if (displacement == (int32_t)displacement && is_plausible(decoder, target, kind))
		*VEC_PUSH(index) =
			(struct ref_entry){.next = (uint32_t)(next - decoder->code_begin),
					   .displacement = (int32_t)displacement};
}

static void make_index(struct decoder *decoder)
{
	decoder->indexed = true;
	for (size_t i = 0; i < decoder->segment_count; i++) {
		const uint64_t vaddr = decoder->segments[i].vaddr;
		size_t size;
		const uint8_t *code = decoder_code(decoder, vaddr, &size);

		if (code)
			decoder->machine->index(decoder, code, size, vaddr);
	}
	/* Of megabytes of code few pages are looked at from here on. */
	elf_image_rest(decoder->image);
}

/* Index of the first reference that ends behind an address. */
static size_t first_behind(const struct decoder *decoder, const struct ref_index *index,
			   uint64_t vaddr)
{
	size_t low = 0, high = index->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (decoder->code_begin + index->items[middle].next <= vaddr)
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

static int by_next(const void *a, const void *b)
{
	const struct code_ref *x = a, *y = b;

	return x->next < y->next ? -1 : x->next > y->next;
}

/* Those of one kind; see decoder_find_refs. */
static void find_kind(const struct decoder *decoder, const struct targets *targets,
		      enum ref_kind kind, const struct function *within, struct code_refs *refs)
{
	const struct ref_index *index = &decoder->index[__builtin_ctz(kind)];
	const size_t begin = within ? first_behind(decoder, index, within->start) : 0;
	const size_t end = within ? first_behind(decoder, index, within->end) : index->count;

	for (size_t i = begin; i < end; i++) {
		const struct ref_entry *entry = &index->items[i];
		const uint64_t next = decoder->code_begin + entry->next;
		const uint64_t target = next + (uint64_t)(int64_t)entry->displacement;

		if (!in_targets(targets, target))
			continue;
		struct code_ref *ref = VEC_PUSH(refs);
		ref->kind = kind;
		ref->target = target;
		ref->next = next;
	}
}

void decoder_find_refs(struct decoder *decoder, const struct function *targets, size_t count,
		       unsigned kinds, const struct function *within, struct code_refs *refs)
{
	const size_t before = refs->count;
	struct targets search;

	if (count == 0)
		return;
	targets_init(&search, targets, count);
	if (!decoder->indexed)
		make_index(decoder);
	for (unsigned i = 0; i < REF_KINDS; i++)
		if (kinds & 1u << i)
			find_kind(decoder, &search, 1u << i, within, refs);
	if (refs->count > before)
		qsort(refs->items + before, refs->count - before, sizeof(*refs->items), by_next);
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
