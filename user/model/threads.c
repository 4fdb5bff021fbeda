/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 gilscope contributors */
#include "model/threads.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

void threads_init(struct thread_table *t, const struct model_options *options)
{
	*t = (struct thread_table){.stop_ns = UINT64_MAX};
	t->lives.free = t->entries.free = ID_NONE;
	t->recent.cap = options->max_recent ? options->max_recent : MODEL_MAX_RECENT;
	t->exited.max = options->max_exited ? options->max_exited : MODEL_MAX_EXITED;
}

static uint32_t add_life(struct thread_table *t, uint32_t process, uint32_t tid)
{
	uint32_t index = t->lives.free;

	if (index == ID_NONE) {
		VEC_PUSH(&t->lives);
		index = (uint32_t)(t->lives.count - 1);
	} else {
		t->lives.free = t->lives.items[index].next;
	}
	t->lives.items[index] = (struct life){
		.used = true,
		.process = process,
		.tid = tid,
		.exit_ns = UINT64_MAX,
		.entries = ID_NONE,
		.entry = ID_NONE,
	};
	id_map_set(&t->lives.index, id_key(process, tid), index);
	return index;
}

/* The latest life of a tid: records of an exited thread may come after its exit. */
static uint32_t life_index(struct thread_table *t, uint32_t process, uint32_t tid)
{
	uint32_t index = id_map_get(&t->lives.index, id_key(process, tid));

	return index == ID_NONE ? add_life(t, process, tid) : index;
}

/* Valid until a life is added. */
static struct life *life_of(struct thread_table *t, uint32_t process, uint32_t tid)
{
	const uint32_t index = life_index(t, process, tid);

	return &t->lives.items[index];
}

static void set_comm(struct thread_table *t, struct life *life, const struct ev_thread *e)
{
	if (!e->comm[0])
		return;
	memcpy(life->comm, e->comm, EV_COMM_LEN);
	if (t->main_tid && life->tid == t->main_tid)
		memcpy(t->main_comm, e->comm, EV_COMM_LEN);
}

/*
 * A start is told before the thread runs, so a life that has not exited and holds or waited already
 * keeps its beginning: its exit was lost, and the two cannot be told apart.
 */
void threads_start(struct thread_table *t, const struct ev_thread *e)
{
	uint32_t index = life_index(t, e->head.process, e->tid);

	if (t->lives.items[index].exit_ns != UINT64_MAX)
		index = add_life(t, e->head.process, e->tid);

	struct life *life = &t->lives.items[index];

	if (life->entries == ID_NONE)
		life->from_ns = e->at_ns;
	set_comm(t, life, e);
}

static void close_entry(struct model_thread *entry, const struct life *life,
			const struct thread_table *t)
{
	uint64_t to = life->exit_ns < t->stop_ns ? life->exit_ns : t->stop_ns;
	uint64_t busy = entry->hold.total_ns + entry->wait.total_ns;

	memcpy(entry->comm, life->comm, sizeof(entry->comm));
	entry->name = life->name ? xstrdup(life->name) : NULL;
	entry->exited = life->exit_ns <= t->stop_ns;
	entry->from_ns = life->from_ns > t->start_ns ? life->from_ns : t->start_ns;
	entry->observed_ns = to > entry->from_ns ? to - entry->from_ns : 0;
	entry->off_gil_ns = entry->observed_ns > busy ? entry->observed_ns - busy : 0;
}

/* Closes the entries of a life; they go to `exited`, or to those that are closed. */
static void close_life(struct thread_table *t, const struct life *life)
{
	uint32_t next = life->entries;

	while (next != ID_NONE) {
		struct entry *entry = &t->entries.items[next];
		const uint32_t index = next;

		close_entry(&entry->thread, life, t);
		if (entry->thread.exited)
			exited_add(&t->exited, &entry->thread);
		else
			*VEC_PUSH(&t->closed) = entry->thread;
		entry->thread.number = UINT64_MAX;
		next = entry->next;
		entry->next = t->entries.free;
		t->entries.free = index;
	}
	if (life->entries != ID_NONE)
		t->on_gil++;
	else if (life->from_ns <= t->stop_ns && life->exit_ns >= t->start_ns)
		t->off_gil++;
}

static void forget(struct thread_table *t, uint32_t index)
{
	struct life *life = &t->lives.items[index];
	const uint64_t key = id_key(life->process, life->tid);

	close_life(t, life);
	if (id_map_get(&t->lives.index, key) == index)
		id_map_remove(&t->lives.index, key);
	free(life->name);
	life->name = NULL;
	life->used = false;
	life->next = t->lives.free;
	t->lives.free = index;
}

/* A life that is over is forgotten when so many others are over since. */
static void remember(struct thread_table *t, uint32_t index)
{
	if (!t->recent.items)
		t->recent.items = xcalloc(t->recent.cap, sizeof(*t->recent.items));
	if (t->recent.count == t->recent.cap) {
		forget(t, t->recent.items[t->recent.begin]);
		t->recent.begin = (t->recent.begin + 1) % t->recent.cap;
		t->recent.count--;
	}
	t->recent.items[(t->recent.begin + t->recent.count++) % t->recent.cap] = index;
}

/*
 * Those that were there at the start stay: one that was killed with a GIL which it held already then
 * is named by no record but that GIL's last one. After the stop all stay: there, nothing lasts long.
 */
void threads_exit(struct thread_table *t, const struct ev_thread *e)
{
	const uint32_t index = life_index(t, e->head.process, e->tid);
	struct life *life = &t->lives.items[index];

	set_comm(t, life, e);
	if (life->exit_ns != UINT64_MAX)
		return;
	life->exit_ns = e->at_ns < UINT64_MAX ? e->at_ns : UINT64_MAX - 1;
	if (!life->from_start && t->stop_ns == UINT64_MAX)
		remember(t, index);
}

uint64_t threads_exit_ns(const struct thread_table *t, uint32_t process, uint32_t tid)
{
	uint32_t index = id_map_get(&t->lives.index, id_key(process, tid));

	return index == ID_NONE ? UINT64_MAX : t->lives.items[index].exit_ns;
}

void threads_name(struct thread_table *t, const struct ev_thread *e)
{
	struct life *life = life_of(t, e->head.process, e->tid);

	if (!life->from_ns)
		life->from_start = true;
	set_comm(t, life, e);
}

/* It was read from at_ns on: a life that was over by then had another. */
bool threads_python_name(struct thread_table *t, const struct ev_python_name *e)
{
	const uint32_t index = id_map_get(&t->lives.index, id_key(e->head.process, e->tid));

	if (!memchr(e->name, '\0', sizeof(e->name)))
		return false;
	if (index == ID_NONE || t->lives.items[index].exit_ns < e->at_ns || !e->name[0])
		return true;
	free(t->lives.items[index].name);
	t->lives.items[index].name = xstrdup(e->name);
	return true;
}

static uint32_t add_entry(struct thread_table *t, struct life *life, uint32_t gil, uint32_t gil_id)
{
	uint32_t index = t->entries.free;

	if (index == ID_NONE) {
		VEC_PUSH(&t->entries);
		index = (uint32_t)(t->entries.count - 1);
	} else {
		t->entries.free = t->entries.items[index].next;
	}
	t->entries.items[index] = (struct entry){
		.thread = {.number = t->entries_made++,
			   .process = life->process,
			   .tid = life->tid,
			   .gil = gil_id},
		.gil = gil,
		.next = life->entries,
	};
	life->entries = index;
	return index;
}

/* A thread uses one GIL, or a few: the list is short. */
static uint32_t find_entry(const struct thread_table *t, const struct life *life, uint32_t gil)
{
	uint32_t index = life->entries;

	while (index != ID_NONE && t->entries.items[index].gil != gil)
		index = t->entries.items[index].next;
	return index;
}

struct model_thread *threads_entry(struct thread_table *t, uint32_t process, uint32_t tid,
				   uint32_t gil, uint32_t gil_id)
{
	struct life *life = life_of(t, process, tid);

	if (life->entry == ID_NONE || t->entries.items[life->entry].gil != gil) {
		life->entry = find_entry(t, life, gil);
		if (life->entry == ID_NONE)
			life->entry = add_entry(t, life, gil, gil_id);
	}
	return &t->entries.items[life->entry].thread;
}

struct thread_ref threads_ref(const struct thread_table *t, const struct model_thread *entry)
{
	const struct entry *of = (const struct entry *)entry; /* its first member */

	return (struct thread_ref){.index = (uint32_t)(of - t->entries.items),
				   .number = (uint32_t)entry->number};
}

struct model_thread *threads_by_ref(struct thread_table *t, struct thread_ref ref)
{
	if (ref.index >= t->entries.count)
		return NULL;
	struct model_thread *entry = &t->entries.items[ref.index].thread;
	return (uint32_t)entry->number == ref.number ? entry : NULL;
}

static int compare_numbers(const void *a, const void *b)
{
	const struct model_thread *x = a, *y = b;

	return (x->number > y->number) - (x->number < y->number);
}

static int compare_gils(const void *a, const void *b)
{
	const struct model_thread *x = a, *y = b;

	return (x->gil > y->gil) - (x->gil < y->gil);
}

static void close_lives(struct thread_table *t)
{
	for (size_t i = 0; i < t->lives.count; i++)
		if (t->lives.items[i].used)
			forget(t, (uint32_t)i);
	for (size_t i = 0; i < t->exited.kept.count; i++)
		*VEC_PUSH(&t->closed) = t->exited.kept.items[i];
	t->exited.kept.count = 0;
	VEC_TRIM(&t->exited.kept);
	VEC_TRIM(&t->closed);
}

/* What is needed as long as records come. */
static void free_lives(struct thread_table *t)
{
	for (size_t i = 0; i < t->lives.count; i++)
		free(t->lives.items[i].name);
	free(t->lives.items);
	free(t->entries.items);
	free(t->recent.items);
	id_map_free(&t->lives.index);
	t->lives.items = NULL;
	t->entries.items = NULL;
	t->recent.items = NULL;
	t->lives.count = t->entries.count = t->recent.count = 0;
}

void threads_close(struct thread_table *t, struct model_result *result)
{
	close_lives(t);
	free_lives(t);
	if (t->closed.count)
		qsort(t->closed.items, t->closed.count, sizeof(*t->closed.items), compare_numbers);
	if (t->exited.folded.count)
		qsort(t->exited.folded.items, t->exited.folded.count,
		      sizeof(*t->exited.folded.items), compare_gils);
	result->threads = t->closed.items;
	result->thread_count = t->closed.count;
	result->exited = t->exited.folded.items;
	result->exited_count = t->exited.folded.count;
	memcpy(result->comm, t->main_comm, sizeof(result->comm));
	result->threads_on_gil = t->on_gil;
	result->threads_off_gil = t->off_gil;
}

void threads_free(struct thread_table *t)
{
	for (size_t i = 0; i < t->lives.count; i++) {
		const struct life *life = &t->lives.items[i];
		uint32_t next = life->used ? life->entries : ID_NONE;

		for (; next != ID_NONE; next = t->entries.items[next].next)
			model_thread_free(&t->entries.items[next].thread);
	}
	free_lives(t);
	for (size_t i = 0; i < t->closed.count; i++)
		model_thread_free(&t->closed.items[i]);
	free(t->closed.items);
	exited_free(&t->exited);
	*t = (struct thread_table){0};
}
