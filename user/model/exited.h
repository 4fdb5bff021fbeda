/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 gilscope contributors */
/*
 * What stays of threads that exited: entries of their own for those that held and waited longest,
 * and for each GIL one entry of all the others together. Their number may grow without end, the
 * memory for them does not, and no time of theirs is lost.
 */
#ifndef GILSCOPE_EXITED_H
#define GILSCOPE_EXITED_H

#include "base/id_map.h"
#include "model/model.h"

struct exited {
	size_t max; /* entries that are kept */
	/* These, as a heap: the one that is folded next comes first. */
	struct {
		struct model_thread *items;
		size_t count, cap;
	} kept;
	struct {
		struct model_thread *items;
		size_t count, cap;
	} folded;
	struct id_map index; /* (process, GIL) -> folded */
};

/* Takes the entry of a thread and what it owns; nothing of it may change any more. */
void exited_add(struct exited *x, const struct model_thread *entry);

/* The entry of those of a GIL that are told together; made if need be. */
struct model_thread *exited_together(struct exited *x, uint32_t process, uint32_t gil);

/* Adds what an entry tells to one of several together; that one keeps no name nor tid. */
void model_thread_add(struct model_thread *into, const struct model_thread *from);

/* Releases what an entry owns. */
void model_thread_free(struct model_thread *entry);

void exited_free(struct exited *x);

#endif
