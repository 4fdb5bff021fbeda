/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 gilscope contributors */
/*
 * Objects of a running CPython, read from outside: dicts, strings, integers, attributes. The process
 * runs on meanwhile, so whatever is read may be freed, or be another object's, a moment later: every
 * size is bounded, a read that fails or makes no sense is "not known", and who needs two things that
 * belong together reads the first again after the second.
 */
#ifndef GILSCOPE_PY_OBJECTS_H
#define GILSCOPE_PY_OBJECTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "target/target.h"

/* Where things are in the objects of one version and build, in bytes (see py_objects.c). */
struct py_objects {
	pid_t pid;
	int minor;
	uint32_t header;		  /* of an object, which ends with its type */
	int32_t managed_dict;		  /* from an object's begin; from 3.11 on */
	uint32_t str_data, str_wide_data; /* of an ASCII string, of another */
	uint32_t str_kind_shift;
	uint32_t type_cached_keys;
	uint64_t *reads_left; /* after so many reads all fail: nothing goes on for ever */
};

/* For the interpreter of `target`; `reads_left` is the caller's to set, and must outlive it. */
void py_objects_init(struct py_objects *o, const struct target *target, uint64_t *reads_left);

/* Each of these: false if it cannot be read or is not what it should be. */
bool py_read(const struct py_objects *o, uint64_t address, void *buffer, size_t size);
bool py_read_word(const struct py_objects *o, uint64_t address, uint64_t *word);
bool py_type_of(const struct py_objects *o, uint64_t object, uint64_t *type);

/* An int of at most 63 bits; and its type, for who cannot know that it is one. */
bool py_int_read(const struct py_objects *o, uint64_t object, int64_t *value, uint64_t *type);

/* A str as UTF-8, cut after a character where it does not fit; a lone surrogate becomes U+FFFD, a zero
 * a blank. `size` at least 1; `out` always ends with a zero. And its type. */
bool py_str_read(const struct py_objects *o, uint64_t object, char *out, size_t size,
		 uint64_t *type);

/* Whether a str is this one, which is ASCII and at most 32 bytes long. */
bool py_str_equals(const struct py_objects *o, uint64_t object, const char *text);

/* A dict, or the attributes of an object: where its entries are. The first two are found, the others
 * known once it is opened. */
struct py_dict {
	uint64_t keys;	  /* address of its PyDictKeysObject */
	uint64_t values;  /* of the array of values; 0: they stand in the entries */
	uint64_t entries; /* of the first entry */
	uint32_t count;	  /* of entries, unused ones too */
	uint32_t stride, key_at, value_at; /* of an entry, in an entry */
};
bool py_dict_find(const struct py_objects *o, uint64_t object, struct py_dict *dict);
bool py_dict_open(const struct py_objects *o, struct py_dict *dict);

/* Whether the entries of that dict are still where they were. */
bool py_dict_stayed(const struct py_objects *o, uint64_t object, const struct py_dict *dict);

/* What of a type says where the attributes of its objects are. */
struct py_type {
	uint64_t address, basicsize, flags, cached_keys;
	int64_t dictoffset;
};
bool py_type_read(const struct py_objects *o, uint64_t address, struct py_type *type);

/* The attributes in the __dict__ of an object of that type, whether it has been made or not. */
bool py_attributes_find(const struct py_objects *o, uint64_t object, const struct py_type *type,
			struct py_dict *dict);

/* An entry; both are 0 if it is unused. */
struct py_entry {
	uint64_t key, value;
};
bool py_dict_entry(const struct py_objects *o, const struct py_dict *dict, uint32_t index,
		   struct py_entry *entry);

/* All entries, as they were within one read or two; an array of dict->count, owned by the caller.
 * NULL: not readable, or there are none. */
struct py_entry *py_dict_entries(const struct py_objects *o, const struct py_dict *dict);

#endif
