/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 gilscope contributors */
/* Resolving frames, over code objects that are made here, in memory of our own. */
#define _GNU_SOURCE
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/mem.h"
#include "target/py_code.h"
#include "target/py_code_cache.h"

enum { CODE_TYPE = 0x1000, TEXT_TYPE = 0x2000, BYTES_TYPE = 0x3000, OTHER_TYPE = 0x4000 };

#define UNMAPPED 0x10000
#define FIRST_LINE 100
#define STATE(kind, compact, ascii) ((kind) << 2 | (compact) << 5 | (ascii) << 6)

struct fake_text {
	uint64_t count, type, length, hash;
	uint32_t state, pad;
	uint8_t chars[4096]; /* those that are not ASCII begin 16 bytes later */
};

struct fake_bytes {
	uint64_t count, type, size, hash;
	uint8_t data[64];
};

struct fake_code {
	uint64_t count, type, size;
	uint64_t pad[4];
	uint64_t window[PY_CODE_WINDOW / 8]; /* 56: what follows is in it */
	uint64_t bytecode[8];
};

enum { OFF_FIRST_LINE = 68, OFF_FILE = 112, OFF_NAME = 120, OFF_QUALNAME = 128, OFF_LINES = 136 };

/* A process with one code object, as 3.14 would have it; we are that process. */
struct fake {
	struct py_layouts layouts;
	struct py_codes *codes;
	struct fake_code code;
	struct fake_text file, name, qualname;
	struct fake_bytes table;
	struct py_frame frame;
	struct py_location at;
};

static uint64_t address(const void *pointer)
{
	return (uint64_t)(uintptr_t)pointer;
}

static void set(struct fake *fake, size_t offset, uint64_t value)
{
	memcpy((uint8_t *)&fake->code + offset, &value, sizeof(value));
}

/* The walk sees the code object as it is now. */
static void see(struct fake *fake)
{
	fake->frame.code = address(&fake->code);
	fake->frame.fingerprint = py_fingerprint((const __u64 *)fake->code.window);
}

static void make_text(struct fake_text *text, const char *chars)
{
	*text = (struct fake_text){.count = 1, .type = TEXT_TYPE, .length = strlen(chars)};
	text->state = STATE(1, 1, 1);
	memcpy(text->chars, chars, strlen(chars));
}

static int setup(void **state)
{
	struct fake *fake = xcalloc(1, sizeof(*fake));
	static const uint32_t line = FIRST_LINE;

	fake->layouts.walk.code_window = offsetof(struct fake_code, window);
	fake->layouts.code = (struct py_code_layout){
		.object_type = 8,
		.code_first_line = OFF_FIRST_LINE,
		.code_file = OFF_FILE,
		.code_name = OFF_NAME,
		.code_qualname = OFF_QUALNAME,
		.code_lines = OFF_LINES,
		.code_bytes = offsetof(struct fake_code, bytecode),
		.instruction_size = 1,
		.lines = PY_LOCATIONS,
		.text_length = 16,
		.text_state = 32,
		.text_ascii = 40,
		.text_compact = 56,
		.bytes_size = 16,
		.bytes_data = 32,
		.counted = true,
		.code_type = CODE_TYPE,
		.text_type = TEXT_TYPE,
		.bytes_type = BYTES_TYPE,
	};
	fake->code.count = 2;
	fake->code.type = CODE_TYPE;
	fake->code.size = 8; /* units of bytecode */
	make_text(&fake->file, "shop.py");
	make_text(&fake->name, "price");
	make_text(&fake->qualname, "Shop.price");
	/* A unit without columns in each of these lines: 101, 102, 103; then one without a line. */
	fake->table = (struct fake_bytes){.count = 1, .type = BYTES_TYPE, .size = 7};
	memcpy(fake->table.data, "\xe8\2\xe8\2\xe8\2\xf8", 7);
	set(fake, OFF_FILE, address(&fake->file));
	set(fake, OFF_NAME, address(&fake->name));
	set(fake, OFF_QUALNAME, address(&fake->qualname));
	set(fake, OFF_LINES, address(&fake->table));
	memcpy((uint8_t *)&fake->code + OFF_FIRST_LINE, &line, sizeof(line));
	fake->frame.instruction = address(fake->code.bytecode) + 2;
	see(fake);
	fake->codes = py_codes_new(getpid(), &fake->layouts);
	*state = fake;
	return 0;
}

static int teardown(void **state)
{
	struct fake *fake = *state;

	py_codes_free(fake->codes);
	free(fake);
	return 0;
}

/* As if nothing had been read yet. */
static void forget(struct fake *fake)
{
	py_codes_free(fake->codes);
	fake->codes = py_codes_new(getpid(), &fake->layouts);
}

static enum py_resolve resolve(struct fake *fake)
{
	memset(&fake->at, 0, sizeof(fake->at));
	return py_codes_resolve(fake->codes, &fake->frame, &fake->at);
}

static void assert_resolved(struct fake *fake, const char *function, const char *file, int line)
{
	assert_int_equal(resolve(fake), PY_RESOLVED);
	assert_string_equal(fake->at.function, function);
	assert_string_equal(fake->at.file, file);
	assert_int_equal(fake->at.line, line);
	assert_int_equal(fake->at.first_line, FIRST_LINE);
}

static void a_frame_is_resolved(void **state)
{
	struct fake *fake = *state;

	assert_resolved(fake, "Shop.price", "shop.py", FIRST_LINE + 2);
	forget(fake);
	fake->layouts.code.code_qualname = PY_NO_OFFSET;
	forget(fake);
	assert_resolved(fake, "price", "shop.py", FIRST_LINE + 2);
}

static void lines_of_instructions(void **state)
{
	struct fake *fake = *state;
	const uint64_t start = address(fake->code.bytecode);
	const struct {
		int64_t at;
		int line;
	} lines[] = {
		{-2, FIRST_LINE}, /* it has not begun */
		{0, FIRST_LINE + 1},
		{4, FIRST_LINE + 3},
		{6, FIRST_LINE},  /* no line of its own */
		{14, FIRST_LINE}, /* none that the table knows */
		{16, 0},	  /* beyond the code */
		{-4, 0},
		{INT64_MIN, 0},
		{INT64_MAX, 0},
	};

	for (size_t i = 0; i < ARRAY_SIZE(lines); i++) {
		fake->frame.instruction = start + (uint64_t)lines[i].at;
		assert_resolved(fake, "Shop.price", "shop.py", lines[i].line);
	}
	fake->layouts.code.code_bytes = PY_NO_OFFSET;
	fake->layouts.code.lines = PY_LINETABLE;
	fake->layouts.code.instruction_size = 2;
	memcpy(fake->table.data, "\2\1\2\1\2\1\2", 7);
	forget(fake);
	fake->frame.instruction = 2;
	assert_resolved(fake, "Shop.price", "shop.py", FIRST_LINE + 3);
	fake->frame.instruction = 0xffffffff; /* -1 */
	assert_resolved(fake, "Shop.price", "shop.py", FIRST_LINE);
	fake->layouts.code.lines = PY_LNOTAB;
	forget(fake);
	assert_resolved(fake, "Shop.price", "shop.py", FIRST_LINE);
}

static void names_of_all_kinds(void **state)
{
	struct fake *fake = *state;
	static const uint16_t two[] = {0x43a, 0x444};
	static const uint32_t four[] = {0x1f40d, 'x'};
	uint64_t data = address(four);

	fake->qualname.length = fake->file.length = 2;
	fake->qualname.state = STATE(2, 1, 0);
	memcpy(fake->qualname.chars + 16, two, sizeof(two));
	fake->file.state = STATE(4, 1, 0);
	memcpy(fake->file.chars + 16, four, sizeof(four));
	assert_resolved(fake, "\xd0\xba\xd1\x84",
			"\xf0\x9f\x90\x8d"
			"x",
			FIRST_LINE + 2);
	/* A subclass's instance has its characters elsewhere. */
	fake->file.type = OTHER_TYPE;
	fake->file.state = STATE(4, 0, 0);
	memcpy(fake->file.chars + 16, &data, sizeof(data));
	forget(fake);
	assert_resolved(fake, "\xd0\xba\xd1\x84",
			"\xf0\x9f\x90\x8d"
			"x",
			FIRST_LINE + 2);
	data = UNMAPPED;
	memcpy(fake->file.chars + 16, &data, sizeof(data));
	forget(fake);
	assert_int_equal(resolve(fake), PY_STALE);
}

static void another_code_object_is_stale(void **state)
{
	struct fake *fake = *state;

	for (size_t i = 0; i < PY_CODE_WINDOW / 8; i++) {
		fake->code.window[i] ^= 1ULL << i * 5;
		assert_int_equal(resolve(fake), PY_STALE);
		fake->code.window[i] ^= 1ULL << i * 5;
	}
	assert_int_equal(resolve(fake), PY_RESOLVED);
}

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

/* What is remembered stays as it was; another object at the same address is another one. */
static void code_objects_are_remembered(void **state)
{
	struct fake *fake = *state;
	const struct py_frame before = fake->frame;

	assert_resolved(fake, "Shop.price", "shop.py", FIRST_LINE + 2);
	make_text(&fake->name, "other");
	make_text(&fake->qualname, "Other.other");
	fake->code.window[0]++;
	assert_resolved(fake, "Shop.price", "shop.py", FIRST_LINE + 2);
	see(fake);
	assert_resolved(fake, "Other.other", "shop.py", FIRST_LINE + 2);
	fake->frame = before;
	assert_resolved(fake, "Shop.price", "shop.py", FIRST_LINE + 2);
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

static struct py_code *new_code(uint64_t address, size_t table_size)
{
	struct py_code *code = xcalloc(1, sizeof(*code));

	code->address = code->fingerprint = address;
	code->function = xstrdup("f");
	code->file = xstrdup("f.py");
	code->table = xcalloc(1, table_size);
	code->table_size = table_size;
	return code;
}

static void the_memory_of_a_cache_is_bounded(void **state)
{
	struct py_code_cache *cache = py_code_cache_new(100000);

	(void)state;
	for (uint64_t i = 1; i <= 10000; i++) {
		const struct py_code *code = py_code_cache_add(cache, new_code(i, 100 + i % 900));
		assert_int_equal(code->address, i);
		assert_true(py_code_cache_bytes(cache) <= 100000);
		/* One that is used stays. */
		assert_non_null(py_code_cache_find(cache, 1, 1));
		assert_null(py_code_cache_find(cache, 1, 2));
		assert_null(py_code_cache_find(cache, 1, 1 + (1 << 20))); /* the same bucket */
		assert_null(py_code_cache_find(cache, 2, 1));
	}
	assert_true(py_code_cache_bytes(cache) > 90000);
	assert_non_null(py_code_cache_find(cache, 10000, 10000));
	assert_null(py_code_cache_find(cache, 2, 2));
	/* One that is larger than the whole cache is there until the next. */
	py_code_cache_add(cache, new_code(20000, 200000));
	assert_non_null(py_code_cache_find(cache, 20000, 20000));
	py_code_cache_add(cache, new_code(20001, 1));
	assert_null(py_code_cache_find(cache, 20000, 20000));
	assert_true(py_code_cache_bytes(cache) < 1000);
	py_code_cache_free(cache);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(a_frame_is_resolved),
		TEST(lines_of_instructions),
		TEST(names_of_all_kinds),
		TEST(another_code_object_is_stale),
		TEST(freed_objects_are_stale),
		TEST(what_is_not_mapped_is_stale),
		TEST(lengths_of_garbage),
		TEST(objects_at_the_end_of_memory),
		TEST(code_objects_are_remembered),
		TEST(a_code_object_that_goes_while_it_is_read),
		TEST(any_memory_is_resolved),
		TEST(a_process_that_is_gone),
		cmocka_unit_test(the_memory_of_a_cache_is_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
