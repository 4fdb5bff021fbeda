/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 gilscope contributors */
#include "collect/naming.h"

#include <stdlib.h>
#include <time.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "collect/collector_state.h"
#include "target/process.h"
#include "target/py_names.h"

/* A thread that has begun has its name after a few switch intervals. */
#define EXPECT_NS (20 * NSEC_PER_MSEC)
/* Between two looks at least, at first and later; and so many times what the last look took. */
#define FIRST_GAP_NS (20 * NSEC_PER_MSEC)
#define GAP_NS NSEC_PER_SEC
#define COST_SHARE 50
/* Without news: for threads that have no name yet, and for names that have changed. */
#define REST_NS (8 * NSEC_PER_SEC)

struct naming_look {
	struct traced *t;
	uint64_t at_ns;
	size_t others; /* with a name, besides the main thread */
	bool news;
	struct py_naming now; /* only `told` */
};

static uint64_t cpu_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
	return (uint64_t)now.tv_sec * NSEC_PER_SEC + (uint64_t)now.tv_nsec;
}

/* FNV-1a. */
static uint64_t hash_of(const char *name)
{
	uint64_t hash = 0xcbf29ce484222325;

	for (; *name; name++)
		hash = (hash ^ (unsigned char)*name) * 0x100000001b3;
	return hash;
}

static int compare_told(const void *a, const void *b)
{
	const struct told_name *x = a, *y = b;

	return (x->tid > y->tid) - (x->tid < y->tid);
}

static bool was_told(const struct py_naming *naming, const struct told_name *name)
{
	const struct told_name *found =
		naming->told.count ? bsearch(name, naming->told.items, naming->told.count,
					     sizeof(*name), compare_told)
				   : NULL;

	return found && found->hash == name->hash;
}

static void take_name(void *ctx, pid_t tid, const char *name)
{
	struct naming_look *look = ctx;
	const struct told_name told = {.tid = tid, .hash = hash_of(name)};

	*VEC_PUSH(&look->now.told) = told;
	look->others += tid != look->t->target.pid;
	if (was_told(&look->t->naming, &told))
		return;
	look->news = true;
	*VEC_PUSH(&look->t->naming.fresh) =
		(struct fresh_name){.tid = tid, .at_ns = look->at_ns, .name = xstrdup(name)};
}

static void keep_told(struct py_naming *naming, struct py_naming *now)
{
	free(naming->told.items);
	naming->told.items = now->told.items;
	naming->told.count = now->told.count;
	naming->told.cap = now->told.cap;
	if (naming->told.count)
		qsort(naming->told.items, naming->told.count, sizeof(*naming->told.items),
		      compare_told);
}

static bool has_nameless(const struct naming_look *look)
{
	struct process_status status;

	return !process_status(look->t->target.pid, &status) &&
	       (size_t)status.threads > look->others + 1;
}

/* The more looks there were, and the more the last one took, the later the next. */
static void plan_next(struct py_naming *naming, const struct naming_look *look, uint64_t cost_ns)
{
	naming->last_ns = clock_mono_ns();
	naming->gap_ns = max_ns(min_ns(2 * naming->gap_ns, GAP_NS), COST_SHARE * cost_ns);
	naming->rest_ns = look->news ? GAP_NS : min_ns(2 * naming->rest_ns, REST_NS);
	if (!has_nameless(look))
		naming->rest_ns = REST_NS;
	naming->due_ns = naming->last_ns + max_ns(naming->gap_ns, naming->rest_ns);
}

static void look_at(struct traced *t)
{
	struct naming_look look = {.t = t, .at_ns = clock_mono_ns()};
	const uint64_t begin = cpu_ns();

	const int named = py_names_read(t->naming.reader, take_name, &look);
	if (named > 0)
		log_debug("process %d: %d threads have a name in Python", t->target.pid, named);
	keep_told(&t->naming, &look.now);
	plan_next(&t->naming, &look, cpu_ns() - begin);
}

static uint64_t hits_of(const struct collector *c, const struct traced *t)
{
	uint64_t hits = 0;

	for (size_t i = 0; i < t->code->plan.site_count; i++)
		hits += gils_hits(c, t, i);
	return hits;
}

void naming_begin(struct collector *c, struct traced *t)
{
	t->naming.reader = py_names_new(&t->target);
	t->naming.gap_ns = FIRST_GAP_NS / 2;
	t->naming.rest_ns = GAP_NS;
	t->naming.hits = UINT64_MAX;
	/* Not at once: what is met in the first moments, like a GIL, may be gone after a look. */
	t->naming.due_ns = clock_mono_ns() + EXPECT_NS;
	c->due_ns = min_ns(c->due_ns, t->naming.due_ns);
}

void naming_end(struct traced *t)
{
	if (t->naming.reader)
		look_at(t);
}

void naming_expect(struct collector *c, struct traced *t)
{
	const uint64_t soon = clock_mono_ns() + EXPECT_NS;
	const uint64_t due = max_ns(soon, t->naming.last_ns + t->naming.gap_ns);

	if (!t->naming.reader || due >= t->naming.due_ns)
		return;
	t->naming.due_ns = due;
	t->naming.hits = UINT64_MAX; /* whatever they are, there are news */
	c->due_ns = min_ns(c->due_ns, due);
}

void naming_attend(const struct collector *c, struct traced *t)
{
	if (!t->naming.reader || clock_mono_ns() < t->naming.due_ns)
		return;
	const uint64_t hits = hits_of(c, t);
	/* Nothing is named without the GIL. */
	if (hits == t->naming.hits)
		t->naming.due_ns = clock_mono_ns() + t->naming.rest_ns;
	else
		look_at(t);
	t->naming.hits = hits;
}

void naming_tell(struct collector *c, struct traced *t)
{
	for (size_t i = 0; i < t->naming.fresh.count; i++) {
		const struct fresh_name *fresh = &t->naming.fresh.items[i];

		record_python_name(c, t, fresh->tid, fresh->at_ns, fresh->name);
		free(fresh->name);
	}
	t->naming.fresh.count = 0;
}

void naming_free(struct py_naming *naming)
{
	py_names_free(naming->reader);
	for (size_t i = 0; i < naming->fresh.count; i++)
		free(naming->fresh.items[i].name);
	free(naming->fresh.items);
	free(naming->told.items);
	*naming = (struct py_naming){0};
}
