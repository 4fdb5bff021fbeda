/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 gilscope contributors */
/* Code objects of a process that have been read, the last used ones up to a number of bytes. */
#ifndef GILSCOPE_PY_CODE_CACHE_H
#define GILSCOPE_PY_CODE_CACHE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

struct py_code {
	uint64_t address;
	uint64_t fingerprint;
	uint64_t bytecode_size; /* bytes; of versions whose frames point into the bytecode */
	int first_line;
	char *function, *file;
	uint8_t *table;	   /* the line table; NULL: it is empty, or not there */
	size_t table_size; /* bytes */
	bool has_table;	   /* false: it is too long to be kept */
	/* The cache's own. */
	LIST_ENTRY(py_code) bucket;
	TAILQ_ENTRY(py_code) age;
};

struct py_code_cache;

/* Never NULL; free with py_code_cache_free. */
struct py_code_cache *py_code_cache_new(size_t max_bytes);
void py_code_cache_free(struct py_code_cache *cache);

/* NULL: it is not remembered. Owned by the cache. */
const struct py_code *py_code_cache_find(struct py_code_cache *cache, uint64_t address,
					 uint64_t fingerprint);

/*
 * Takes over `code` and what it points to, allocated with malloc. It is remembered until others push
 * it out, at least until the next call.
 */
const struct py_code *py_code_cache_add(struct py_code_cache *cache, struct py_code *code);

/* Bytes that are used now. */
size_t py_code_cache_bytes(const struct py_code_cache *cache);

void py_code_free(struct py_code *code);

#endif
