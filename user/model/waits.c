/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 gilscope contributors */
/* The waits: each counts for its thread, and is split by who held meanwhile. */
#include <stdlib.h>

#include "base/mem.h"
#include "model/model_state.h"

/* The entry of a thread that may be forgotten by now: then that of those told together. */
static struct model_thread *entry_of(struct model *m, uint32_t process, uint32_t gil,
				     struct thread_ref ref)
{
	struct model_thread *entry = threads_by_ref(&m->threads, ref);

	return entry ? entry : exited_together(&m->threads.exited, process, gil);
}

void model_times_add(struct model_times *times, uint64_t ns, bool clipped)
{
	times->total_ns += ns;
	if (clipped) {
		times->clipped++;
		times->clipped_ns += ns;
	} else {
		hist_add(&times->hist, ns);
	}
}

void model_add_wait(struct model *m, struct gil *g, uint32_t tid, uint64_t begin_ns,
		    uint64_t end_ns, bool cut)
{
	if (end_ns < begin_ns) {
		model_lose(m, LOSS_bad_interval);
		return;
	}
	if (begin_ns >= m->stop_ns || end_ns < g->sums.from_ns)
		return;

	const uint64_t from = max_ns(begin_ns, g->sums.from_ns);
	const uint64_t to = min_ns(end_ns, m->stop_ns);
	struct model_thread *t = model_entry_of(m, g, tid);

	cut = cut || from != begin_ns || to != end_ns;
	model_times_add(&t->wait, to - from, cut);
	gil_add(g, &m->series, SPAN_WAIT, from, to);
	gil_note_waiters(g, to > from); /* the records that counted it may be lost */
	*VEC_PUSH(&g->pending) = (struct pending_wait){.waiter = threads_ref(&m->threads, t),
						       .gil = g->sums.id,
						       .from_ns = from,
						       .to_ns = to};
}

struct settling {
	struct model *m;
	struct gil *g;
};

static void lump(void *ctx, const struct blame_pair *pair)
{
	struct settling *s = ctx;

	/* One model's GILs are of one process, but the pair's may be another than the one at hand. */
	entry_of(s->m, s->g->sums.process, pair->gil, pair->waiter)->others_ns += pair->ns;
}

static void add_blocked(void *ctx, struct thread_ref holder, uint64_t ns)
{
	struct settling *s = ctx;

	if (holder.index != THREAD_REF_NONE.index)
		entry_of(s->m, s->g->sums.process, s->g->sums.id, holder)->blocked_ns += ns;
}

static void forget(struct model *m, struct gil *g, size_t count)
{
	timeline_forget(&g->timeline, count, add_blocked, &(struct settling){m, g});
}

static void settle(struct model *m, struct gil *g, const struct pending_wait *wait)
{
	const struct blame_rest rest = blame_split(&m->blame, &g->timeline, wait);
	struct model_thread *waiter = entry_of(m, g->sums.process, g->sums.id, wait->waiter);

	waiter->handoff_ns += rest.handoff_ns;
	waiter->unknown_ns += rest.unknown_ns;
	waiter->others_ns += rest.others_ns;
	timeline_wait(&g->timeline, wait->from_ns, wait->to_ns);
	if (blame_is_full(&m->blame))
		blame_shrink(&m->blame, lump, &(struct settling){m, g});
}

void model_settle_waits(struct model *m, struct gil *g)
{
	size_t kept = 0;

	for (size_t i = 0; i < g->pending.count; i++) {
		const struct pending_wait wait = g->pending.items[i];

		if (wait.to_ns <= g->cursor_ns)
			settle(m, g, &wait);
		else
			g->pending.items[kept++] = wait;
	}
	g->pending.count = kept;
	if (g->timeline.count >= TIMELINE_MAX)
		forget(m, g, TIMELINE_MAX / 2);
}

/* A wait that is told to reach beyond the end, by a broken record, does so in the sums too. */
void model_close_waits(struct model *m, struct gil *g)
{
	for (size_t i = 0; i < g->pending.count; i++)
		settle(m, g, &g->pending.items[i]);
	g->pending.count = 0;
	model_nobody_waits(m, g);
}

void model_nobody_waits(struct model *m, struct gil *g)
{
	if (!g->pending.count && g->timeline.count)
		forget(m, g, g->timeline.count);
}

/* Place in the result of the entry with that number. */
static uint32_t place_of(const struct id_map *places, struct thread_ref ref)
{
	const uint32_t place = id_map_get(places, ref.number);

	return place == ID_NONE ? MODEL_EXITED : place;
}

static int compare_threads(const void *a, const void *b)
{
	const struct model_blame *x = a, *y = b;

	if (x->gil != y->gil)
		return x->gil < y->gil ? -1 : 1;
	if (x->waiter != y->waiter)
		return x->waiter < y->waiter ? -1 : 1;
	return (x->holder > y->holder) - (x->holder < y->holder);
}

static int compare_times(const void *a, const void *b)
{
	const struct model_blame *x = a, *y = b;

	return x->ns != y->ns ? (x->ns < y->ns) - (x->ns > y->ns) : compare_threads(a, b);
}

/* Threads that are told together make one of what were several. */
static size_t merge_same(struct model_blame *items, size_t count)
{
	size_t kept = 0;

	qsort(items, count, sizeof(*items), compare_threads);
	for (size_t i = 0; i < count; i++) {
		if (kept && !compare_threads(&items[kept - 1], &items[i])) {
			items[kept - 1].ns += items[i].ns;
			items[kept - 1].waits += items[i].waits;
		} else {
			items[kept++] = items[i];
		}
	}
	return kept;
}

void model_close_blame(struct model *m)
{
	struct model_result *r = &m->result;
	struct model_blame *items = xcalloc(m->blame.count + 1, sizeof(*items));
	struct id_map places = {0};

	for (size_t i = 0; i < r->thread_count; i++)
		id_map_set(&places, (uint32_t)r->threads[i].number, (uint32_t)i);
	for (size_t i = 0; i < m->blame.count; i++) {
		const struct blame_pair *pair = &m->blame.items[i];

		items[i] = (struct model_blame){.gil = pair->gil,
						.waiter = place_of(&places, pair->waiter),
						.holder = place_of(&places, pair->holder),
						.ns = pair->ns,
						.waits = pair->waits};
	}
	id_map_free(&places);
	r->blame_count = merge_same(items, m->blame.count);
	qsort(items, r->blame_count, sizeof(*items), compare_times);
	r->blame = items;
}
