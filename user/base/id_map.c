/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 gilscope contributors */
#include "base/id_map.h"

#include <stdlib.h>

#include "base/mem.h"

#define MIN_CAP 64

/* Where the search for a key begins: the upper bits of a multiplicative (Fibonacci) hash. */
static size_t first_slot(const struct id_map *map, uint64_t key)
{
	return (size_t)((key * 0x9e3779b97f4a7c15ULL) >> 32) & (map->cap - 1);
}

/* The slot that has the key, or the free one where it belongs, by linear probing. */
static struct id_slot *slot_of(const struct id_map *map, uint64_t key)
{
	size_t i = first_slot(map, key);

	while (map->slots[i].value_plus_1 && map->slots[i].key != key)
		i = (i + 1) & (map->cap - 1);
	return &map->slots[i];
}

/* At most half of the slots are in use, so that a search soon meets a free one. */
static void grow(struct id_map *map)
{
	struct id_map bigger = {.cap = map->cap ? map->cap * 2 : MIN_CAP, .count = map->count};

	bigger.slots = xcalloc(bigger.cap, sizeof(*bigger.slots));
	for (size_t i = 0; i < map->cap; i++) {
		if (map->slots[i].value_plus_1)
			*slot_of(&bigger, map->slots[i].key) = map->slots[i];
	}
	free(map->slots);
	*map = bigger;
}

uint32_t id_map_get(const struct id_map *map, uint64_t key)
{
	if (!map->cap)
		return ID_NONE;
	return slot_of(map, key)->value_plus_1 - 1;
}

void id_map_set(struct id_map *map, uint64_t key, uint32_t value)
{
	if (map->count * 2 >= map->cap)
		grow(map);

	struct id_slot *slot = slot_of(map, key);

	if (!slot->value_plus_1)
		map->count++;
	*slot = (struct id_slot){.key = key, .value_plus_1 = value + 1};
}

/*
 * A search ends at the first free slot, so the gap is closed: what comes after it, up to the next
 * free slot, moves into it unless its search begins behind it.
 */
void id_map_remove(struct id_map *map, uint64_t key)
{
	if (id_map_get(map, key) == ID_NONE)
		return;

	const size_t mask = map->cap - 1;
	size_t gap = (size_t)(slot_of(map, key) - map->slots);

	for (size_t i = (gap + 1) & mask; map->slots[i].value_plus_1; i = (i + 1) & mask) {
		const size_t first = first_slot(map, map->slots[i].key);

		if (((i - first) & mask) < ((i - gap) & mask))
			continue;
		map->slots[gap] = map->slots[i];
		gap = i;
	}
	map->slots[gap].value_plus_1 = 0;
	map->count--;
}

void id_map_free(struct id_map *map)
{
	free(map->slots);
	*map = (struct id_map){0};
}
