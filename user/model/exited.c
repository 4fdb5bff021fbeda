/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 gilscope contributors */
#include "model/exited.h"

#include <stdlib.h>

#include "base/mem.h"

/* Whether `a` is folded before `b`: the one that says less, of equal ones the later. */
static bool is_less(const struct model_thread *a, const struct model_thread *b)
{
	const uint64_t busy_a = a->hold.total_ns + a->wait.total_ns;
	const uint64_t busy_b = b->hold.total_ns + b->wait.total_ns;

	return busy_a != busy_b ? busy_a < busy_b : a->number > b->number;
}

/* Puts an entry that is new at the end of the heap where it belongs. */
static void heap_push(struct exited *x, const struct model_thread *entry)
{
	VEC_PUSH(&x->kept);

	struct model_thread *heap = x->kept.items;
	size_t at = x->kept.count - 1;

	while (at > 0 && is_less(entry, &heap[(at - 1) / 2])) {
		heap[at] = heap[(at - 1) / 2];
		at = (at - 1) / 2;
	}
	heap[at] = *entry;
}

/* Puts an entry in place of the first one. */
static void heap_replace(struct exited *x, const struct model_thread *entry)
{
	struct model_thread *heap = x->kept.items;
	size_t at = 0;

	for (size_t child = 1; child < x->kept.count; child = 2 * at + 1) {
		if (child + 1 < x->kept.count && is_less(&heap[child + 1], &heap[child]))
			child++;
		if (!is_less(&heap[child], entry))
			break;
		heap[at] = heap[child];
		at = child;
	}
	heap[at] = *entry;
}

struct model_thread *exited_together(struct exited *x, uint32_t process, uint32_t gil)
{
	const uint64_t key = id_key(process, gil);
	uint32_t index = id_map_get(&x->index, key);

	if (index == ID_NONE) {
		struct model_thread *entry = VEC_PUSH(&x->folded);

		*entry = (struct model_thread){.process = process, .gil = gil, .exited = true};
		index = (uint32_t)(x->folded.count - 1);
		id_map_set(&x->index, key, index);
	}
	return &x->folded.items[index];
}

static void merge_times(struct model_times *into, const struct model_times *from)
{
	hist_merge(&into->hist, &from->hist);
	into->total_ns += from->total_ns;
	into->clipped += from->clipped;
	into->clipped_ns += from->clipped_ns;
}

void model_thread_add(struct model_thread *into, const struct model_thread *from)
{
	if (!into->together || from->from_ns < into->from_ns)
		into->from_ns = from->from_ns;
	into->together += from->together ? from->together : 1;
	into->observed_ns += from->observed_ns;
	into->off_gil_ns += from->off_gil_ns;
	into->handoff_ns += from->handoff_ns;
	into->unknown_ns += from->unknown_ns;
	into->others_ns += from->others_ns;
	into->blocked_ns += from->blocked_ns;
	into->forced_releases += from->forced_releases;
	into->voluntary_releases += from->voluntary_releases;
	merge_times(&into->hold, &from->hold);
	merge_times(&into->wait, &from->wait);
}

static void fold(struct exited *x, struct model_thread *entry)
{
	struct model_thread *into = exited_together(x, entry->process, entry->gil);

	model_thread_add(into, entry);
	model_thread_free(entry);
}

void exited_add(struct exited *x, const struct model_thread *entry)
{
	struct model_thread least = *entry;

	if (x->kept.count < x->max) {
		heap_push(x, entry);
		return;
	}
	if (is_less(&x->kept.items[0], entry)) {
		least = x->kept.items[0];
		heap_replace(x, entry);
	}
	fold(x, &least);
}

void model_thread_free(struct model_thread *entry)
{
	free(entry->name);
	hist_free(&entry->hold.hist);
	hist_free(&entry->wait.hist);
}

void exited_free(struct exited *x)
{
	for (size_t i = 0; i < x->kept.count; i++)
		model_thread_free(&x->kept.items[i]);
	for (size_t i = 0; i < x->folded.count; i++)
		model_thread_free(&x->folded.items[i]);
	free(x->kept.items);
	free(x->folded.items);
	id_map_free(&x->index);
	*x = (struct exited){0};
}
