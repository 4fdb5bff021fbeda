/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 gilscope contributors */
#include "target/py_layout.h"

#include <errno.h>
#include <string.h>

#include "base/mem.h"

enum py_field {
	TSTATE_INTERP,
	TSTATE_NEXT,
	TSTATE_FRAME,
	CFRAME_FRAME,
	INTERP_THREADS,
	INTERP_GC,
	GC_COLLECTING,
	FRAME_CODE,
	FRAME_PREVIOUS,
	FRAME_INSTRUCTION,
	FRAME_OWNER,
	CODE_FIRST_LINE,
	CODE_FILE,
	CODE_NAME,
	CODE_QUALNAME,
	CODE_LINES,
	CODE_BYTES,
	OBJECT_TYPE,
	TEXT_LENGTH,
	TEXT_STATE,
	TEXT_ASCII,
	TEXT_COMPACT,
	BYTES_SIZE,
	BYTES_DATA,
	PY_FIELDS
};

/* Offsets in bytes, or (from 3.13 on) where _Py_DebugOffsets has them; -1: there is none. */
struct layout_row {
	int minor;
	int at[PY_FIELDS];
};

/* The tables: `table` up to 3.12, `debug_table` from 3.13 on. */
#include "target/py_layout_table.h"

/* The largest _Py_DebugOffsets that is known, that of 3.15. */
#define DEBUG_OFFSETS_SIZE 888

/*
 * Bounds of an offset. Every structure but the interpreter state, which has tables of small objects
 * in it (384 KB in 3.12), is a few hundred bytes long.
 */
#define STRUCTURE_LIMIT 2048
#define INTERP_LIMIT (1 << 20)

static const struct layout_row *row_of(const struct layout_row *rows, size_t count, int minor)
{
	for (size_t i = 0; i < count; i++)
		if (rows[i].minor == minor)
			return &rows[i];
	return NULL;
}

/* Every offset that there must be is there and possible. */
static bool are_offsets(const int at[PY_FIELDS])
{
	for (int i = 0; i < PY_FIELDS; i++) {
		const bool of_interp = i == INTERP_GC || i == INTERP_THREADS;
		const bool small = i == FRAME_OWNER || i == CODE_FIRST_LINE || i == TEXT_STATE ||
				   i == GC_COLLECTING;

		if (at[i] >= (of_interp ? INTERP_LIMIT : STRUCTURE_LIMIT))
			return false;
		if (!small && at[i] > 0 && at[i] % 8)
			return false;
	}
	return true;
}

static int read_debug_offsets(const struct layout_row *row, const struct target *target,
			      int at[PY_FIELDS])
{
	const struct elf_image *python = target->python.image;
	const uint64_t runtime = elf_image_symbol(python, "_PyRuntime", NULL);
	const uint8_t *bytes = elf_image_bytes(python, runtime, DEBUG_OFFSETS_SIZE);

	if (!bytes || memcmp(bytes, "xdebugpy", 8) != 0)
		return -EBADMSG;
	for (int i = 0; i < PY_FIELDS; i++) {
		uint64_t value;

		at[i] = -1;
		if (row->at[i] < 0)
			continue;
		memcpy(&value, bytes + row->at[i], sizeof(value));
		if (value >= INTERP_LIMIT)
			return -EBADMSG;
		at[i] = (int)value;
	}
	return 0;
}

static uint32_t optional(int offset)
{
	return offset < 0 ? PY_NO_OFFSET : (uint32_t)offset;
}

static int max(int a, int b)
{
	return a > b ? a : b;
}

/* What the frame has of us is within its first bytes; rounded up to words. */
static uint32_t frame_size(const int at[PY_FIELDS])
{
	int last = max(max(at[FRAME_CODE], at[FRAME_PREVIOUS]), at[FRAME_INSTRUCTION]);

	return (uint32_t)max(last + 8, at[FRAME_OWNER] / 8 * 8 + 8);
}

static void fill_walk(struct py_layout *walk, const int at[PY_FIELDS], int minor)
{
	const bool collecting = at[INTERP_GC] >= 0 && at[GC_COLLECTING] >= 0;

	*walk = (struct py_layout){
		/* 3.14 and later: a _PyStackRef, whose two lowest bits are a tag. */
		.code_mask = minor >= 14 ? ~3ULL : ~0ULL,
		.instruction_mask = minor <= 10 ? 0xffffffff : ~0ULL,
		.tstate_interp = at[TSTATE_INTERP],
		.interp_collecting =
			collecting ? at[INTERP_GC] + at[GC_COLLECTING] : (int)PY_NO_OFFSET,
		.tstate_frame = at[TSTATE_FRAME],
		.cframe_frame = optional(at[CFRAME_FRAME]),
		.frame_size = frame_size(at),
		.frame_code = at[FRAME_CODE],
		.frame_previous = at[FRAME_PREVIOUS],
		.frame_instruction = at[FRAME_INSTRUCTION],
		.frame_owner = max(at[FRAME_OWNER], 0),
		/* FRAME_OWNED_BY_CSTACK in 3.12 and 3.13, ..._INTERPRETER from 3.14 on. */
		.skip_owner = minor >= 12 ? 3 : 256,
		.code_window = at[CODE_LINES] + 8 - PY_CODE_WINDOW,
	};
}

static void fill_code(struct py_code_layout *code, const int at[PY_FIELDS], int minor)
{
	*code = (struct py_code_layout){
		.object_type = at[OBJECT_TYPE],
		.code_first_line = at[CODE_FIRST_LINE],
		.code_file = at[CODE_FILE],
		.code_name = at[CODE_NAME],
		.code_qualname = optional(at[CODE_QUALNAME]),
		.code_lines = at[CODE_LINES],
		.code_bytes = optional(at[CODE_BYTES]),
		/* f_lasti counts bytes up to 3.9, instructions in 3.10. */
		.instruction_size = minor == 10 ? 2 : 1,
		.lines = py_line_table_of(minor),
		.text_length = at[TEXT_LENGTH],
		.text_state = at[TEXT_STATE],
		.text_ascii = at[TEXT_ASCII],
		/* utf8_length and utf8 are between the two since 3.12. */
		.text_compact = at[TEXT_COMPACT] < 0 ? at[TEXT_ASCII] + 16 : at[TEXT_COMPACT],
		.bytes_size = at[BYTES_SIZE],
		.bytes_data = at[BYTES_DATA],
		.interp_threads = at[INTERP_THREADS],
		.tstate_next = at[TSTATE_NEXT],
		.counted = at[OBJECT_TYPE] == 8,
	};
}

static bool in_window(const struct py_layout *walk, uint32_t offset, uint32_t size)
{
	return offset >= walk->code_window && offset + size <= walk->code_window + PY_CODE_WINDOW;
}

/* The headers of strings and bytes objects are in order, and not longer than what is read. */
static bool are_objects(const struct py_code_layout *code)
{
	const uint32_t after_type = code->object_type + 8;

	return code->text_length >= after_type && code->text_length + 8 <= code->text_ascii &&
	       code->text_state >= after_type && code->text_state + 4 <= code->text_ascii &&
	       code->text_ascii <= PY_OBJECT_HEAD && code->text_ascii < code->text_compact &&
	       code->bytes_size >= after_type && code->bytes_size + 8 <= code->bytes_data &&
	       code->bytes_data <= PY_OBJECT_HEAD;
}

/* What the readers rely on: bounds of what they read, and that one read of a code object has all. */
static bool is_usable(const struct py_layouts *all)
{
	const struct py_layout *walk = &all->walk;
	const struct py_code_layout *code = &all->code;

	return walk->frame_size < PY_FRAME_WINDOW && walk->frame_owner < walk->frame_size &&
	       code->code_lines + 8 <= PY_CODE_HEAD &&
	       code->code_lines + 8 >= PY_CODE_WINDOW + code->object_type + 16 &&
	       in_window(walk, code->code_first_line, 4) && in_window(walk, code->code_file, 8) &&
	       in_window(walk, code->code_name, 8) &&
	       (code->code_qualname == PY_NO_OFFSET || in_window(walk, code->code_qualname, 8)) &&
	       (code->code_bytes == PY_NO_OFFSET || code->code_bytes > code->code_lines) &&
	       are_objects(code);
}

static uint64_t address_of(const struct mapped_file *python, const char *symbol)
{
	const uint64_t vaddr = elf_image_symbol(python->image, symbol, NULL);

	return vaddr ? vaddr + python->bias : 0;
}

int py_layout_find(const struct target *target, struct py_layouts *out)
{
	const int minor = target->version.minor;
	int at[PY_FIELDS];
	const struct layout_row *row;

	memset(out, 0, sizeof(*out));
	if (target->version.major != 3)
		return -ENOTSUP;
	if ((row = row_of(table, ARRAY_SIZE(table), minor))) {
		memcpy(at, row->at, sizeof(at));
	} else if ((row = row_of(debug_table, ARRAY_SIZE(debug_table), minor))) {
		const int err = read_debug_offsets(row, target, at);
		if (err)
			return err;
	} else {
		return -ENOTSUP;
	}
	if (!are_offsets(at))
		return -EBADMSG;
	fill_walk(&out->walk, at, minor);
	fill_code(&out->code, at, minor);
	if (!is_usable(out))
		return -EBADMSG;
	out->code.code_type = address_of(&target->python, "PyCode_Type");
	out->code.text_type = address_of(&target->python, "PyUnicode_Type");
	out->code.bytes_type = address_of(&target->python, "PyBytes_Type");
	return 0;
}
