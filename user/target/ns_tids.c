/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 gilscope contributors */
#include "target/ns_tids.h"

#include <stdlib.h>

#include "base/mem.h"
#include "target/process.h"

void ns_tids_free(struct ns_tids *t)
{
	free(t->known.items);
	t->known.items = NULL;
	t->known.count = t->known.cap = 0;
}

void ns_tids_expire(struct ns_tids *t)
{
	t->fresh = false;
}

/* A process never changes its namespace. */
static bool ids_differ(struct ns_tids *t)
{
	struct process_status status;

	if (!t->asked && !process_status(t->pid, &status)) {
		t->differ = status.pid_namespaces > 1;
		t->asked = true;
	}
	return t->differ;
}

static void see_thread(void *ctx, pid_t tid, const char *comm)
{
	struct ns_tids *t = ctx;

	(void)comm;
	for (size_t i = 0; i < t->known.count; i++) {
		if (t->known.items[i].outer == tid) {
			t->known.items[i].there = true;
			return;
		}
	}
	*VEC_PUSH(&t->known) = (struct ns_tid){
		.outer = tid, .inner = process_innermost_tid(t->pid, tid), .there = true};
}

static void refresh(struct ns_tids *t)
{
	size_t kept = 0;

	for (size_t i = 0; i < t->known.count; i++)
		t->known.items[i].there = false;
	process_each_thread(t->pid, see_thread, t);
	for (size_t i = 0; i < t->known.count; i++)
		if (t->known.items[i].there)
			t->known.items[kept++] = t->known.items[i];
	t->known.count = kept;
	t->fresh = true;
}

static pid_t find_known(const struct ns_tids *t, pid_t inner)
{
	for (size_t i = 0; i < t->known.count; i++)
		if (t->known.items[i].inner == inner)
			return t->known.items[i].outer;
	return 0;
}

pid_t ns_tids_find(struct ns_tids *t, pid_t inner)
{
	if (inner <= 0)
		return 0;
	if (!ids_differ(t))
		return inner;
	const pid_t outer = find_known(t, inner);
	if (outer || t->fresh)
		return outer;
	refresh(t);
	return find_known(t, inner);
}

pid_t ns_tids_main(struct ns_tids *t)
{
	return ids_differ(t) ? process_innermost_tid(t->pid, t->pid) : t->pid;
}
