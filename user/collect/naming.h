/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 gilscope contributors */
/* When the names that threads have in Python are looked at: soon after one began, now and then while
 * the process uses its GIL, and at the end. A process that does nothing is not looked at. */
#ifndef GILSCOPE_NAMING_H
#define GILSCOPE_NAMING_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct collector;
struct traced;
struct py_names;

/* Part of struct traced. */
struct py_naming {
	struct py_names *reader; /* NULL: its stream has not begun */
	uint64_t due_ns;	 /* the next look; UINT64_MAX: none */
	uint64_t last_ns;	 /* the last one ended */
	uint64_t gap_ns;	 /* the shortest time to the next one */
	uint64_t rest_ns;	 /* that time without news */
	uint64_t hits;		 /* of the probes at the last one */
	/* What the last one told, by tid. */
	struct {
		struct told_name {
			pid_t tid;
			uint64_t hash;
		} * items;
		size_t count, cap;
	} told;
	/* Found and not in the stream yet; the names are owned. */
	struct {
		struct fresh_name {
			pid_t tid;
			uint64_t at_ns;
			char *name;
		} * items;
		size_t count, cap;
	} fresh;
};

/* The first look is due when the stream has begun, the last one is made before its end mark. */
void naming_begin(struct collector *c, struct traced *t);
void naming_end(struct traced *t);

/* A thread has begun: its name will be there in a moment. */
void naming_expect(struct collector *c, struct traced *t);

/* Looks if that is due. */
void naming_attend(const struct collector *c, struct traced *t);

/*
 * Puts the names that looks have found into the stream. To be called after the ring buffer was drained:
 * a thread's start must be told before its name.
 */
void naming_tell(struct collector *c, struct traced *t);

void naming_free(struct py_naming *naming);

#endif
