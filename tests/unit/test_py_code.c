/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 gilscope contributors */
/* Resolving frames, over code objects that are made here, in memory of our own. */
#include "fake_code.h"

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

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(a_frame_is_resolved),	   TEST(lines_of_instructions),
		TEST(names_of_all_kinds),	   TEST(another_code_object_is_stale),
		TEST(code_objects_are_remembered),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
