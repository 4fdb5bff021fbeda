/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 gilscope contributors */
#include "target/py_code.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "target/process.h"
#include "target/py_code_cache.h"
#include "target/py_text.h"

#define CACHE_BYTES (2 << 20)

/* A line table is about as long as the bytecode; one that is longer is left out. */
#define TABLE_LIMIT (1 << 20)

/* Characters of a name that are read: none needs less than a byte. */
#define NAME_CHARACTERS PY_NAME_SIZE

struct py_codes {
	pid_t pid;
	struct py_code_layout layout;
	uint32_t window;
	struct py_code_cache *cache;
};

/* A string or bytes object in the process, while it is being read. */
struct object {
	uint64_t address;
	uint8_t head[PY_OBJECT_HEAD];
	/* What the header says about the data. */
	uint64_t data;
	size_t size;   /* bytes to read */
	unsigned kind; /* of a string: bytes for each character */
	bool cut;      /* there is more of it, which is not read */
};

/* A code object, while it is being read. */
struct reading {
	uint8_t head[PY_CODE_HEAD];
	struct object function, file, table;
	uint8_t function_data[NAME_CHARACTERS * 4], file_data[NAME_CHARACTERS * 4];
};

struct py_codes *py_codes_new(pid_t pid, const struct py_layouts *layouts)
{
	struct py_codes *codes = xcalloc(1, sizeof(*codes));

	codes->pid = pid;
	codes->layout = layouts->code;
	codes->window = layouts->walk.code_window;
	codes->cache = py_code_cache_new(CACHE_BYTES);
	return codes;
}

void py_codes_free(struct py_codes *codes)
{
	if (!codes)
		return;
	py_code_cache_free(codes->cache);
	free(codes);
}

static uint64_t word_at(const uint8_t *head, uint32_t offset)
{
	uint64_t value;

	memcpy(&value, head + offset, sizeof(value));
	return value;
}

static uint32_t int_at(const uint8_t *head, uint32_t offset)
{
	uint32_t value;

	memcpy(&value, head + offset, sizeof(value));
	return value;
}

/*
 * Whether the object is of the type and has not been freed. obmalloc and libc write a pointer or 0
 * over the first word of what is freed. A reference count has fewer bits than a pointer, even that of
 * an immortal object (from 3.14 on the highest 16 bits are flags, and those between are 0).
 */
static bool is_live(const struct py_code_layout *layout, const uint8_t *head, uint64_t type)
{
	const uint64_t count = word_at(head, 0);

	if (type && word_at(head, layout->object_type) != type)
		return false;
	return !layout->counted || ((uint32_t)count && !(count >> 32 & 0xffff));
}

/* An error of a read as the answer: what is not mapped any more was freed. */
static enum py_resolve failed(int err)
{
	return err == -EFAULT ? PY_STALE : PY_UNREADABLE;
}

static uint64_t fingerprint_of(const struct py_codes *codes, const uint8_t *head)
{
	uint64_t window[PY_CODE_WINDOW / 8];

	memcpy(window, head + codes->window, sizeof(window));
	return py_fingerprint((const __u64 *)window);
}

/* Reads the first bytes of the code object, and checks that it is the one that the frame ran. */
static enum py_resolve read_head(const struct py_codes *codes, const struct py_frame *frame,
				 uint8_t head[PY_CODE_HEAD])
{
	const struct py_code_layout *layout = &codes->layout;
	const int err = process_read(codes->pid, frame->code, head, layout->code_lines + 8);

	if (err)
		return failed(err);
	if (fingerprint_of(codes, head) != frame->fingerprint ||
	    !is_live(layout, head, layout->code_type))
		return PY_STALE;
	return PY_RESOLVED;
}

/* The state of a string (PyASCIIObject.state): interned 2 bits, kind 3, compact 1, ascii 1. */
static unsigned kind_of(uint32_t state)
{
	return state >> 2 & 7;
}

static bool is_compact(uint32_t state)
{
	return state >> 5 & 1;
}

static bool is_ascii(uint32_t state)
{
	return state >> 6 & 1;
}

/* From the header of a string: where its characters are. False: it is no string. */
static bool locate_text(const struct py_codes *codes, struct object *text)
{
	const struct py_code_layout *layout = &codes->layout;
	const uint32_t state = int_at(text->head, layout->text_state);
	uint64_t length = word_at(text->head, layout->text_length);

	/* An instance of a subclass has another type; its characters stand elsewhere. */
	if (!is_live(layout, text->head, is_compact(state) ? layout->text_type : 0))
		return false;
	text->kind = kind_of(state);
	if (text->kind != 1 && text->kind != 2 && text->kind != 4)
		return false;
	text->cut = length > NAME_CHARACTERS;
	text->size = (text->cut ? NAME_CHARACTERS : length) * text->kind;
	if (!is_compact(state))
		return !process_read(codes->pid, text->address + layout->text_compact, &text->data,
				     sizeof(text->data));
	text->data = text->address + (is_ascii(state) ? layout->text_ascii : layout->text_compact);
	return true;
}

/* The same for the line table: whole or not at all. */
static bool locate_table(const struct py_codes *codes, struct object *table)
{
	const struct py_code_layout *layout = &codes->layout;
	const uint64_t size = word_at(table->head, layout->bytes_size);

	if (!is_live(layout, table->head, layout->bytes_type))
		return false;
	table->data = table->address + layout->bytes_data;
	table->cut = size > TABLE_LIMIT;
	table->size = table->cut ? 0 : size;
	return true;
}

static enum py_resolve read_objects(const struct py_codes *codes, struct reading *reading)
{
	const struct py_code_layout *layout = &codes->layout;
	const bool qualified = layout->code_qualname != PY_NO_OFFSET;
	struct object *function = &reading->function, *file = &reading->file;
	struct object *table = &reading->table;

	file->address = word_at(reading->head, layout->code_file);
	function->address =
		word_at(reading->head, qualified ? layout->code_qualname : layout->code_name);
	table->address = word_at(reading->head, layout->code_lines);
	const struct process_part heads[] = {
		{function->address, function->head, layout->text_ascii},
		{file->address, file->head, layout->text_ascii},
		{table->address, table->head, layout->bytes_data},
	};
	const int err = process_read_parts(codes->pid, heads, ARRAY_SIZE(heads));
	if (err)
		return failed(err);
	if (!locate_text(codes, function) || !locate_text(codes, file) ||
	    !locate_table(codes, table))
		return PY_STALE;
	return PY_RESOLVED;
}

/* Reads what the objects hold, and once more the code object: if it is still the same one, so were
 * they all the time. */
static enum py_resolve read_data(const struct py_codes *codes, const struct py_frame *frame,
				 struct reading *reading, uint8_t *table)
{
	uint8_t again[PY_CODE_HEAD];
	const struct process_part data[] = {
		{reading->function.data, reading->function_data, reading->function.size},
		{reading->file.data, reading->file_data, reading->file.size},
		{reading->table.data, table, reading->table.size},
	};
	const int err = process_read_parts(codes->pid, data, ARRAY_SIZE(data));

	return err ? failed(err) : read_head(codes, frame, again);
}

static char *name_of(const struct object *text, const void *data)
{
	char name[PY_NAME_SIZE];

	py_text_to_utf8(name, sizeof(name), data, text->kind, text->size / text->kind, text->cut);
	return xstrdup(name);
}

static struct py_code *make_code(const struct py_codes *codes, const struct py_frame *frame,
				 const struct reading *reading, uint8_t *table)
{
	const struct py_code_layout *layout = &codes->layout;
	struct py_code *code = xcalloc(1, sizeof(*code));

	code->address = frame->code;
	code->fingerprint = frame->fingerprint;
	/* ob_size, which is behind the type, counts code units of two bytes. */
	code->bytecode_size = word_at(reading->head, layout->object_type + 8) * 2;
	code->first_line = (int)int_at(reading->head, layout->code_first_line);
	code->function = name_of(&reading->function, reading->function_data);
	code->file = name_of(&reading->file, reading->file_data);
	code->table = table;
	code->has_table = !reading->table.cut;
	code->table_size = reading->table.size;
	return code;
}

/* Reads a code object that is not remembered. */
static enum py_resolve read_code(struct py_codes *codes, const struct py_frame *frame,
				 const struct py_code **out)
{
	struct reading reading;
	enum py_resolve result = read_head(codes, frame, reading.head);

	if (result == PY_RESOLVED)
		result = read_objects(codes, &reading);
	if (result != PY_RESOLVED)
		return result;
	uint8_t *table = reading.table.size ? xcalloc(1, reading.table.size) : NULL;
	result = read_data(codes, frame, &reading, table);
	if (result != PY_RESOLVED) {
		free(table);
		return result;
	}
	*out = py_code_cache_add(codes->cache, make_code(codes, frame, &reading, table));
	return PY_RESOLVED;
}

/* The offset of the frame's instruction in the bytecode. False: it is not in there. */
static bool offset_of(const struct py_codes *codes, const struct py_code *code,
		      uint64_t instruction, int64_t *offset)
{
	const struct py_code_layout *layout = &codes->layout;

	if (layout->code_bytes == PY_NO_OFFSET) {
		*offset = (int64_t)(int32_t)instruction * layout->instruction_size;
		return true;
	}
	/* A frame that has not begun is one instruction before the first (3.11 and 3.12). */
	const uint64_t from = instruction - code->address - layout->code_bytes;
	*offset = (int64_t)from;
	return from + 2 < code->bytecode_size + 2;
}

static int line_of(const struct py_codes *codes, const struct py_code *code, uint64_t instruction)
{
	int64_t offset;

	if (!code->has_table || !offset_of(codes, code, instruction, &offset))
		return 0;
	const int line = py_line_of(codes->layout.lines, code->table, code->table_size,
				    code->first_line, offset);
	return line < 0 ? code->first_line : line;
}

enum py_resolve py_codes_resolve(struct py_codes *codes, const struct py_frame *frame,
				 struct py_location *out)
{
	const struct py_code *code;

	if (!frame->fingerprint)
		return PY_UNREADABLE;
	code = py_code_cache_find(codes->cache, frame->code, frame->fingerprint);
	if (!code) {
		const enum py_resolve result = read_code(codes, frame, &code);
		if (result != PY_RESOLVED)
			return result;
	}
	*out = (struct py_location){
		.function = code->function,
		.file = code->file,
		.line = line_of(codes, code, frame->instruction),
		.first_line = code->first_line,
	};
	return PY_RESOLVED;
}
