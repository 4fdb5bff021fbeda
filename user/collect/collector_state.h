/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 gilscope contributors */
/* What the collector keeps, for the files that it is made of. */
#ifndef GILSCOPE_COLLECTOR_STATE_H
#define GILSCOPE_COLLECTOR_STATE_H

#include <bpf/libbpf.h>

#include "bpf/events.h"
#include "collect/collector.h"

/* What the process's memory said of a GIL that had no event when the capture began. */
struct held_at_start {
	bool held;
	uint32_t tid; /* 0: it could not be told */
};

struct collector {
	const struct target *target;
	struct gil_bpf *skel;
	struct collector_options options;
	struct ring_buffer *ring;
	int pid_fd;

	uint64_t start_ns, start_unix_ns, end_ns;
	enum ev_end end;
	uint64_t hits_before[STATE_MAX_SITES], foreign_before[STATE_MAX_SITES]; /* the start */
	uint64_t last_exit_ns; /* the last thread's end that was seen */
	size_t interval;       /* number of the one that is running */

	size_t announced; /* GILs whose EV_GIL is in the stream: slots 0 to announced - 1 */
	size_t informed;  /* of these, the first so many with what the interpreter says of them */
	struct held_at_start at_start[STATE_MAX_GILS];

	/* What requests_read found; STATE_MAX_THREADS entries each, allocated at the first call. */
	uint32_t *tids;
	struct request *requests;
};

/* collector.c: whether the process has ended. */
bool target_ended(const struct collector *c);
/* Sleeps until something happens, at most until `until_ns`; true if stop_fd is readable. */
bool wait_for_events(struct collector *c, uint64_t until_ns);

/*
 * arming.c: returns when every thread that waits for a GIL has passed its probe since the programs
 * track, or after a limit, with a warning. 0; -ESRCH: the process has ended; -EINTR: the user ended
 * it. No message for these.
 */
int await_waiters(struct collector *c);

/* records.c: puts one record of ours into the stream. */
void record_mark(struct collector *c, enum ev_kind kind, uint64_t at_ns, enum ev_end end);
void record_gil(struct collector *c, uint32_t slot, const struct gil_info *info);
void record_hold(struct collector *c, const struct ev_hold *hold);
void record_gil_end(struct collector *c, uint32_t slot);
void record_wait_open(struct collector *c, uint32_t tid, const struct request *request);
void record_losses(struct collector *c);
/* The names that the process's threads have now. */
void record_threads(struct collector *c);

/* requests.c: copies the requests that are open now into c->tids and c->requests; their number. */
size_t requests_read(struct collector *c);

/*
 * gils.c: gives the GILs that exist their slots; 0, or -ESRCH without a message: the process has
 * ended.
 */
int gils_prepare(struct collector *c);
/* The longest switch interval of them, in ns. */
uint64_t gils_longest_interval(struct collector *c);
/* Puts an EV_GIL into the stream for each slot that is new, or of which more is known now. */
void gils_announce(struct collector *c);
/* The same for all again: switch intervals and interpreters may have changed. */
void gils_announce_again(struct collector *c);
/* Asks the process's memory who holds the GILs that have had no event. */
void gils_read_at_start(struct collector *c);
/* How many threads wait now, at all GILs. */
uint64_t gils_waiters(const struct collector *c);
/* Puts what is open at the end into the stream. */
void gils_close(struct collector *c);

#endif
