/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 gilscope contributors */
#include "target/py_objects.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "target/process.h"

/*
 * Include/object.h: PyObject is {refcount, type}; in a free-threaded build (from 3.13 on) 16 bytes
 * more stand before the type, and all fields of all objects are that much later.
 */
#define HEADER 16
#define FREE_THREADED_HEADER 32

/* From the end of the header. Include/cpython/dictobject.h: PyDictObject. */
#define DICT_KEYS 16
#define DICT_VALUES 24
/* Include/cpython/object.h: PyTypeObject; Include/object.h: Py_TPFLAGS_*. */
#define TYPE_BASICSIZE 16
#define TYPE_FLAGS 152
#define TYPE_DICTOFFSET 272
#define FLAG_INLINE_VALUES (1UL << 2) /* from 3.13 on */
#define FLAG_MANAGED_DICT (1UL << 4)  /* from 3.11 on */
/* Include/cpython/longintrepr.h: PyLongObject is {header, size, digits}; so long with its type. */
#define INT_BYTES 28
#define INT_DIGIT_BITS 30
/* Include/cpython/unicodeobject.h: PyASCIIObject. */
#define STR_LENGTH 0
#define STR_STATE 16

/* More than any dict, object or string that we look at has; a larger one is garbage. */
#define MAX_ENTRIES (1U << 20)
#define MAX_LOG2 40
#define MAX_BASICSIZE (1U << 20)
#define MAX_ASCII 32

void py_objects_init(struct py_objects *o, const struct target *target, uint64_t *reads_left)
{
	const uint32_t header = target->free_threaded ? FREE_THREADED_HEADER : HEADER;
	const int minor = target->version.minor;

	*o = (struct py_objects){
		.pid = target->pid,
		.reads_left = reads_left,
		.minor = minor,
		.header = header,
		/* Include/internal/pycore_object.h: MANAGED_DICT_OFFSET */
		.managed_dict = target->free_threaded ? -8 : -24,
		/* PyASCIIObject and PyCompactUnicodeObject: sizes; 3.12 took wchar_t out (PEP 623) */
		.str_data = header + (minor < 12 ? 32 : 24),
		.str_wide_data = header + (minor < 12 ? 56 : 40),
		/* `interned` before it has two bits, or a byte */
		.str_kind_shift = target->free_threaded && minor >= 14 ? 8 : 2,
		/* PyHeapTypeObject */
		.type_cached_keys = header + (minor < 12   ? 856
					      : minor < 15 ? 864
							   : 872),
	};
}

bool py_read(const struct py_objects *o, uint64_t address, void *buffer, size_t size)
{
	if (!*o->reads_left)
		return false;
	--*o->reads_left;
	return !process_read(o->pid, address, buffer, size);
}

bool py_read_word(const struct py_objects *o, uint64_t address, uint64_t *word)
{
	return py_read(o, address, word, sizeof(*word));
}

bool py_type_of(const struct py_objects *o, uint64_t object, uint64_t *type)
{
	return object && py_read_word(o, object + o->header - 8, type);
}

/* PyLongObject: up to 3.11 the number of digits, negative if it is; then lv_tag, whose low bits are
 * the sign (0: positive, 2: negative). */
static bool int_size(const struct py_objects *o, uint64_t word, uint64_t *digits, bool *negative)
{
	if (o->minor >= 12) {
		*negative = (word & 3) == 2;
		*digits = word >> 3;
	} else {
		*negative = (int64_t)word < 0;
		*digits = *negative ? 0 - word : word;
	}
	return *digits <= 3;
}

bool py_int_read(const struct py_objects *o, uint64_t object, int64_t *value, uint64_t *type)
{
	struct {
		uint64_t type, size;
		uint32_t digits[3];
	} raw;
	uint64_t digits, number = 0;
	bool negative;

	if (!object || !py_read(o, object + o->header - 8, &raw, INT_BYTES) ||
	    !int_size(o, raw.size, &digits, &negative))
		return false;
	for (uint64_t i = digits; i-- > 0;) {
		if (raw.digits[i] >> INT_DIGIT_BITS || number >> (63 - INT_DIGIT_BITS))
			return false;
		number = number << INT_DIGIT_BITS | raw.digits[i];
	}
	*value = negative ? -(int64_t)number : (int64_t)number;
	*type = raw.type;
	return true;
}

/* A str: how it is stored, and where. */
struct str_place {
	uint64_t type, data, length; /* characters */
	uint32_t width;		     /* bytes of each: 1, 2 or 4 */
	bool ascii;
};

/* Every str that the interpreter makes is compact; one that is not belongs to a subclass, or is as old
 * as Python 2's API. `raw`: its head. */
static bool str_place(const struct py_objects *o, uint64_t object, const uint8_t *raw,
		      struct str_place *place)
{
	uint32_t state;

	memcpy(&place->type, raw + o->header - 8, sizeof(place->type));
	memcpy(&place->length, raw + o->header + STR_LENGTH, sizeof(place->length));
	memcpy(&state, raw + o->header + STR_STATE, sizeof(state));
	state >>= o->str_kind_shift;
	place->width = state & 7;
	place->ascii = state & 16;
	place->data = object + (place->ascii ? o->str_data : o->str_wide_data);
	return (state & 8) && (int64_t)place->length >= 0 &&
	       (place->width == 1 || (!place->ascii && (place->width == 2 || place->width == 4)));
}

/* A str's head, with what follows it if that is readable: mostly all of its characters. */
struct str_start {
	uint8_t raw[192];
	size_t size; /* of what was read */
};

static bool str_find(const struct py_objects *o, uint64_t object, struct str_start *start,
		     struct str_place *place)
{
	start->size = sizeof(start->raw);
	if (!object)
		return false;
	if (!py_read(o, object, start->raw, start->size)) {
		start->size = o->header + STR_STATE + 4;
		if (!py_read(o, object, start->raw, start->size))
			return false;
	}
	return str_place(o, object, start->raw, place);
}

/* The first `size` bytes of the characters. */
static bool str_data(const struct py_objects *o, uint64_t object, const struct str_start *start,
		     const struct str_place *place, void *data, size_t size)
{
	const size_t at = (size_t)(place->data - object);

	if (at + size > start->size)
		return py_read(o, place->data, data, size);
	memcpy(data, start->raw + at, size);
	return true;
}

/* Bytes of the UTF-8 form of a character, which is made valid; 0: it is none. */
static size_t encode(uint32_t code, char out[4])
{
	if (code > 0x10ffff)
		return 0;
	if (!code)
		code = ' ';
	if (code >= 0xd800 && code <= 0xdfff)
		code = 0xfffd;
	if (code < 0x80) {
		out[0] = (char)code;
		return 1;
	}
	const size_t size = code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
	for (size_t i = size; --i > 0; code >>= 6)
		out[i] = (char)(0x80 | (code & 0x3f));
	out[0] = (char)(0xf00 >> size | code);
	return size;
}

static uint32_t character(const void *data, uint32_t width, size_t index)
{
	if (width == 1)
		return ((const uint8_t *)data)[index];
	return width == 2 ? ((const uint16_t *)data)[index] : ((const uint32_t *)data)[index];
}

bool py_str_read(const struct py_objects *o, uint64_t object, char *out, size_t size,
		 uint64_t *type)
{
	struct str_start start;
	struct str_place place;
	size_t used = 0;

	out[0] = '\0';
	if (!str_find(o, object, &start, &place))
		return false;
	*type = place.type;
	/* A character takes a byte or more: no more of them fit. */
	const size_t length = place.length < size - 1 ? (size_t)place.length : size - 1;
	uint32_t *data = xcalloc(length + 1, sizeof(*data));
	bool ok = str_data(o, object, &start, &place, data, length * place.width);
	for (size_t i = 0; ok && i < length; i++) {
		char bytes[4];
		const size_t n = encode(character(data, place.width, i), bytes);

		ok = n > 0;
		if (used + n >= size)
			break;
		memcpy(out + used, bytes, n);
		used += n;
	}
	free(data);
	out[ok ? used : 0] = '\0';
	return ok;
}

bool py_str_equals(const struct py_objects *o, uint64_t object, const char *text)
{
	const size_t length = strlen(text);
	struct str_start start;
	struct str_place place;
	char data[MAX_ASCII];

	return str_find(o, object, &start, &place) && place.ascii && place.length == length &&
	       length <= sizeof(data) && str_data(o, object, &start, &place, data, length) &&
	       !memcmp(data, text, length);
}

/*
 * PyDictKeysObject up to 3.10 (Objects/dict-common.h): {refcount, dk_size, lookup, usable, nentries,
 * indices, entries}. An index is as wide as dk_size needs.
 */
static bool keys_find_old(const uint64_t words[5], struct py_dict *dict)
{
	const uint64_t size = words[1];
	const uint64_t width = size <= 0xff ? 1 : size <= 0xffff ? 2 : size <= 0xffffffff ? 4 : 8;

	if (words[4] > MAX_ENTRIES || size > 4 * MAX_ENTRIES)
		return false;
	dict->count = (uint32_t)words[4];
	dict->entries = dict->keys + 40 + size * width;
	dict->stride = 24; /* hash, key, value */
	dict->key_at = 8;
	dict->value_at = 16;
	return true;
}

/*
 * From 3.11 on (Include/internal/pycore_dict.h): {refcount, log2_size, log2_index_bytes, kind, version,
 * usable, nentries, indices, entries}. Where all keys are str (kind above 0) an entry has no hash.
 */
static bool keys_find_new(const uint64_t words[5], struct py_dict *dict)
{
	const uint32_t log2_index_bytes = (uint32_t)(words[1] >> 8 & 0xff);
	const uint32_t kind = (uint32_t)(words[1] >> 16 & 0xff);

	if (words[3] > MAX_ENTRIES || log2_index_bytes > MAX_LOG2 || kind > 2)
		return false;
	dict->count = (uint32_t)words[3];
	dict->entries = dict->keys + 32 + (1ULL << log2_index_bytes);
	dict->stride = kind ? 16 : 24;
	dict->key_at = kind ? 0 : 8;
	dict->value_at = dict->key_at + 8;
	return true;
}

bool py_dict_open(const struct py_objects *o, struct py_dict *dict)
{
	uint64_t words[5];

	if (!dict->keys || dict->keys % 8 || !py_read(o, dict->keys, words, sizeof(words)))
		return false;
	return o->minor < 11 ? keys_find_old(words, dict) : keys_find_new(words, dict);
}

/* PyDictValues has a head of 8 bytes from 3.13 on. */
static uint64_t values_array(const struct py_objects *o, uint64_t values)
{
	return values && o->minor >= 13 ? values + 8 : values;
}

bool py_dict_find(const struct py_objects *o, uint64_t object, struct py_dict *dict)
{
	uint64_t words[2]; /* ma_keys, ma_values */

	_Static_assert(DICT_VALUES == DICT_KEYS + 8, "both are read at once");
	if (!object || !py_read(o, object + o->header + DICT_KEYS, words, sizeof(words)))
		return false;
	dict->keys = words[0];
	dict->values = values_array(o, words[1]);
	return true;
}

bool py_dict_stayed(const struct py_objects *o, uint64_t object, const struct py_dict *dict)
{
	uint64_t words[2];

	return py_read(o, object + o->header + DICT_KEYS, words, sizeof(words)) &&
	       words[0] == dict->keys && values_array(o, words[1]) == dict->values;
}

bool py_type_read(const struct py_objects *o, uint64_t address, struct py_type *type)
{
	type->address = address;
	return address && py_read_word(o, address + o->header + TYPE_BASICSIZE, &type->basicsize) &&
	       py_read_word(o, address + o->header + TYPE_FLAGS, &type->flags) &&
	       py_read(o, address + o->header + TYPE_DICTOFFSET, &type->dictoffset, 8) &&
	       py_read_word(o, address + o->type_cached_keys, &type->cached_keys) &&
	       type->basicsize < MAX_BASICSIZE;
}

/* Values in an order that the type's keys tell. */
static bool with_cached_keys(const struct py_type *type, uint64_t values, struct py_dict *dict)
{
	dict->keys = type->cached_keys;
	dict->values = values;
	return true;
}

/*
 * From 3.11 on an object's values stand in an array until somebody asks for its __dict__: in 3.11
 * there is a pointer to each of the two, in 3.12 one pointer, whose low bit tells which (and is part
 * of the difference to the array), later the array is the object's own, if its mark says that it is
 * valid (Include/internal/pycore_object.h).
 */
static bool managed_find(const struct py_objects *o, uint64_t object, const struct py_type *type,
			 struct py_dict *dict)
{
	uint64_t pointer, values;
	uint32_t head;

	if (!py_read_word(o, object + (uint64_t)(int64_t)o->managed_dict, &pointer))
		return false;
	if (o->minor == 12 && pointer & 1)
		return with_cached_keys(type, pointer + 1, dict);
	if (pointer)
		return py_dict_find(o, pointer, dict);
	if (o->minor == 11)
		return py_read_word(o, object + (uint64_t)(int64_t)o->managed_dict - 8, &values) &&
		       values && with_cached_keys(type, values, dict);
	values = object + type->basicsize;
	return o->minor >= 13 && type->flags & FLAG_INLINE_VALUES &&
	       py_read(o, values, &head, sizeof(head)) && head >> 24 == 1 &&
	       with_cached_keys(type, values_array(o, values), dict);
}

bool py_attributes_find(const struct py_objects *o, uint64_t object, const struct py_type *type,
			struct py_dict *dict)
{
	uint64_t pointer;

	if (o->minor >= 11 && type->flags & FLAG_MANAGED_DICT)
		return managed_find(o, object, type, dict);
	return type->dictoffset > 0 && (uint64_t)type->dictoffset < MAX_BASICSIZE &&
	       py_read_word(o, object + (uint64_t)type->dictoffset, &pointer) &&
	       py_dict_find(o, pointer, dict);
}

bool py_dict_entry(const struct py_objects *o, const struct py_dict *dict, uint32_t index,
		   struct py_entry *entry)
{
	const uint64_t at = dict->entries + (uint64_t)index * dict->stride + dict->key_at;
	uint64_t words[2];

	/* The value stands right after the key. */
	if (index >= dict->count || !py_read(o, at, words, sizeof(words)))
		return false;
	*entry = (struct py_entry){.key = words[0], .value = words[1]};
	return !dict->values || py_read_word(o, dict->values + (uint64_t)index * 8, &entry->value);
}

struct py_entry *py_dict_entries(const struct py_objects *o, const struct py_dict *dict)
{
	const size_t size = (size_t)dict->count * dict->stride;
	struct py_entry *entries = NULL;
	uint64_t *values = NULL;
	bool ok = dict->count > 0;

	if (!ok)
		return NULL;
	uint8_t *raw = xcalloc(1, size);
	ok = py_read(o, dict->entries, raw, size);
	if (ok && dict->values) {
		values = xcalloc(dict->count, sizeof(*values));
		ok = py_read(o, dict->values, values, dict->count * sizeof(*values));
	}
	if (ok)
		entries = xcalloc(dict->count, sizeof(*entries));
	for (uint32_t i = 0; ok && i < dict->count; i++) {
		const uint8_t *entry = raw + (size_t)i * dict->stride;

		memcpy(&entries[i].key, entry + dict->key_at, sizeof(uint64_t));
		memcpy(&entries[i].value,
		       values ? (const void *)&values[i] : entry + dict->value_at,
		       sizeof(uint64_t));
	}
	free(values);
	free(raw);
	return entries;
}
