/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 gilscope contributors */
/* The same, where the memory is not what it should be: freed, replaced, garbage, gone. */
#define _GNU_SOURCE
#include <pthread.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include "fake_code.h"

/* Freed memory looks as before, but for the first words. */
static void freed_objects_are_stale(void **state)
{
	struct fake *fake = *state;
	uint64_t *const heads[] = {&fake->code.count, &fake->file.count, &fake->qualname.count,
				   &fake->table.count};
	static const uint64_t freed[] = {0, 0x7f1234567890, 0x5551234567a0};
	static const uint64_t alive[] = {1, 0xffffffff, 0xc0000000, 5ULL << 48 | 3ULL << 30};

	for (size_t i = 0; i < ARRAY_SIZE(heads); i++) {
		const uint64_t before[] = {heads[i][0], heads[i][1]};
		for (size_t j = 0; j < ARRAY_SIZE(freed); j++) {
			heads[i][0] = freed[j];
			assert_int_equal(resolve(fake), PY_STALE);
		}
		heads[i][0] = before[0];
		heads[i][1] = OTHER_TYPE;
		assert_int_equal(resolve(fake), PY_STALE);
		heads[i][1] = before[1];
		for (size_t j = 0; j < ARRAY_SIZE(alive); j++) {
			heads[i][0] = alive[j];
			forget(fake);
			assert_int_equal(resolve(fake), PY_RESOLVED);
		}
		forget(fake);
		heads[i][0] = before[0];
	}
}

static void what_is_not_mapped_is_stale(void **state)
{
	struct fake *fake = *state;
	static const size_t pointers[] = {OFF_FILE, OFF_QUALNAME, OFF_LINES};

	for (size_t i = 0; i < ARRAY_SIZE(pointers); i++) {
		uint64_t before;

		memcpy(&before, (uint8_t *)&fake->code + pointers[i], sizeof(before));
		for (int j = 0; j < 3; j++) {
			set(fake, pointers[i], (const uint64_t[]){0, UNMAPPED, ~7ULL}[j]);
			see(fake);
			assert_int_equal(resolve(fake), PY_STALE);
		}
		set(fake, pointers[i], before);
		see(fake);
	}
	fake->frame.code = UNMAPPED;
	assert_int_equal(resolve(fake), PY_STALE);
	fake->frame.fingerprint = 0;
	assert_int_equal(resolve(fake), PY_UNREADABLE);
}

static void lengths_of_garbage(void **state)
{
	struct fake *fake = *state;
	static const uint64_t lengths[] = {1 << 20, 1ULL << 31, 1ULL << 62, UINT64_MAX,
					   UINT64_MAX - 31};

	for (size_t i = 0; i < ARRAY_SIZE(lengths); i++) {
		fake->qualname.length = lengths[i];
		forget(fake);
		assert_int_equal(resolve(fake), PY_RESOLVED);
		assert_int_equal(strlen(fake->at.function), PY_NAME_SIZE - 1);
	}
	/* As long as the memory that there is, and longer than what is read of it. */
	fake->file.state = STATE(4, 1, 0);
	fake->file.length = sizeof(fake->file.chars) / 4 - 4;
	memset(fake->file.chars, 0, sizeof(fake->file.chars));
	forget(fake);
	assert_int_equal(resolve(fake), PY_RESOLVED);
	assert_int_equal(strlen(fake->at.file), PY_NAME_SIZE - 1);
	make_text(&fake->file, "shop.py");
	fake->qualname.length = 3;
	for (size_t i = 1; i < ARRAY_SIZE(lengths); i++) {
		fake->table.size = lengths[i];
		forget(fake);
		assert_resolved(fake, "Sho", "shop.py", 0);
	}
	fake->table.size = 0;
	forget(fake);
	assert_resolved(fake, "Sho", "shop.py", FIRST_LINE);
	for (unsigned kind = 0; kind < 8; kind++) {
		fake->qualname.state = STATE(kind, 1, 1);
		forget(fake);
		assert_int_equal(resolve(fake),
				 kind == 1 || kind == 2 || kind == 4 ? PY_RESOLVED : PY_STALE);
	}
}

/* Memory ends where the object does. */
static void objects_at_the_end_of_memory(void **state)
{
	struct fake *fake = *state;
	const size_t page = (size_t)sysconf(_SC_PAGESIZE);
	uint8_t *pages =
		mmap(NULL, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	const size_t size = offsetof(struct fake_text, chars) + 2;

	munmap(pages + page, page);
	uint8_t *last = pages + page - size;
	fake->file.length = 1;
	memcpy(last, &fake->file, size);
	set(fake, OFF_FILE, address(last));
	see(fake);
	assert_resolved(fake, "Shop.price", "s", FIRST_LINE + 2);
	munmap(pages, page);
	assert_int_equal(resolve(fake), PY_RESOLVED); /* it is remembered */
	forget(fake);
	assert_int_equal(resolve(fake), PY_STALE);
}

/* Other code objects, one after the other, at the same address; the walk saw the one before. */
struct churn {
	struct fake *fake;
	uint64_t number; /* of the code object that is there; its first character is that, too */
	int stop;
};

static void *replace_code(void *ctx)
{
	struct churn *churn = ctx;
	struct fake *fake = churn->fake;

	for (uint64_t n = 1; !__atomic_load_n(&churn->stop, __ATOMIC_ACQUIRE); n++) {
		__atomic_store_n(&fake->code.count, 0, __ATOMIC_SEQ_CST);
		__atomic_store_n(&fake->qualname.chars[0], 'a' + n % 26, __ATOMIC_SEQ_CST);
		__atomic_store_n(&fake->code.window[0], n, __ATOMIC_SEQ_CST);
		__atomic_store_n(&fake->code.count, 1, __ATOMIC_SEQ_CST);
		__atomic_store_n(&churn->number, n, __ATOMIC_SEQ_CST);
		for (volatile uint64_t i = 0; i < n % 64 * 150; i++)
			;
	}
	return NULL;
}

static void a_code_object_that_goes_while_it_is_read(void **state)
{
	struct churn churn = {.fake = *state};
	struct fake *fake = churn.fake;
	struct fake_code seen = fake->code;
	int stale = 0;
	pthread_t thread;

	assert_int_equal(pthread_create(&thread, NULL, replace_code, &churn), 0);
	/* Each is one of many; on a machine with one CPU few of them get stale. */
	for (int i = 0; i < 200000 && stale < 20000; i++) {
		seen.window[0] = __atomic_load_n(&churn.number, __ATOMIC_SEQ_CST);
		fake->frame.fingerprint = py_fingerprint((const __u64 *)seen.window);
		const enum py_resolve result = resolve(fake);

		stale += result == PY_STALE;
		if (seen.window[0] && result == PY_RESOLVED)
			assert_int_equal(fake->at.function[0], 'a' + seen.window[0] % 26);
	}
	__atomic_store_n(&churn.stop, 1, __ATOMIC_RELEASE);
	pthread_join(thread, NULL);
}

/* Garbage in every object, one time after the other: there is always an answer, and it is text. */
static void any_memory_is_resolved(void **state)
{
	struct fake *fake = *state;
	struct fake *const good = xcalloc(1, sizeof(*good));
	uint8_t *const objects[] = {(uint8_t *)&fake->code, (uint8_t *)&fake->qualname,
				    (uint8_t *)&fake->file, (uint8_t *)&fake->table};
	int resolved = 0;

	*good = *fake;
	srandom(1);
	for (int round = 0; round < 20000; round++) {
		fake->code = good->code;
		fake->qualname = good->qualname;
		fake->file = good->file;
		fake->table = good->table;
		for (long n = random() % 8; n >= 0; n--) {
			uint8_t *object = objects[random() % 4];
			const size_t part = n % 2 ? 40 : sizeof(fake->table);
			object[(size_t)random() % part] = (uint8_t)(random() >> 7);
		}
		see(fake);
		fake->frame.instruction = address(fake->code.bytecode) + random() % 20;
		if (resolve(fake) != PY_RESOLVED)
			continue;
		resolved++;
		assert_true(strlen(fake->at.function) < PY_NAME_SIZE);
		assert_true(strlen(fake->at.file) < PY_NAME_SIZE);
	}
	assert_in_range(resolved, 1000, 19000);
	free(good);
}

static void a_process_that_is_gone(void **state)
{
	struct fake *fake = *state;
	const pid_t pid = fork();

	if (!pid)
		_exit(0);
	waitpid(pid, NULL, 0);
	py_codes_free(fake->codes);
	fake->codes = py_codes_new(pid, &fake->layouts);
	assert_int_equal(resolve(fake), PY_UNREADABLE);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(freed_objects_are_stale),
		TEST(what_is_not_mapped_is_stale),
		TEST(lengths_of_garbage),
		TEST(objects_at_the_end_of_memory),
		TEST(a_code_object_that_goes_while_it_is_read),
		TEST(any_memory_is_resolved),
		TEST(a_process_that_is_gone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
