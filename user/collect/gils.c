/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 gilscope contributors */
/* The GILs at the edges of the capture: which there are, who holds them at the start, what is open
 * at the end. */
#include <errno.h>
#include <string.h>

#include "base/mem.h"
#include "collect/collector_state.h"
#include "gil.skel.h"

int gils_prepare(struct collector *c)
{
	struct gil_info infos[TARGET_MAX_GILS];
	int count = target_read_gils(c->target, infos, ARRAY_SIZE(infos));

	for (int i = 0; i < count; i++) {
		struct gil_slot *slot = &c->skel->bss->gils[i];

		slot->tgid = (uint32_t)c->target->pid;
		slot->address = infos[i].address;
	}
	return count < 0 ? -ESRCH : 0;
}

uint64_t gils_longest_interval(struct collector *c)
{
	struct gil_info infos[TARGET_MAX_GILS];
	int count = target_read_gils(c->target, infos, ARRAY_SIZE(infos));
	uint64_t longest = 0;

	for (int i = 0; i < count; i++)
		if (infos[i].switch_interval_ns > longest)
			longest = infos[i].switch_interval_ns;
	return longest;
}

static const struct gil_info *find_info(const struct gil_info *infos, int count, uint64_t address)
{
	for (int i = 0; i < count; i++)
		if (infos[i].address == address)
			return &infos[i];
	return NULL;
}

/*
 * A GIL's first event comes before its interpreter is in the process's list, so what the list says
 * of it may come later; an announcement without it is made again.
 */
static void announce(struct collector *c, size_t from)
{
	const struct gil_slot *slots = c->skel->bss->gils;
	struct gil_info infos[TARGET_MAX_GILS];
	int count;

	if (from >= STATE_MAX_GILS || !slots[from].address)
		return;
	count = target_read_gils(c->target, infos, ARRAY_SIZE(infos));
	for (; from < STATE_MAX_GILS && slots[from].address; from++) {
		const struct gil_info *info = find_info(infos, count, slots[from].address);

		if (from >= c->announced || info)
			record_gil(c, (uint32_t)from, info);
		if (from >= c->announced)
			c->announced = from + 1;
		if (c->informed == from && info)
			c->informed++;
	}
}

void gils_announce(struct collector *c)
{
	announce(c, c->informed);
}

void gils_announce_again(struct collector *c)
{
	announce(c, 0);
}

/*
 * A thread that computes alone never gives the GIL up and so never passes a probe. As long as a GIL
 * has had no event since the probes were armed, nothing has changed since, and its memory tells the
 * truth; the count before and after shows that it still was so.
 */
void gils_read_at_start(struct collector *c)
{
	for (size_t i = 0; i < STATE_MAX_GILS && c->skel->bss->gils[i].address; i++) {
		const volatile struct gil_slot *slot = &c->skel->bss->gils[i];
		struct gil_memory memory;

		if (slot->events || target_read_gil(c->target, slot->address, &memory))
			continue;
		const pid_t tid = target_tstate_tid(c->target, memory.last_holder);
		if (slot->events)
			continue;
		c->at_start[i].held = memory.locked == 1;
		c->at_start[i].tid = (uint32_t)tid;
	}
}

static void close_hold(struct collector *c, uint32_t index)
{
	const struct gil_slot *slot = &c->skel->bss->gils[index];
	struct ev_hold hold = {
		.gil = index,
		.seq = slot->seq + 1,
		.release_ns = c->end_ns,
		.waiters = (__u16)slot->waiters,
		.waiters_max = (__u16)slot->waiters_max,
		.flags = slot->hold_flags | HOLD_OPEN,
	};

	if (slot->holder) {
		hold.tid = slot->holder;
		hold.acquire_ns = slot->acquire_ns;
		hold.request_ns = slot->request_ns;
	} else if (!slot->events && c->at_start[index].held) {
		hold.tid = c->at_start[index].tid;
		hold.flags |= HOLD_FROM_ATTACH;
	} else {
		return;
	}
	record_hold(c, &hold);
}

static void close_waits(struct collector *c)
{
	const size_t count = requests_read(c);

	for (size_t i = 0; i < count; i++)
		record_wait_open(c, c->tids[i], &c->requests[i]);
}

void gils_close(struct collector *c)
{
	for (uint32_t i = 0; i < c->announced; i++) {
		close_hold(c, i);
		record_gil_end(c, i);
	}
	close_waits(c);
}

uint64_t gils_waiters(const struct collector *c)
{
	const volatile struct gil_slot *slots = c->skel->bss->gils;
	uint64_t waiters = 0;

	for (size_t i = 0; i < STATE_MAX_GILS && slots[i].address; i++)
		waiters += slots[i].waiters;
	return waiters;
}

static size_t open_waits(struct collector *c, struct open_interval *open, size_t max)
{
	const size_t count = requests_read(c);
	size_t i;

	for (i = 0; i < count && i < max; i++)
		open[i] = (struct open_interval){.gil = c->requests[i].slot,
						 .is_wait = true,
						 .from_ns = c->requests[i].request_ns};
	return i;
}

size_t collector_open(struct collector *c, struct open_interval *open, size_t max)
{
	size_t count = 0;

	for (uint32_t i = 0; i < c->announced && count < max; i++) {
		const volatile struct gil_slot *slot = &c->skel->bss->gils[i];
		const bool held = slot->holder || (!slot->events && c->at_start[i].held);

		if (held || slot->waiters)
			open[count++] = (struct open_interval){
				.gil = i,
				.handoff = !held,
				.from_ns = slot->holder ? slot->acquire_ns : 0};
	}
	return gils_waiters(c) ? count + open_waits(c, open + count, max - count) : count;
}
