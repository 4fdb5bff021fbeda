/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 gilscope contributors */
/* The holds that the programs count by thread (bpf/aggregate.bpf.h): when they do, and what they have
 * counted and not told. */
#include <errno.h>
#include <stdlib.h>

#include <bpf/bpf.h>

#include "base/mem.h"
#include "collect/collector_state.h"
#include "gil.skel.h"

void thread_holds_begin(const struct collector *c, struct traced *t, uint64_t from_ns)
{
	/* While a GIL is off its threads pass no probes, and those that wait are told of late. */
	if (c->options.aggregate && !t->target.free_threaded)
		__atomic_store_n(&t->shared->aggregate_from_ns, from_ns, __ATOMIC_SEQ_CST);
}

void thread_holds_end(struct traced *t)
{
	__atomic_store_n(&t->shared->aggregate_from_ns, 0, __ATOMIC_SEQ_CST);
}

/* The slots that threads of the process have; their number. Owned by the caller. */
static size_t find_slots(struct collector *c, const struct traced *t, uint32_t **out)
{
	const int fd = bpf_map__fd(c->skel->maps.hold_slot_owners);
	uint32_t *slots = xcalloc(STATE_MAX_HOLD_SLOTS, sizeof(*slots));
	struct hold_slot_owner *owners = xcalloc(STATE_MAX_HOLD_SLOTS, sizeof(*owners));
	__u32 found = STATE_MAX_HOLD_SLOTS, position;
	const int err = bpf_map_lookup_batch(fd, NULL, &position, slots, owners, &found, NULL);
	size_t count = 0;

	if (err && err != -ENOENT) { /* which says that this batch was the last one */
		c->losses[LOSS_thread_holds]++;
		found = 0;
	}
	for (size_t i = 0; i < found; i++)
		if (owners[i].process == t->id)
			slots[count++] = slots[i];
	free(owners);
	*out = slots;
	return count;
}

static void tell_slot(struct collector *c, uint32_t slot)
{
	struct ev_thread_holds holds;

	if (!bpf_map_lookup_elem(bpf_map__fd(c->skel->maps.thread_holds), &slot, &holds))
		c->options.on_record(c->options.ctx, &holds, sizeof(holds));
	else
		c->losses[LOSS_thread_holds]++;
}

/* Frees the slots of the process; `tell`: what was counted goes into the stream. */
static void free_slots(struct collector *c, const struct traced *t, bool tell)
{
	static const struct ev_thread_holds none;
	uint32_t *slots;

	if (!c->options.aggregate)
		return;
	const size_t count = find_slots(c, t, &slots);
	for (size_t i = 0; i < count; i++) {
		if (tell)
			tell_slot(c, slots[i]);
		bpf_map_update_elem(bpf_map__fd(c->skel->maps.thread_holds), &slots[i], &none,
				    BPF_ANY);
		bpf_map_delete_elem(bpf_map__fd(c->skel->maps.hold_slot_owners), &slots[i]);
	}
	free(slots);
}

void thread_holds_take(struct collector *c, const struct traced *t)
{
	free_slots(c, t, true);
}

void thread_holds_drop(struct collector *c, const struct traced *t)
{
	free_slots(c, t, false);
}
