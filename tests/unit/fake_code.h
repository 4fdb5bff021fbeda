/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 gilscope contributors */
/* A process with one code object, made here; and resolving a frame of it. */
#ifndef GILSCOPE_TEST_FAKE_CODE_H
#define GILSCOPE_TEST_FAKE_CODE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/mem.h"
#include "target/py_code.h"

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

static inline uint64_t address(const void *pointer)
{
	return (uint64_t)(uintptr_t)pointer;
}

static inline void set(struct fake *fake, size_t offset, uint64_t value)
{
	memcpy((uint8_t *)&fake->code + offset, &value, sizeof(value));
}

/* The walk sees the code object as it is now. */
static inline void see(struct fake *fake)
{
	fake->frame.code = address(&fake->code);
	fake->frame.fingerprint = py_fingerprint((const __u64 *)fake->code.window);
}

static inline void make_text(struct fake_text *text, const char *chars)
{
	*text = (struct fake_text){.count = 1, .type = TEXT_TYPE, .length = strlen(chars)};
	text->state = STATE(1, 1, 1);
	memcpy(text->chars, chars, strlen(chars));
}

static inline int setup(void **state)
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

static inline int teardown(void **state)
{
	struct fake *fake = *state;

	py_codes_free(fake->codes);
	free(fake);
	return 0;
}

/* As if nothing had been read yet. */
static inline void forget(struct fake *fake)
{
	py_codes_free(fake->codes);
	fake->codes = py_codes_new(getpid(), &fake->layouts);
}

static inline enum py_resolve resolve(struct fake *fake)
{
	memset(&fake->at, 0, sizeof(fake->at));
	return py_codes_resolve(fake->codes, &fake->frame, &fake->at);
}

static inline void assert_resolved(struct fake *fake, const char *function, const char *file,
				   int line)
{
	assert_int_equal(resolve(fake), PY_RESOLVED);
	assert_string_equal(fake->at.function, function);
	assert_string_equal(fake->at.file, file);
	assert_int_equal(fake->at.line, line);
	assert_int_equal(fake->at.first_line, FIRST_LINE);
}

#endif
