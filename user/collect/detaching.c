/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 gilscope contributors */
#include "collect/detaching.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "base/mem.h"

struct detaching {
	struct attachment attached;
	pthread_t thread;
	atomic_bool done;
	struct detaching *next;
};

static void *run(void *arg)
{
	struct detaching *one = arg;

	attachment_detach(&one->attached);
	one->done = true;
	return NULL;
}

/* Of threads that have ended; their stacks go with the join. */
static void join_done(struct detaching **list)
{
	while (*list) {
		struct detaching *one = *list;

		if (!one->done) {
			list = &one->next;
			continue;
		}
		pthread_join(one->thread, NULL);
		*list = one->next;
		free(one);
	}
}

void detaching_start(struct detaching **list, struct attachment *attached)
{
	if (!attached->count)
		return;
	join_done(list);
	struct detaching *one = xcalloc(1, sizeof(*one));
	attachment_move(attached, &one->attached);
	if (pthread_create(&one->thread, NULL, run, one)) {
		attachment_detach(&one->attached);
		free(one);
		return;
	}
	one->next = *list;
	*list = one;
}

void detaching_wait(struct detaching **list)
{
	while (*list) {
		struct detaching *one = *list;

		pthread_join(one->thread, NULL);
		*list = one->next;
		free(one);
	}
}
