/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 gilscope contributors */
#ifndef GILSCOPE_MEM_H
#define GILSCOPE_MEM_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* Allocation that never fails: out of memory prints a message and exits with status 1. Release with
 * free(). */
void *xcalloc(size_t count, size_t size);
void *xrealloc_array(void *old, size_t count, size_t size);
char *xstrdup(const char *s);
char *xasprintf(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/*
 * The most memory that this process had at any time, in bytes; 0 if the kernel does not say. Not
 * that of getrusage(2), which goes on over an exec: it would be our parent's, if that is larger.
 */
uint64_t mem_peak_bytes(void);

/* Makes a growing array of elements of `size` bytes larger; VEC_PUSH does it. */
void vec_grow(void **items, size_t *cap, size_t size);

/*
 * Room for one more element at the end of a growing array, zeroed; a pointer to it. `items` and
 * `cap` are updated, `count` is not: VEC_PUSH does it.
 */
static inline void *vec_room(void **items, size_t *cap, size_t count, size_t size)
{
	if (count >= *cap)
		vec_grow(items, cap, size);
	return memset((char *)*items + count * size, 0, size);
}

/* Appends a zeroed element to the array v->items with v->count and v->cap; a pointer to it, valid
 * until the next push. */
#define VEC_PUSH(v)                                                                                \
	((__typeof__((v)->items))vec_room((void **)&(v)->items, &(v)->cap, (v)->count++,           \
					  sizeof(*(v)->items)))

/* Gives back the room behind the last element of such an array. */
void vec_trim(void **items, size_t *cap, size_t count, size_t size);
#define VEC_TRIM(v) vec_trim((void **)&(v)->items, &(v)->cap, (v)->count, sizeof(*(v)->items))

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

#endif
