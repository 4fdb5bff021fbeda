/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 gilscope contributors */
/* A map from a 64-bit key to an index, in constant time. A zeroed struct is an empty map. */
#ifndef GILSCOPE_ID_MAP_H
#define GILSCOPE_ID_MAP_H

#include <stddef.h>
#include <stdint.h>

#define ID_NONE UINT32_MAX

struct id_slot {
	uint64_t key;
	uint32_t value_plus_1; /* 0: the slot is free */
};

struct id_map {
	struct id_slot *slots;
	size_t cap; /* a power of two, or 0 */
	size_t count;
};

/* Two 32-bit numbers as one key. */
static inline uint64_t id_key(uint32_t high, uint32_t low)
{
	return (uint64_t)high << 32 | low;
}

/* The value of the key, or ID_NONE. */
uint32_t id_map_get(const struct id_map *map, uint64_t key);

/* Adds the key or replaces its value, which is below ID_NONE. */
void id_map_set(struct id_map *map, uint64_t key, uint32_t value);

/* Takes the key out, if it is there. */
void id_map_remove(struct id_map *map, uint64_t key);

void id_map_free(struct id_map *map);

#endif
