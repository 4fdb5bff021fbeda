/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 gilscope contributors */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/id_map.h"

#define KEYS 400
#define STEPS 200000

static uint64_t next_random(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state >> 11;
}

/* Keys of which many begin their search at the same slots: the hash takes the upper bits. */
static uint64_t key_of(uint64_t number)
{
	return number % 2 ? number : number << 40;
}

static void check_all(const struct id_map *map, const uint32_t *values)
{
	size_t count = 0;

	for (uint64_t i = 0; i < KEYS; i++) {
		assert_int_equal(id_map_get(map, key_of(i)), values[i]);
		count += values[i] != ID_NONE;
	}
	assert_int_equal(map->count, count);
}

static void keys_come_and_go(void **state)
{
	uint32_t values[KEYS];
	struct id_map map = {0};
	uint64_t random = 88172645463325252ULL;

	(void)state;
	memset(values, 0xff, sizeof(values));
	for (uint32_t step = 0; step < STEPS; step++) {
		const uint64_t i = next_random(&random) % KEYS;

		if (next_random(&random) % 2) {
			id_map_set(&map, key_of(i), step);
			values[i] = step;
		} else {
			id_map_remove(&map, key_of(i));
			values[i] = ID_NONE;
		}
		if (step % 100 == 0)
			check_all(&map, values);
	}
	check_all(&map, values);
	/* It has room for those that were in it at a time, not for all that ever were. */
	assert_true(map.cap <= 4 * KEYS);
	id_map_free(&map);
}

static void nothing_to_remove(void **state)
{
	struct id_map map = {0};

	(void)state;
	id_map_remove(&map, 1);
	id_map_set(&map, 0, 0);
	id_map_remove(&map, 1);
	assert_int_equal(id_map_get(&map, 0), 0);
	id_map_remove(&map, 0);
	id_map_remove(&map, 0);
	assert_int_equal(id_map_get(&map, 0), ID_NONE);
	assert_int_equal(map.count, 0);
	id_map_free(&map);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(keys_come_and_go),
		cmocka_unit_test(nothing_to_remove),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
