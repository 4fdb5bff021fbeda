/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 gilscope contributors */
#include "model/threads.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

static uint32_t add_life(struct lives *lives, uint32_t process, uint32_t tid)
{
	struct life *life = VEC_PUSH(lives);
	uint32_t index = (uint32_t)(lives->count - 1);

	life->process = process;
	life->tid = tid;
	life->exit_ns = UINT64_MAX;
	life->entry = ID_NONE;
	id_map_set(&lives->index, id_key(process, tid), index);
	return index;
}

/* The latest life of a tid: records of an exited thread may come after its exit. */
static uint32_t life_index(struct lives *lives, uint32_t process, uint32_t tid)
{
	uint32_t index = id_map_get(&lives->index, id_key(process, tid));

	return index == ID_NONE ? add_life(lives, process, tid) : index;
}

static struct life *life_of(struct thread_table *t, const struct ev_thread *e)
{
	uint32_t index = life_index(&t->lives, e->head.process, e->tid);

	return &t->lives.items[index];
}

static void set_comm(struct life *life, const struct ev_thread *e)
{
	if (e->comm[0])
		memcpy(life->comm, e->comm, EV_COMM_LEN);
}

/*
 * A start is told before the thread runs, so a life that has not exited and holds or waited already
 * keeps its beginning: its exit was lost, and the two cannot be told apart.
 */
void threads_start(struct thread_table *t, const struct ev_thread *e)
{
	struct life *life = life_of(t, e);

	if (life->exit_ns != UINT64_MAX) {
		uint32_t index = add_life(&t->lives, e->head.process, e->tid);

		life = &t->lives.items[index];
	}
	if (life->entry == ID_NONE)
		life->from_ns = e->at_ns;
	set_comm(life, e);
}

void threads_exit(struct thread_table *t, const struct ev_thread *e)
{
	struct life *life = life_of(t, e);

	if (life->exit_ns == UINT64_MAX)
		life->exit_ns = e->at_ns;
	set_comm(life, e);
}

uint64_t threads_exit_ns(const struct thread_table *t, uint32_t process, uint32_t tid)
{
	uint32_t index = id_map_get(&t->lives.index, id_key(process, tid));

	return index == ID_NONE ? UINT64_MAX : t->lives.items[index].exit_ns;
}

void threads_name(struct thread_table *t, const struct ev_thread *e)
{
	set_comm(life_of(t, e), e);
}

static uint32_t add_entry(struct thread_table *t, uint32_t process, uint32_t tid, uint32_t gil_id)
{
	struct model_thread *entry = VEC_PUSH(t);

	entry->process = process;
	entry->tid = tid;
	entry->gil = gil_id;
	return (uint32_t)(t->count - 1);
}

struct model_thread *threads_entry(struct thread_table *t, uint32_t process, uint32_t tid,
				   uint32_t gil, uint32_t gil_id)
{
	uint32_t index = life_index(&t->lives, process, tid);
	struct life *life = &t->lives.items[index];

	if (life->entry == ID_NONE || life->gil != gil) {
		uint64_t key = id_key(index, gil);
		uint32_t entry = id_map_get(&t->index, key);

		if (entry == ID_NONE) {
			entry = add_entry(t, process, tid, gil_id);
			id_map_set(&t->index, key, entry);
		}
		life->entry = entry;
		life->gil = gil;
	}
	return &t->items[life->entry];
}

static void close_entry(struct model_thread *entry, const struct life *life, uint64_t start,
			uint64_t end)
{
	uint64_t to = life->exit_ns < end ? life->exit_ns : end;
	uint64_t busy = entry->hold.total_ns + entry->wait.total_ns;

	memcpy(entry->comm, life->comm, sizeof(entry->comm));
	entry->exited = life->exit_ns <= end;
	entry->from_ns = life->from_ns > start ? life->from_ns : start;
	entry->observed_ns = to > entry->from_ns ? to - entry->from_ns : 0;
	entry->off_gil_ns = entry->observed_ns > busy ? entry->observed_ns - busy : 0;
}

size_t threads_close(struct thread_table *t, uint64_t start, uint64_t end)
{
	size_t off_gil = 0;

	for (size_t i = 0; i < t->lives.count; i++) {
		const struct life *life = &t->lives.items[i];

		if (life->entry == ID_NONE && life->from_ns <= end && life->exit_ns >= start)
			off_gil++;
	}
	for (size_t i = 0; i < t->index.cap; i++) {
		const struct id_slot *slot = &t->index.slots[i];

		if (slot->value_plus_1)
			close_entry(&t->items[slot->value_plus_1 - 1],
				    &t->lives.items[slot->key >> 32], start, end);
	}
	return off_gil;
}

void threads_free(struct thread_table *t)
{
	for (size_t i = 0; i < t->count; i++) {
		hist_free(&t->items[i].hold.hist);
		hist_free(&t->items[i].wait.hist);
	}
	free(t->items);
	free(t->lives.items);
	id_map_free(&t->lives.index);
	id_map_free(&t->index);
	*t = (struct thread_table){0};
}
