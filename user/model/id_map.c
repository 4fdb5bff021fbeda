/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 gilscope contributors */
#include "model/id_map.h"

#include <stdlib.h>

#include "base/mem.h"

#define MIN_CAP 64

/*
 * The slot that has the key, or the free one where it belongs: linear probing from the upper bits
 * of a multiplicative (Fibonacci) hash.
 */
static struct id_slot *slot_of(const struct id_map *map, uint64_t key)
{
	size_t i = (size_t)((key * 0x9e3779b97f4a7c15ULL) >> 32) & (map->cap - 1);

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

void id_map_free(struct id_map *map)
{
	free(map->slots);
	*map = (struct id_map){0};
}
