/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 gilscope contributors */
#include "target/py_code_cache.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

#define BUCKETS 512

LIST_HEAD(bucket, py_code);
TAILQ_HEAD(by_age, py_code);

struct py_code_cache {
	size_t max_bytes, bytes;
	struct by_age oldest_first;
	struct bucket buckets[BUCKETS];
};

struct py_code_cache *py_code_cache_new(size_t max_bytes)
{
	struct py_code_cache *cache = xcalloc(1, sizeof(*cache));

	cache->max_bytes = max_bytes;
	TAILQ_INIT(&cache->oldest_first);
	return cache;
}

void py_code_free(struct py_code *code)
{
	if (!code)
		return;
	free(code->function);
	free(code->file);
	free(code->table);
	free(code);
}

/* With what malloc adds to each of the four pieces. */
static size_t bytes_of(const struct py_code *code)
{
	return sizeof(*code) + strlen(code->function) + strlen(code->file) + code->table_size + 64;
}

static void drop(struct py_code_cache *cache, struct py_code *code)
{
	cache->bytes -= bytes_of(code);
	LIST_REMOVE(code, bucket);
	TAILQ_REMOVE(&cache->oldest_first, code, age);
	py_code_free(code);
}

void py_code_cache_free(struct py_code_cache *cache)
{
	if (!cache)
		return;
	while (!TAILQ_EMPTY(&cache->oldest_first))
		drop(cache, TAILQ_FIRST(&cache->oldest_first));
	free(cache);
}

static struct bucket *bucket_of(struct py_code_cache *cache, uint64_t fingerprint)
{
	return &cache->buckets[fingerprint % BUCKETS];
}

const struct py_code *py_code_cache_find(struct py_code_cache *cache, uint64_t address,
					 uint64_t fingerprint)
{
	struct py_code *code;

	LIST_FOREACH(code, bucket_of(cache, fingerprint), bucket)
	{
		if (code->address != address || code->fingerprint != fingerprint)
			continue;
		TAILQ_REMOVE(&cache->oldest_first, code, age);
		TAILQ_INSERT_TAIL(&cache->oldest_first, code, age);
		return code;
	}
	return NULL;
}

const struct py_code *py_code_cache_add(struct py_code_cache *cache, struct py_code *code)
{
	const size_t bytes = bytes_of(code);

	while (cache->bytes + bytes > cache->max_bytes && !TAILQ_EMPTY(&cache->oldest_first))
		drop(cache, TAILQ_FIRST(&cache->oldest_first));
	cache->bytes += bytes;
	LIST_INSERT_HEAD(bucket_of(cache, code->fingerprint), code, bucket);
	TAILQ_INSERT_TAIL(&cache->oldest_first, code, age);
	return code;
}

size_t py_code_cache_bytes(const struct py_code_cache *cache)
{
	return cache->bytes;
}
