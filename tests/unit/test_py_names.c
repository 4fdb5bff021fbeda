/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 gilscope contributors */
/* Names read from memory that is no interpreter's: garbage, cycles, sizes without sense. Nothing but an
 * end without a crash is asked for; what is read is ourselves. */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/mem.h"
#include "target/py_names.h"
#include "target/py_objects.h"

#define WORDS 4096
#define SEEDS 60

static uint64_t next_random(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

/* Pointers into itself, small numbers and noise, so that reads lead on. */
static void fill(uint64_t *memory, uint64_t seed)
{
	uint64_t state = seed * 0x9e3779b97f4a7c15ULL + 1;

	for (size_t i = 0; i < WORDS; i++) {
		const uint64_t random = next_random(&state);

		switch (random % 8) {
		case 0:
			memory[i] = random;
			break;
		case 1:
			memory[i] = random >> 8 & 0xff;
			break;
		case 2:
			memory[i] = random >> 8 & 0xfffff;
			break;
		default:
			memory[i] = (uintptr_t)&memory[(random >> 8) % WORDS];
		}
	}
}

static struct target target_of(const uint64_t *memory, int minor)
{
	return (struct target){
		.pid = getpid(),
		.runtime = (uintptr_t)memory,
		.version = {.major = 3, .minor = minor},
		.off = {.runtime_interpreters_head = 32, .interp_next = 8, .pthread_tid = 0x2d0},
	};
}

static void check_name(void *ctx, pid_t tid, const char *name)
{
	(void)ctx;
	assert_true(tid > 0);
	assert_true(strlen(name) < PY_NAME_SIZE);
}

static uint64_t *garbage(uint64_t seed)
{
	uint64_t *memory = mmap(NULL, WORDS * sizeof(*memory), PROT_READ | PROT_WRITE,
				MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	assert_ptr_not_equal(memory, MAP_FAILED);
	fill(memory, seed);
	return memory;
}

static void look_at_garbage(void **state)
{
	(void)state;
	for (int minor = 8; minor <= 12; minor++) {
		for (uint64_t seed = 0; seed < SEEDS; seed++) {
			uint64_t *memory = garbage(seed);
			struct target target = target_of(memory, minor);
			struct py_names *names = py_names_new(&target);

			for (int i = 0; i < 2; i++)
				assert_true(py_names_read(names, check_name, NULL) >= 0);
			py_names_free(names);
			munmap(memory, WORDS * sizeof(*memory));
		}
	}
}

/* Every reader at every place. */
static void objects_of_garbage(void **state)
{
	uint64_t left = UINT64_MAX, type, *memory = garbage(7);
	struct py_objects o;
	struct py_entry entry;
	struct py_type class;
	struct py_dict dict;
	int64_t number;
	char text[40];

	(void)state;
	for (int minor = 8; minor <= 15; minor++) {
		struct target target = target_of(memory, minor);

		py_objects_init(&o, &target, &left);
		for (size_t i = 0; i < WORDS; i++) {
			const uint64_t at = (uintptr_t)&memory[i];

			py_int_read(&o, at, &number, &type);
			py_str_equals(&o, at, "_name");
			if (py_str_read(&o, at, text, sizeof(text), &type))
				assert_true(strlen(text) < sizeof(text));
			if (py_dict_find(&o, at, &dict) && py_dict_open(&o, &dict)) {
				free(py_dict_entries(&o, &dict));
				py_dict_entry(&o, &dict, 3, &entry);
			}
			if (py_type_read(&o, at, &class) &&
			    py_attributes_find(&o, at, &class, &dict) && py_dict_open(&o, &dict))
				free(py_dict_entries(&o, &dict));
		}
	}
	munmap(memory, WORDS * sizeof(*memory));
}

static void process_that_is_gone(void **state)
{
	uint64_t *memory = garbage(1);
	struct target target = target_of(memory, 11);
	struct py_names *names = py_names_new(&target);

	(void)state;
	munmap(memory, WORDS * sizeof(*memory));
	assert_true(py_names_read(names, check_name, NULL) < 0);
	py_names_free(names);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(look_at_garbage),
		cmocka_unit_test(objects_of_garbage),
		cmocka_unit_test(process_that_is_gone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
