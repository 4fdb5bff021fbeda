/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 gilscope contributors */
/* Records for tests of the model, in one growing stream. All belong to one process. */
#ifndef GILSCOPE_TEST_MODEL_STREAM_H
#define GILSCOPE_TEST_MODEL_STREAM_H

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "bpf/events.h"
#include "model/model.h"

#define TEST_PROCESS 4242

union record {
	struct ev_head head;
	struct ev_hold hold;
	struct ev_short_holds short_holds;
	struct ev_thread_holds thread_holds;
	struct ev_wait wait;
	struct ev_thread thread;
	struct ev_python_name python_name;
	struct ev_mark mark;
	struct ev_gil gil;
	struct ev_gil_end gil_end;
	struct ev_loss loss;
};

struct stream {
	union record *items;
	size_t count, cap;
};

static inline struct ev_head test_head(uint16_t kind, size_t size)
{
	return (struct ev_head){.kind = kind, .size = (uint16_t)size, .process = TEST_PROCESS};
}

static inline union record rec_mark(uint16_t kind, uint64_t at_ns, uint32_t end)
{
	return (union record){
		.mark = {test_head(kind, sizeof(struct ev_mark)), .at_ns = at_ns, .end = end}};
}

static inline union record rec_gil(uint32_t gil, uint64_t from_ns)
{
	return (union record){.gil = {test_head(EV_GIL, sizeof(struct ev_gil)), .gil = gil,
				      .interpreters = 1, .from_ns = from_ns,
				      .address = 0x1000 + gil, .switch_interval_ns = 5000000}};
}

static inline union record rec_gil_end(uint32_t gil, uint64_t seq, uint32_t waiters)
{
	return (union record){.gil_end = {test_head(EV_GIL_END, sizeof(struct ev_gil_end)),
					  .gil = gil, .waiters = waiters, .seq = seq}};
}

static inline union record rec_hold(uint32_t gil, uint32_t tid, uint64_t seq, uint64_t acquire_ns,
				    uint64_t release_ns, uint32_t flags)
{
	return (union record){.hold = {test_head(EV_HOLD, sizeof(struct ev_hold)), .gil = gil,
				       .tid = tid, .seq = seq, .acquire_ns = acquire_ns,
				       .release_ns = release_ns, .flags = flags}};
}

static inline union record rec_short_holds(uint32_t gil, uint64_t seq, uint64_t held_ns,
					   uint64_t end_ns)
{
	return (union record){
		.short_holds = {test_head(EV_SHORT_HOLDS, sizeof(struct ev_short_holds)),
				.gil = gil, .seq = seq, .held_ns = held_ns, .end_ns = end_ns}};
}

/* Empty; see thread_holds_count. */
static inline union record rec_thread_holds(uint32_t gil, uint32_t tid)
{
	return (union record){
		.thread_holds = {test_head(EV_THREAD_HOLDS, sizeof(struct ev_thread_holds)),
				 .gil = gil, .tid = tid, .min_ns = SHORT_HOLD_NS}};
}

static inline void thread_holds_count(struct ev_thread_holds *holds, uint32_t ns)
{
	holds->count++;
	holds->total_ns += ns;
	holds->buckets[short_hold_bucket(ns)]++;
	if (ns < holds->min_ns)
		holds->min_ns = ns;
	if (ns > holds->max_ns)
		holds->max_ns = ns;
}

/* The hold after a wait: the gap before it is a handoff. */
static inline union record rec_waited(uint32_t gil, uint32_t tid, uint64_t seq, uint64_t request_ns,
				      uint64_t acquire_ns, uint64_t release_ns, uint32_t flags)
{
	union record r = rec_hold(gil, tid, seq, acquire_ns, release_ns, flags | HOLD_GAP_WAITED);

	r.hold.request_ns = request_ns;
	return r;
}

static inline union record rec_wait(uint16_t kind, uint32_t gil, uint32_t tid, uint64_t request_ns,
				    uint64_t end_ns)
{
	return (union record){.wait = {test_head(kind, sizeof(struct ev_wait)), .gil = gil,
				       .tid = tid, .request_ns = request_ns, .end_ns = end_ns}};
}

static inline union record rec_thread(uint16_t kind, uint32_t tid, uint64_t at_ns, const char *comm)
{
	union record r = {
		.thread = {test_head(kind, sizeof(struct ev_thread)), .tid = tid, .at_ns = at_ns}};

	for (size_t i = 0; i < EV_COMM_LEN && comm[i]; i++)
		r.thread.comm[i] = comm[i];
	return r;
}

static inline union record rec_python_name(uint32_t tid, uint64_t at_ns, const char *name)
{
	union record r = {.python_name = {test_head(EV_PYTHON_NAME, sizeof(struct ev_python_name)),
					  .tid = tid, .at_ns = at_ns}};

	for (size_t i = 0; i < EV_NAME_LEN && name[i]; i++)
		r.python_name.name[i] = name[i];
	return r;
}

static inline union record rec_loss(uint32_t loss, uint64_t count)
{
	return (union record){
		.loss = {test_head(EV_LOSS, sizeof(struct ev_loss)), .loss = loss, .count = count}};
}

static inline void feed(struct model *m, union record r)
{
	model_feed(m, &r, r.head.size);
}

static inline void stream_add(struct stream *s, union record r)
{
	*VEC_PUSH(s) = r;
}

static inline void stream_free(struct stream *s)
{
	free(s->items);
	*s = (struct stream){0};
}

#endif
