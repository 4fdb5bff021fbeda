/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 gilscope contributors */
/* A capture from 1000 to 2000 for tests of the model, and what they assert of its result. */
#ifndef GILSCOPE_TEST_MODEL_FIXTURE_H
#define GILSCOPE_TEST_MODEL_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "model_stream.h"

#define T0 1000
#define T1 2000

static inline struct model *begin_with(uint64_t interval_ns)
{
	struct model *m = model_new(&(struct model_options){.interval_ns = interval_ns});

	feed(m, rec_mark(EV_CAPTURE_START, T0, END_NONE));
	return m;
}

/* A capture of one GIL that was there before. */
static inline struct model *begin(void)
{
	struct model *m = begin_with(0);

	feed(m, rec_gil(0, 0));
	return m;
}

static inline void stop(struct model *m)
{
	feed(m, rec_mark(EV_CAPTURE_STOP, T1, END_NONE));
}

static inline const struct model_result *end(struct model *m)
{
	feed(m, rec_mark(EV_CAPTURE_END, T1, END_DURATION));
	assert_non_null(model_result(m));
	return model_result(m);
}

/* Ends the GIL 0 after `seq` holds, and the capture. */
static inline const struct model_result *end_gil(struct model *m, uint64_t seq, uint32_t waiters)
{
	feed(m, rec_gil_end(0, seq, waiters));
	return end(m);
}

static inline void assert_gil(const struct model_gil *g, uint64_t held, uint64_t handoff,
			      uint64_t idle, uint64_t unknown)
{
	assert_int_equal(g->held_ns, held);
	assert_int_equal(g->handoff_ns, handoff);
	assert_int_equal(g->idle_ns, idle);
	assert_int_equal(g->unknown_ns, unknown);
	assert_int_equal(g->observed_ns, held + handoff + idle + unknown);
}

static inline void assert_times(const struct model_times *t, uint64_t count, uint64_t total,
				uint64_t clipped, uint64_t clipped_ns)
{
	assert_int_equal(t->hist.count, count);
	assert_int_equal(t->total_ns, total);
	assert_int_equal(t->clipped, clipped);
	assert_int_equal(t->clipped_ns, clipped_ns);
	assert_int_equal(t->hist.total, total - clipped_ns);
}

static inline void assert_no_losses(const struct model_result *r)
{
	for (size_t i = 0; i < LOSS_KINDS; i++)
		assert_int_equal(r->losses[i], 0);
}

static inline void assert_only_loss(const struct model_result *r, enum loss_kind kind,
				    uint64_t count)
{
	for (size_t i = 0; i < LOSS_KINDS; i++)
		assert_int_equal(r->losses[i], i == kind ? count : 0);
}

#endif
