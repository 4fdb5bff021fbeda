/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 gilscope contributors */
/* What the model keeps, for the files that it is made of. */
#ifndef GILSCOPE_MODEL_STATE_H
#define GILSCOPE_MODEL_STATE_H

#include "base/clock.h"
#include "model/gils.h"
#include "model/model.h"
#include "model/series.h"
#include "model/threads.h"

enum model_phase { MODEL_NEW, MODEL_RUNNING, MODEL_STOPPED, MODEL_CLOSED };

struct model {
	enum model_phase phase;
	uint64_t start_ns;
	uint64_t stop_ns; /* UINT64_MAX until it is known */
	struct gil_table gils;
	struct thread_table threads;
	struct series series;
	struct blame blame;
	uint64_t losses[LOSS_KINDS];
	struct model_result result;  /* once closed */
	struct model_gil *gil_array; /* what the result points to */
};

/* Counts one loss. */
void model_lose(struct model *m, enum loss_kind kind);

/* accounting.c: the records that account time. */
void model_gil_known(struct model *m, const struct ev_gil *e);
void model_hold(struct model *m, const struct ev_hold *e);
void model_wait(struct model *m, const struct ev_wait *e);
void model_gil_end(struct model *m, const struct ev_gil_end *e);
/* The GIL, which may be told of here for the first time: then it is observed from `from_ns` on. */
struct gil *model_gil_at(struct model *m, uint32_t process, uint32_t id, uint64_t from_ns);
/* A thread's entry for a GIL; see threads_entry. */
struct model_thread *model_entry_of(struct model *m, const struct gil *g, uint32_t tid);

/* One hold or wait of a thread. */
void model_times_add(struct model_times *times, uint64_t ns, bool clipped);

/* waits.c: a thread's wait; `cut`: it did not end with an acquire. */
void model_add_wait(struct model *m, struct gil *g, uint32_t tid, uint64_t begin_ns,
		    uint64_t end_ns, bool cut);
/* Splits the waits that are over by now. */
void model_settle_waits(struct model *m, struct gil *g);
/* All of them, at the end. */
void model_close_waits(struct model *m, struct gil *g);
/* What happened so far will concern no wait any more that is told from now on. */
void model_nobody_waits(struct model *m, struct gil *g);
/* After the last record: fills the result's blame. */
void model_close_blame(struct model *m);

/* short_holds.c */
void model_short_holds(struct model *m, const struct ev_short_holds *e);
void model_thread_holds(struct model *m, const struct ev_thread_holds *e);

/* result.c: closes the accounts at m->stop_ns and fills m->result. */
void model_close(struct model *m, enum ev_end end);

#endif
