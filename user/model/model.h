/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 gilscope contributors */
/*
 * The model: a pure state machine over the stream of one process (bpf/events.h). It reads no clock,
 * no /proc and no memory of the target and knows no format; the same stream gives the same result.
 *
 * Identity, per GIL: held + handoff + idle + unknown = observed.
 */
#ifndef GILSCOPE_MODEL_H
#define GILSCOPE_MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bpf/events.h"
#include "model/hist.h"

struct model;

/* Bins that a series has at most; the last one takes all that is later. */
#define MODEL_MAX_BINS (1 << 20)

/* Entries of exited threads that are kept; and threads that exited last, whose records may still
 * come: a late one is preceded by the exits of few others. */
#define MODEL_MAX_EXITED 1024
#define MODEL_MAX_RECENT 2048

struct model_options {
	uint64_t interval_ns;	       /* width of the series' bins; 0: no series */
	uint64_t series_start_ns;      /* begin of bin 0, at most the start; 0: the start */
	size_t max_exited, max_recent; /* 0: those above */
};

/* Never fails (see base/mem.h). Owned by the caller. */
struct model *model_new(const struct model_options *options);
void model_free(struct model *m);

/*
 * Takes one record of the stream. Never fails: what is malformed, of an unknown kind or illegal in
 * its place is counted as a loss by name, and the time it leaves open becomes unknown. A stream is:
 * EV_CAPTURE_START, EV_GIL and EV_THREAD_NAME of what exists, then anything, then EV_CAPTURE_STOP
 * before the first record that may tell of a time at or after the end, then EV_HOLD with HOLD_OPEN,
 * EV_WAIT_OPEN and EV_GIL_END, and EV_CAPTURE_END last. EV_THREAD_HOLDS may come anywhere before the
 * end; with a series, the time of EV_SHORT_HOLDS is put into the bins held first, then idle. The
 * record needs no alignment.
 */
void model_feed(struct model *m, const void *record, size_t size);

/*
 * Times of one thread's holds or waits. Clipped ones (cut by the start, the end, the thread's exit
 * out of a wait, or by the hold before in an overlap) count in total_ns only.
 */
struct model_times {
	struct hist hist;  /* of the complete ones */
	uint64_t total_ns; /* complete and clipped */
	uint64_t clipped;  /* number of clipped ones */
	uint64_t clipped_ns;
};

/* One entry for each (thread, GIL); or for each GIL one of several threads together, which have
 * neither tid nor name. */
struct model_thread {
	uint64_t number; /* in the order of the first records, from 0 on; not of several together */
	uint64_t together; /* 0: one thread; else so many that exited */
	uint32_t process, tid, gil;
	char comm[EV_COMM_LEN + 1];
	char *name;	      /* the last one in Python that was told, owned; NULL: none */
	uint64_t from_ns;     /* of the observation: its start, or the capture's */
	uint64_t observed_ns; /* until its exit, or the capture's end */
	bool exited;
	struct model_times hold, wait;
	uint64_t off_gil_ns; /* observed - held - waiting (never below 0) */
	/* Of its waits, what no single thread is to blame for: nobody held; nobody knows; threads held
	 * that are told together. */
	uint64_t handoff_ns, unknown_ns, others_ns;
	uint64_t blocked_ns; /* sum of the waits of others while it held, as far as is remembered */
	uint64_t forced_releases, voluntary_releases;
};

struct model_gil {
	uint32_t process, id;
	uint64_t address;
	int64_t interp_ids[4];
	size_t interp_count;
	uint64_t switch_interval_ns;
	uint64_t from_ns, observed_ns;
	uint64_t held_ns, handoff_ns, idle_ns, unknown_ns;
	uint64_t holds;		  /* complete and clipped, without lost ones */
	uint64_t contended_holds; /* of these */
	uint64_t short_holds;	  /* of these: counted by the programs, not told one by one */
	uint64_t forced_releases, voluntary_releases;
	uint64_t wait_ns;    /* sum over its threads */
	double waiters_mean; /* wait_ns / observed_ns */
	uint32_t waiters_max;
	uint64_t lost_holds; /* gaps in the sequence */
};

/* Sums over all GILs of one bin of the series. */
struct model_bin {
	uint64_t at_ns;	  /* begin of the bin since options.series_start_ns */
	uint64_t span_ns; /* the last bin is cut by the end */
	uint64_t held_ns, handoff_ns, idle_ns, unknown_ns;
	uint64_t wait_ns;
	uint64_t holds, contended_holds, forced_releases; /* holds that ended in it */
};

/*
 * How long a thread waited while another held. Identity, per waiter: the sum of these and of its
 * handoff_ns, unknown_ns and others_ns is its waits' total_ns.
 */
#define MODEL_EXITED UINT32_MAX /* threads that exited, which are told together */
struct model_blame {
	uint32_t gil;
	uint32_t waiter, holder; /* index into the result's threads, or MODEL_EXITED */
	uint64_t ns;
	uint64_t waits; /* so many waits */
};

/* The result, valid until the model is fed or freed. Threads in the order of their first record. */
struct model_result {
	uint64_t start_ns, end_ns; /* CLOCK_MONOTONIC */
	enum ev_end end;
	const struct model_gil *gils;
	size_t gil_count;
	const struct model_thread *threads;
	size_t thread_count;
	/*
	 * Of entries of exited threads the MODEL_MAX_EXITED with the longest held and waited time are
	 * among `threads`; the others of each GIL are together here. Nothing is in both.
	 */
	const struct model_thread *exited;
	size_t exited_count;
	char comm[EV_COMM_LEN + 1]; /* of the process's main thread; "": not told */
	size_t threads_on_gil;	/* threads of the process that held or wanted a GIL, each once */
	size_t threads_off_gil; /* that never did; in no entry */
	const struct model_blame *blame; /* the most first */
	size_t blame_count;
	const struct model_bin *series;
	size_t series_count;	/* from the bin of the start on */
	struct hist hold, wait; /* over all threads */
	uint64_t losses[LOSS_KINDS];
};

/* After EV_CAPTURE_END; NULL before. */
const struct model_result *model_result(struct model *m);

/*
 * What is going on now, for a line while the capture runs: open holds and waits that the stream has
 * not told yet.
 */
struct model_open {
	uint32_t gil;
	bool is_wait;
	bool handoff; /* not a hold nor a wait: nobody holds, somebody waits, since from_ns */
	uint64_t from_ns;
};

/*
 * The bin number `index` of the series as it would stand if the capture ended at the bin's end with
 * `open` going on; a GIL's time that neither tells counts as idle. After the stream's end a bin has
 * what was observed in it. False if the series is off, before EV_CAPTURE_START, after the end, or
 * beyond MODEL_MAX_BINS.
 */
bool model_peek_bin(const struct model *m, size_t index, const struct model_open *open,
		    size_t open_count, struct model_bin *bin);

/* Losses counted so far. */
uint64_t model_losses(const struct model *m, enum loss_kind kind);

#endif
