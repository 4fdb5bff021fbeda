/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 gilscope contributors */
/*
 * Collect: from the attached probes to the stream of bpf/events.h, in one order: what exists at the
 * start, the kernel's records, what is open at the end, the losses. Where the stream goes is the
 * caller's.
 */
#ifndef GILSCOPE_COLLECTOR_H
#define GILSCOPE_COLLECTOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "probe/bpf_object.h"
#include "target/target.h"

struct collector;

struct collector_options {
	uint64_t duration_ns; /* 0: until something else ends it */
	uint64_t interval_ns; /* calls on_interval so often; 0: never */
	bool from_birth;      /* the target has not run yet: nothing can be going on, so there is no
				 arming time */
	int stop_fd;	      /* readable: end the capture (a signalfd) */
	void (*on_record)(void *ctx, const void *record, size_t size);
	void (*on_start)(void *ctx); /* the capture has begun; NULL: nobody asks */
	bool (*on_interval)(void *ctx,
			    size_t index); /* number `index` is over; false ends the capture */
	/* stop_fd is readable: true ends the capture */
	bool (*on_stop)(void *ctx);
	void *ctx;
};

/* Owned by the caller; `target`, `skel` and `options` must outlive it. 0, or a negative errno after
 * a message. */
int collector_new(const struct target *target, struct gil_bpf *skel,
		  const struct collector_options *options, struct collector **out);
void collector_free(struct collector *c);

/*
 * Arms the probes and starts the capture: from its return on everything is seen. 0, or a negative
 * errno after a message.
 */
int collector_start(struct collector *c);

/*
 * Follows the capture to its end. When it returns the programs ignore their hits, and the caller
 * detaches them. 0: call collector_finish then; a negative errno after a message if a probe site
 * was not what it was taken for.
 */
int collector_follow(struct collector *c);

/* Feeds what the ring buffer still holds, what is open and what was lost; the stream is complete
 * then. */
void collector_finish(struct collector *c);

/* Holds and waits that are going on now. */
struct open_interval {
	uint32_t gil;
	bool is_wait;
	bool handoff; /* nobody holds, somebody waits */
	uint64_t from_ns;
};
/* At most `max` of them; their number. */
size_t collector_open(struct collector *c, struct open_interval *open, size_t max);

/* When the capture began, in ns since 1970. */
uint64_t collector_start_unix_ns(const struct collector *c);

/* Hits of site `index` of the plan during the capture, at GILs and at other condition variables. */
uint64_t collector_hits(const struct collector *c, size_t index);
uint64_t collector_foreign_hits(const struct collector *c, size_t index);

#endif
