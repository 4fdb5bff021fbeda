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

/* The slots that threads have; their number. Owned by the caller. */
static size_t read_slots(struct collector *c, uint32_t **out)
{
	const int fd = bpf_map__fd(c->skel->maps.hold_slot_owners);
	uint32_t *slots = xcalloc(STATE_MAX_HOLD_SLOTS, sizeof(*slots));
	uint32_t *tids = xcalloc(STATE_MAX_HOLD_SLOTS, sizeof(*tids));
	__u32 found = STATE_MAX_HOLD_SLOTS, position;
	const int err = bpf_map_lookup_batch(fd, NULL, &position, slots, tids, &found, NULL);

	free(tids);
	*out = slots;
	return err && err != -ENOENT ? 0 : found; /* -ENOENT: this batch was the last one */
}

void thread_holds_take(struct collector *c, const struct traced *t)
{
	static const struct ev_thread_holds none;
	const int values = bpf_map__fd(c->skel->maps.thread_holds);
	struct ev_thread_holds holds;
	uint32_t *slots;

	if (!c->options.aggregate)
		return;
	const size_t count = read_slots(c, &slots);
	for (size_t i = 0; i < count; i++) {
		if (bpf_map_lookup_elem(values, &slots[i], &holds) || holds.head.process != t->id)
			continue;
		c->options.on_record(c->options.ctx, &holds, sizeof(holds));
		bpf_map_update_elem(values, &slots[i], &none, BPF_ANY);
		bpf_map_delete_elem(bpf_map__fd(c->skel->maps.hold_slot_owners), &slots[i]);
	}
	free(slots);
}
