/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 gilscope contributors */
/* What the collector keeps, for the files that it is made of. */
#ifndef GILSCOPE_COLLECTOR_STATE_H
#define GILSCOPE_COLLECTOR_STATE_H

#include "base/id_map.h"
#include "bpf/events.h"
#include "collect/collector.h"
#include "collect/pending.h"
#include "collect/ring.h"
#include "collect/traced.h"

struct collector {
	struct collector_options options;
	struct gil_bpf *skel;
	struct attachment attached; /* tracepoints, calibration, and links to detach at the end */
	struct codes codes;
	struct ring *ring;
	bool cut;	 /* the last record that was looked at is not complete */
	int epoll_fd;	 /* what is slept for; -1: none yet */
	uint32_t news;	 /* of the programs, that were looked at */
	uint64_t due_ns; /* when one of `traced` has to be looked at, without news; 0: now */
	uint64_t hit_ns, stepped_hit_ns;

	/* Those before `oldest` are closed or dropped; the others stand in the order of their ids, so
	 * that a walk over them takes no longer for all that have ended. */
	struct {
		struct traced **items;
		size_t count, cap;
	} traced;
	size_t oldest;
	/* All, by id: number 1 first. */
	struct {
		struct traced **items;
		size_t count, cap;
	} by_id;
	struct id_map by_pid; /* the place in by_id of a PID's latest run */
	struct pending_list pending;
	uint64_t check_ns;     /* when the overhead is looked at next */
	uint64_t next_scan_ns; /* for processes that match by now */
	struct detaching *detaching;

	bool started;
	uint64_t start_ns, start_unix_ns, end_ns;
	enum ev_end end;
	size_t interval;	     /* number of the one that is running */
	uint64_t losses[LOSS_KINDS]; /* counted here, beside the programs' */
	uint64_t missed_ns;	     /* that processes ran which were never attached to */

	/* What requests_read found; STATE_MAX_THREADS entries each, allocated at the first call. */
	uint32_t *tids;
	struct request *requests;
};

/* The traced that is not closed yet and whose slot or process it is; NULL: none. */
struct traced *collector_by_slot(const struct collector *c, uint32_t slot);
struct traced *collector_by_pid(const struct collector *c, pid_t pid);

/* The latest run of a PID, closed or not; NULL: none. */
struct traced *collector_latest(const struct collector *c, pid_t pid);

/* It is closed or dropped, and not among those that are walked over any more. */
void collector_put_aside(struct collector *c, struct traced *t);

/* Attaches to a process, whose target becomes ours in any case. 0: it is armed; a negative errno
 * after a message. */
int collector_add(struct collector *c, struct target *target, bool from_birth, uint64_t born_ns);

/* Detaches, beside the capture, the links of runs of a PID that have ended. */
void collector_detach_ended(struct collector *c, pid_t pid);

/* Since when a process that was born then belongs to the capture. */
static inline uint64_t collector_since(const struct collector *c, uint64_t born_ns)
{
	return born_ns > c->start_ns ? born_ns : c->start_ns;
}

/* Whether anybody is armed or captured. */
bool collector_is_live(const struct collector *c);

/* lifecycle.c: from the arming on the programs emit. False: it has ended meanwhile. */
bool traced_emit(struct collector *c, struct traced *t);
/* Its stream begins, at an instant since when the programs emit. */
void traced_begin(struct collector *c, struct traced *t, uint64_t at_ns);
/* Its end mark: what happens from `at_ns` on is not part of the stream. */
void traced_finish(struct collector *c, struct traced *t, enum ev_end end, uint64_t at_ns);
/* After its last record: what is open (`requests`: see gils_close), and its end. */
void traced_close(struct collector *c, struct traced *t, size_t requests);
/* A process that has ended, or executed another program; all its records have been read. */
void traced_end(struct collector *c, struct traced *t);
/* A process whose stream has not begun, and never will; its time until then is told. */
void traced_drop(struct collector *c, struct traced *t, uint64_t end_ns);
/*
 * A process whose probes are not what they were taken for: what it did cannot be trusted. Says so;
 * a negative errno if there is nobody else.
 */
int traced_give_up(struct collector *c, struct traced *t);

/*
 * arming.c: whether every thread that waits for a GIL of the process has passed its probe since the
 * programs track it, or so much time has passed that this is told and not waited for any more. If
 * not, t->next_look_ns says when to ask again.
 */
bool arming_is_done(struct collector *c, struct traced *t);

/* records.c: puts one record of ours into the stream. */
void record_mark(struct collector *c, const struct traced *t, enum ev_kind kind, uint64_t at_ns,
		 enum ev_end end);
void record_gil(struct collector *c, const struct traced *t, uint32_t slot,
		const struct gil_info *info);
void record_hold(struct collector *c, const struct traced *t, const struct ev_hold *hold);
void record_short_holds(struct collector *c, const struct traced *t, uint32_t slot);
void record_gil_end(struct collector *c, const struct traced *t, uint32_t slot);
void record_wait_open(struct collector *c, const struct traced *t, uint32_t tid,
		      const struct request *request);
/* What the programs and the collector lost; of no process. */
void record_losses(struct collector *c);
/* The names that the process's threads have now. */
void record_threads(struct collector *c, const struct traced *t);
/* A name in Python that a thread had from at_ns on, if not before. */
void record_python_name(struct collector *c, const struct traced *t, pid_t tid, uint64_t at_ns,
			const char *name);

/* thread_holds.c: short holds that begin from then on are counted, if that was asked for. */
void thread_holds_begin(const struct collector *c, struct traced *t, uint64_t from_ns);
/* None that ends from now on is: to be called before the time of the end is taken. */
void thread_holds_end(struct traced *t);
/* Puts what was counted and not told into the stream; the programs are done with the process. */
void thread_holds_take(struct collector *c, const struct traced *t);
/* Forgets it: the process is given up. */
void thread_holds_drop(struct collector *c, const struct traced *t);

/* requests.c: copies the requests that are open now into c->tids and c->requests; their number. */
size_t requests_read(struct collector *c);
/* The thread's request is nobody's any more. */
void requests_forget(struct collector *c, uint32_t tid);

/* gils.c: finds the GILs of the process that the programs have met since the last time. */
void gils_discover(struct traced *t);
/* The same, and all that is due for them: adds those that the interpreter has and the programs
 * cannot find by themselves, and asks for what is not known of one. When to come again, without
 * news. */
uint64_t gils_attend(struct collector *c, struct traced *t);
/* Before a record of a GIL: it is in the stream, if it was met just now. */
void gils_meet(struct collector *c, struct traced *t, uint32_t slot);
/* The longest switch interval of the process, in ns. */
uint64_t gils_longest_interval(const struct traced *t);
/* Puts an EV_GIL into the stream for each GIL that is new, or of which more is known now. */
void gils_announce(struct collector *c, struct traced *t);
/* The same for all again: switch intervals and interpreters may have changed. */
void gils_announce_again(struct collector *c, struct traced *t);
/* Asks the process's memory who holds the GILs that have had no event. */
void gils_read_at_start(struct collector *c, struct traced *t);
/* Puts what is open at the end into the stream; `requests` of those that requests_read found. */
void gils_close(struct collector *c, struct traced *t, size_t requests);
/* Hits of one site of the plan since the stream of the process began, foreign ones too. */
uint64_t gils_hits(const struct collector *c, const struct traced *t, size_t site);
/* Adds (sign 1) or subtracts (-1) the hits so far to those of the process. */
void gils_count_hits(const struct collector *c, struct traced *t, int sign);

#endif
