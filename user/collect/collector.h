/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 gilscope contributors */
/*
 * Collect: from the processes that were asked for to the stream of bpf/events.h: attaches to each,
 * also to those that begin meanwhile, and feeds in one order what exists at the start, the kernel's
 * records, what is open at the end, the losses. Where the stream goes is the caller's.
 */
#ifndef GILSCOPE_COLLECTOR_H
#define GILSCOPE_COLLECTOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bpf/events.h"
#include "bpf/state.h"
#include "probe/plan.h"
#include "target/target.h"

struct collector;

struct collector_options {
	/* Which processes: those of `pids`, which must be there, */
	const pid_t *pids;
	size_t pid_count;
	pid_t child;	  /* one that was started and has run nothing of its program yet; 0: none */
	bool follow;	  /* the children of all these, there and to come */
	const char *comm; /* all with this name, there and to come; NULL: do not ask */
	const char *cgroup; /* all in this control group or below, as comm */

	bool force_libc;
	bool aggregate;	    /* short holds that nobody waits for are counted, not told one by one */
	uint64_t ring_size; /* bytes */
	uint64_t duration_ns; /* 0: until something else ends it */
	uint64_t interval_ns; /* calls on_interval so often; 0: never */
	int stop_fd;	      /* readable: end the capture (a signalfd) */
	void (*on_record)(void *ctx, const void *record, size_t size);
	void (*on_start)(void *ctx); /* the capture has begun; NULL: nobody asks */
	bool (*on_interval)(void *ctx,
			    size_t index); /* number `index` is over; false ends the capture */
	/* stop_fd is readable: true ends the capture */
	bool (*on_stop)(void *ctx);
	void *ctx;
};

/*
 * Loads the programs and attaches to the processes that are there. Owned by the caller; what
 * `options` points to must outlive it. 0, or a negative errno after a message.
 */
int collector_new(const struct collector_options *options, struct collector **out);
void collector_free(struct collector *c);

/*
 * Arms the probes and starts the capture: from its return on everything is seen. 0, or a negative
 * errno after a message.
 */
int collector_start(struct collector *c);

/*
 * Follows the capture to its end. When it returns the programs ignore their hits and are detached.
 * 0: call collector_finish then; a negative errno after a message if the only process had to be
 * given up.
 */
int collector_follow(struct collector *c);

/* Feeds what the ring buffer still holds, what is open and what was lost; the stream is complete
 * then. */
void collector_finish(struct collector *c);

/* Names the functions that the probes stand in. May take seconds: for after the capture, and only
 * where names are shown. */
void collector_name_sites(struct collector *c);

/* Holds and waits that are going on now. */
struct open_interval {
	uint32_t process; /* number of its records */
	uint32_t gil;
	bool is_wait;
	bool handoff; /* nobody holds, somebody waits */
	uint64_t from_ns;
};
/* At most `max` of them; their number. */
size_t collector_open(struct collector *c, struct open_interval *open, size_t max);

/* When the capture began and ended, CLOCK_MONOTONIC, and when it began in ns since 1970. */
uint64_t collector_start_ns(const struct collector *c);
uint64_t collector_end_ns(const struct collector *c);
enum ev_end collector_end(const struct collector *c);
uint64_t collector_start_unix_ns(const struct collector *c);

/* What a hit costs, measured on ourselves, in ns; 0: not known. */
uint64_t collector_hit_ns(const struct collector *c, bool emulated);

/* Time that processes ran during the capture which were never attached to. */
uint64_t collector_missed_ns(const struct collector *c);

/* What the collector knows of one process; pointers live as long as the collector. */
struct collector_process {
	uint32_t id; /* number of its records */
	const struct target *target;
	const struct probe_plan *plan;
	uint64_t unobserved_ns;		     /* from its birth in the capture to its attach */
	const uint64_t *hits, *foreign_hits; /* by site of the plan, while it was observed */
	uint64_t probe_cost_ns;		     /* what all these hits cost it, as far as is known */
};
/* Number `index` of those that were attached to, in this order; false: there is none. */
bool collector_process(const struct collector *c, size_t index, struct collector_process *out);

#endif
