/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 gilscope contributors */
/* The GILs at the edges of the capture: which there are, who holds them at the start, what is open
 * at the end. */
#include <errno.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "collect/collector_state.h"
#include "gil.skel.h"
#include "probe/tables.h"

/* How soon what is new shows in an interpreter's list, which tells nobody. */
#define FIRST_LOOK_NS (2 * NSEC_PER_MSEC)
#define ACTIVE_LOOK_NS (50 * NSEC_PER_MSEC)
#define LAST_LOOK_NS NSEC_PER_SEC

static struct traced_gil *find_gil(const struct traced *t, uint32_t slot)
{
	for (size_t i = 0; i < t->gils.count; i++)
		if (t->gils.items[i].slot == slot)
			return &t->gils.items[i];
	return NULL;
}

void gils_discover(struct traced *t)
{
	for (size_t i = 0; i < STATE_PROCESS_GILS && t->shared->gils[i]; i++) {
		const uint32_t slot = t->shared->gils[i] - 1;

		if (!find_gil(t, slot))
			*VEC_PUSH(&t->gils) = (struct traced_gil){.slot = slot};
	}
}

uint64_t gils_longest_interval(const struct traced *t)
{
	struct gil_info infos[TARGET_MAX_GILS];
	int count = target_read_gils(&t->target, infos, ARRAY_SIZE(infos));
	uint64_t longest = 0;

	for (int i = 0; i < count; i++)
		if (infos[i].switch_interval_ns > longest)
			longest = infos[i].switch_interval_ns;
	return longest;
}

/* Of what shows soon or never: the older it is, the more rarely it is looked for. */
static uint64_t wait_by_age(uint64_t age_ns)
{
	const uint64_t ns = age_ns / 8;

	if (ns < FIRST_LOOK_NS)
		return FIRST_LOOK_NS;
	return ns < LAST_LOOK_NS ? ns : LAST_LOOK_NS;
}

static const struct gil_info *find_info(const struct gil_info *infos, int count, uint64_t address)
{
	for (int i = 0; i < count; i++)
		if (infos[i].address == address)
			return &infos[i];
	return NULL;
}

static uint64_t ask_next(const struct traced_gil *gil)
{
	const uint64_t now = clock_mono_ns();

	return now + wait_by_age(now - gil->met_ns);
}

/*
 * A GIL's first event comes before its interpreter is in the process's list, so what the list says
 * of it may come later; an announcement without it is made again.
 */
static void announce(struct collector *c, struct traced *t, bool again)
{
	struct gil_info infos[TARGET_MAX_GILS];
	int count = -1;

	for (size_t i = 0; i < t->gils.count; i++) {
		struct traced_gil *gil = &t->gils.items[i];

		if (gil->informed && !again)
			continue;
		if (count < 0)
			count = target_read_gils(&t->target, infos, ARRAY_SIZE(infos));
		const uint64_t address = c->skel->bss->gils[gil->slot].address;
		const struct gil_info *info = find_info(infos, count, address);
		if (!gil->announced || info)
			record_gil(c, t, gil->slot, info);
		if (!gil->announced)
			gil->met_ns = clock_mono_ns();
		gil->announced = true;
		gil->informed = gil->informed || info;
		if (!gil->informed)
			gil->ask_ns = ask_next(gil);
	}
}

void gils_announce(struct collector *c, struct traced *t)
{
	announce(c, t, false);
}

/* When to announce the next one that is new or not informed; 0: now. */
static uint64_t ask_due(const struct traced *t)
{
	uint64_t due = UINT64_MAX;

	for (size_t i = 0; i < t->gils.count; i++) {
		const struct traced_gil *gil = &t->gils.items[i];

		if (!gil->informed && gil->ask_ns < due)
			due = gil->ask_ns;
	}
	return due;
}

void gils_announce_again(struct collector *c, struct traced *t)
{
	announce(c, t, true);
}

/*
 * A thread that computes alone never gives the GIL up and so never passes a probe. As long as a GIL
 * has had no event since the probes were armed, nothing has changed since, and its memory tells the
 * truth; the count before and after shows that it still was so.
 */
static void read_at_start(const struct collector *c, const struct traced *t, struct traced_gil *gil)
{
	const volatile struct gil_slot *slot = &c->skel->bss->gils[gil->slot];
	struct gil_memory memory;

	if (slot->events || target_read_gil(&t->target, slot->address, &memory))
		return;
	const pid_t tid = target_tstate_tid(&t->target, memory.last_holder);
	if (slot->events)
		return;
	gil->held_at_start = memory.locked == 1;
	c->skel->bss->gils[gil->slot].held_at_start = gil->held_at_start;
	gil->holder_at_start = (uint32_t)tid;
}

void gils_read_at_start(struct collector *c, struct traced *t)
{
	for (size_t i = 0; i < t->gils.count; i++)
		read_at_start(c, t, &t->gils.items[i]);
}

/*
 * A GIL that is only now in the interpreter's list. As at the start, its memory tells who holds it
 * as long as it has had no event.
 */
static void learn(struct collector *c, struct traced *t, uint64_t address)
{
	const uint32_t slot = tables_add_gil(c->skel, t->shared, address, clock_mono_ns());

	if (slot == STATE_NO_GIL)
		return;
	struct traced_gil *gil = VEC_PUSH(&t->gils);
	gil->slot = slot;
	read_at_start(c, t, gil);
}

static bool is_known(const struct collector *c, const struct traced *t, uint64_t address)
{
	for (size_t i = 0; i < t->gils.count; i++)
		if (c->skel->bss->gils[t->gils.items[i].slot].address == address)
			return true;
	return false;
}

/* Nothing begins in a process that passes no probe. */
static uint64_t learn_next(const struct collector *c, struct traced *t, uint64_t now)
{
	uint64_t hits = 0;

	for (size_t i = 0; i < t->code->plan.site_count; i++)
		hits += gils_hits(c, t, i);
	if (!t->gils.count)
		return now + wait_by_age(now - t->start_ns);
	t->learning.step_ns *= 2;
	if (hits != t->learning.hits || t->learning.step_ns < ACTIVE_LOOK_NS)
		t->learning.step_ns = ACTIVE_LOOK_NS;
	else if (t->learning.step_ns > LAST_LOOK_NS)
		t->learning.step_ns = LAST_LOOK_NS;
	t->learning.hits = hits;
	return now + t->learning.step_ns;
}

/*
 * At libc's entries the programs see every condition variable of the process, and cannot tell a GIL
 * that they do not know.
 */
static void learn_all(struct collector *c, struct traced *t)
{
	struct gil_info infos[TARGET_MAX_GILS];
	const int count = target_read_gils(&t->target, infos, ARRAY_SIZE(infos));

	for (int i = 0; i < count; i++)
		if (!is_known(c, t, infos[i].address))
			learn(c, t, infos[i].address);
}

uint64_t gils_attend(struct collector *c, struct traced *t)
{
	const uint64_t now = clock_mono_ns();
	uint64_t next = UINT64_MAX;

	gils_discover(t);
	if (t->code->plan.method == PLAN_LIBC_ENTRY) {
		if (now >= t->learning.next_ns) {
			learn_all(c, t);
			t->learning.next_ns = learn_next(c, t, now);
		}
		next = t->learning.next_ns;
	}
	if (now >= ask_due(t))
		gils_announce(c, t);
	const uint64_t ask = ask_due(t);
	return ask < next ? ask : next;
}

void gils_meet(struct collector *c, struct traced *t, uint32_t slot)
{
	if (find_gil(t, slot))
		return;
	gils_discover(t);
	gils_announce(c, t);
	t->attend_ns = 0;
	c->due_ns = 0;
}

static void close_hold(struct collector *c, const struct traced *t, const struct traced_gil *gil)
{
	const struct gil_slot *slot = &c->skel->bss->gils[gil->slot];
	struct ev_hold hold = {
		.gil = gil->slot,
		.seq = slot->seq + 1 + (slot->short_end_ns != 0),
		.release_ns = t->end_ns,
		.waiters = (__u16)slot->waiters,
		.waiters_max = (__u16)slot->waiters_max,
		.flags = slot->hold_flags | HOLD_OPEN,
	};

	if (slot->holder) {
		hold.tid = slot->holder;
		hold.acquire_ns = slot->acquire_ns;
		hold.request_ns = slot->request_ns;
	} else if (!slot->events && gil->held_at_start) {
		hold.tid = gil->holder_at_start;
		hold.flags |= HOLD_FROM_ATTACH;
	} else {
		return;
	}
	record_hold(c, t, &hold);
}

/*
 * Those of a process that has ended are deleted: of two threads that exit at the same time the first
 * may end the tracking of the second, and the slots of its GILs will be others'.
 */
static void close_waits(struct collector *c, const struct traced *t, size_t requests)
{
	for (size_t i = 0; i < requests; i++) {
		if (!find_gil(t, c->requests[i].slot))
			continue;
		record_wait_open(c, t, c->tids[i], &c->requests[i]);
		if (traced_is_over(t))
			requests_forget(c, c->tids[i]);
	}
}

void gils_close(struct collector *c, struct traced *t, size_t requests)
{
	for (size_t i = 0; i < t->gils.count; i++) {
		if (c->skel->bss->gils[t->gils.items[i].slot].short_end_ns)
			record_short_holds(c, t, t->gils.items[i].slot);
		close_hold(c, t, &t->gils.items[i]);
		record_gil_end(c, t, t->gils.items[i].slot);
	}
	close_waits(c, t, requests);
}

uint64_t gils_hits(const struct collector *c, const struct traced *t, size_t site)
{
	uint64_t hits = t->hits[site] + t->foreign_hits[site];

	if (!t->shared)
		return hits;
	hits += t->shared->foreign_hits[site];
	for (size_t i = 0; i < t->gils.count; i++)
		hits += c->skel->bss->gils[t->gils.items[i].slot].hits[site];
	return hits;
}

void gils_count_hits(const struct collector *c, struct traced *t, int sign)
{
	for (size_t site = 0; site < STATE_MAX_SITES; site++) {
		t->foreign_hits[site] += (uint64_t)sign * t->shared->foreign_hits[site];
		for (size_t i = 0; i < t->gils.count; i++)
			t->hits[site] += (uint64_t)sign *
					 c->skel->bss->gils[t->gils.items[i].slot].hits[site];
	}
}

static size_t open_waits(struct collector *c, struct open_interval *open, size_t max)
{
	const size_t count = requests_read(c);
	size_t found = 0;

	for (size_t i = 0; i < count && found < max; i++) {
		const uint32_t slot = c->requests[i].slot;
		const struct gil_slot *gil = &c->skel->bss->gils[slot];
		const struct traced *t = collector_by_slot(c, gil->process);

		if (t && c->requests[i].request_ns > gil->off_ns)
			open[found++] =
				(struct open_interval){.process = t->id,
						       .gil = slot,
						       .is_wait = true,
						       .from_ns = c->requests[i].request_ns};
	}
	return found;
}

/* The open holds and handoffs of one process; adds its waiters to *waiters. */
static size_t open_gils(const struct collector *c, const struct traced *t,
			struct open_interval *open, size_t max, uint64_t *waiters)
{
	size_t count = 0;

	for (size_t i = 0; i < t->gils.count && count < max; i++) {
		const struct traced_gil *gil = &t->gils.items[i];
		const volatile struct gil_slot *slot = &c->skel->bss->gils[gil->slot];
		const bool held = slot->holder || (!slot->events && gil->held_at_start);

		*waiters += slot->waiters;
		if (held || slot->waiters)
			open[count++] = (struct open_interval){
				.process = t->id,
				.gil = gil->slot,
				.handoff = !held,
				.from_ns = slot->holder ? slot->acquire_ns : 0};
	}
	return count;
}

size_t collector_open(struct collector *c, struct open_interval *open, size_t max)
{
	uint64_t waiters = 0;
	size_t count = 0;

	for (size_t i = c->oldest; i < c->traced.count; i++)
		if (c->traced.items[i]->phase == TRACED_RUNNING)
			count += open_gils(c, c->traced.items[i], open + count, max - count,
					   &waiters);
	return waiters ? count + open_waits(c, open + count, max - count) : count;
}
