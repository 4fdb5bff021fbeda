/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 gilscope contributors */
#include "collect/pending.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <bpf/bpf.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "collect/collector_state.h"
#include "gil.skel.h"
#include "target/process.h"
#include "target/select.h"

/* After an exec the loader maps the interpreter within milliseconds; a program that embeds one may
 * take longer. */
#define FIRST_LOOK_NS NSEC_PER_MSEC
#define LAST_LOOK_NS NSEC_PER_SEC
/* Names and control groups change without an event. */
#define SCAN_NS (2 * NSEC_PER_SEC)
/* Of a process that is gone, until a notice says why. */
#define MAX_TRIES 3
/* A tree that grows faster than it is scanned is left to the notices. */
#define MAX_SCANS 10

static bool by_name(const struct collector *c)
{
	return c->options.comm || c->options.cgroup;
}

static bool matches(const struct collector *c, pid_t pid)
{
	return (c->options.comm && select_by_comm(pid, c->options.comm)) ||
	       (c->options.cgroup && select_by_cgroup(pid, c->options.cgroup));
}

static struct pending *find(const struct collector *c, pid_t pid)
{
	for (size_t i = 0; i < c->pending.count; i++)
		if (c->pending.items[i].pid == pid)
			return &c->pending.items[i];
	return NULL;
}

static void drop(struct collector *c, struct pending *p)
{
	*p = c->pending.items[--c->pending.count];
}

/* It has ended, unseen. */
static void miss(struct collector *c, const struct pending *p, uint64_t end_ns)
{
	const uint64_t from = collector_since(c, p->born_ns);

	if (!p->python || !c->started || end_ns <= from)
		return;
	c->losses[LOSS_process_missed]++;
	c->missed_ns += end_ns - from;
}

static bool is_followed(const struct collector *c, pid_t pid)
{
	uint32_t key = (uint32_t)pid, value;

	return !bpf_map_lookup_elem(bpf_map__fd(c->skel->maps.followed), &key, &value);
}

/*
 * Its children are told of from here on. Only its exit takes it out again, so one that is dead
 * already must not stay: an exit after the insert is seen by the programs, one before it here.
 */
static void follow(struct collector *c, pid_t pid)
{
	const int followed = bpf_map__fd(c->skel->maps.followed);
	uint32_t key = (uint32_t)pid, value = 1;
	struct process_status status;

	if (!c->options.follow)
		return;
	if (bpf_map_update_elem(followed, &key, &value, BPF_ANY))
		c->losses[LOSS_process_slots_full]++;
	if (process_status(pid, &status) || (status.zombie && status.threads <= 1))
		bpf_map_delete_elem(followed, &key);
}

/* What was forked from a process that is traced has its memory, and needs no analysis. */
static int add_fork(struct collector *c, const struct traced *parent, const struct pending *p)
{
	struct target target;

	target_fork(&parent->target, p->pid, &target);
	return collector_add(c, &target, false, p->born_ns);
}

static int add_found(struct collector *c, pid_t pid, uint64_t born_ns)
{
	struct target target;

	follow(c, pid);
	int err = target_resolve(pid, &target);
	if (err) {
		target_free(&target);
		return err;
	}
	return collector_add(c, &target, false, born_ns);
}

/*
 * What was forked from `parent`'s present program, and not from one that it ran before an exec.
 */
static const struct traced *parent_of(const struct collector *c, const struct pending *p)
{
	const struct traced *parent = p->ppid ? collector_by_pid(c, p->ppid) : NULL;

	return parent && parent->born_ns <= p->born_ns ? parent : NULL;
}

/* Its memory is gone or, if it was forked, has become another program's. */
static bool is_gone(const struct pending *p, int err)
{
	return err == -ESRCH || err == -ENOENT || err == -EFAULT || (err == -ESTALE && p->ppid);
}

static void refuse(struct collector *c, const struct pending *p, const char *why)
{
	log_warn("process %d is not in the report: %s", p->pid, why);
	*VEC_PUSH(&c->pending.refused) = p->pid;
}

static bool is_refused(const struct collector *c, pid_t pid)
{
	for (size_t i = 0; i < c->pending.refused.count; i++)
		if (c->pending.refused.items[i] == pid)
			return true;
	return false;
}

/* It is gone: the notice of its exit or exec tells which of the two it was, unless that is lost. */
static void await_notice(struct collector *c, struct pending *p)
{
	const uint64_t now = clock_mono_ns();

	if (p->born_ns && p->tries++ < MAX_TRIES) {
		p->next_ns = now + LAST_LOOK_NS;
		return;
	}
	miss(c, p, now);
	drop(c, p);
}

/* Tries to attach to a process that is a Python. */
static void attach(struct collector *c, struct pending *p)
{
	const struct traced *parent = parent_of(c, p);
	char why[512] = "";

	p->python = true;
	log_divert(why, sizeof(why));
	const int err = parent ? add_fork(c, parent, p) : add_found(c, p->pid, p->born_ns);
	log_divert(NULL, 0);
	if (err && is_gone(p, err)) {
		await_notice(c, p);
		return;
	}
	if (err)
		refuse(c, p, why);
	drop(c, p);
}

/* Whether it was attached to since: what is told of it is old news. */
static bool was_attached(const struct collector *c, const struct pending *p)
{
	const struct traced *t = collector_latest(c, p->pid);

	return t && t->armed_ns > p->born_ns;
}

static void look_again_later(struct collector *c, struct pending *p, uint64_t now)
{
	const uint64_t age = now - p->born_ns;

	if (now >= p->give_up_ns) {
		collector_detach_ended(c, p->pid);
		drop(c, p);
	} else {
		p->next_ns = now + (age < FIRST_LOOK_NS ? FIRST_LOOK_NS : age);
	}
}

/* True: it was attached to, or that was tried, which takes its time. */
static bool look(struct collector *c, struct pending *p, uint64_t now)
{
	if (was_attached(c, p)) {
		drop(c, p);
		return false;
	}
	/* A process that is attached to executed a program, and its end was not read yet. */
	if (collector_by_pid(c, p->pid)) {
		p->next_ns = now + FIRST_LOOK_NS;
		return false;
	}
	const int python = parent_of(c, p) ? 1 : target_maps_python(p->pid);
	if (python == 1) {
		attach(c, p);
		return true;
	}
	if (python < 0 && p->python)
		await_notice(c, p);
	else if (python < 0)
		drop(c, p);
	else
		look_again_later(c, p, now);
	return false;
}

static void add(struct collector *c, const struct ev_process *ev)
{
	const bool executed = ev->head.kind == EV_PROCESS_EXEC;
	struct pending *p = find(c, (pid_t)ev->pid);

	if (!p)
		p = VEC_PUSH(&c->pending);
	*p = (struct pending){
		.pid = (pid_t)ev->pid,
		.ppid = executed ? 0 : (pid_t)ev->ppid,
		.born_ns = ev->at_ns,
		.give_up_ns = ev->at_ns + (executed ? LAST_LOOK_NS : 0),
	};
	p->python = executed ? !strncmp(ev->comm, "python", 6) : parent_of(c, p) != NULL;
}

/* Whether an exec ended a run that was captured: it goes on if the program is a Python again. */
static bool was_traced(const struct collector *c, const struct ev_process *ev)
{
	return ev->head.process && ev->head.process <= c->by_id.count;
}

/* By the name in the notice: a process may be gone before its own can be read. */
static bool event_matches(const struct collector *c, const struct ev_process *ev)
{
	return (c->options.comm && !strncmp(ev->comm, c->options.comm, EV_COMM_LEN - 1)) ||
	       matches(c, (pid_t)ev->pid);
}

static void forget_refusal(struct collector *c, pid_t pid)
{
	for (size_t i = 0; i < c->pending.refused.count; i++)
		if (c->pending.refused.items[i] == pid)
			c->pending.refused.items[i--] =
				c->pending.refused.items[--c->pending.refused.count];
}

static void end(struct collector *c, const struct ev_process *ev)
{
	struct pending *p = find(c, (pid_t)ev->pid);

	forget_refusal(c, (pid_t)ev->pid);
	collector_detach_ended(c, (pid_t)ev->pid);
	if (!p)
		return;
	if (!was_attached(c, p))
		miss(c, p, ev->at_ns);
	drop(c, p);
}

void pending_notice(struct collector *c, const struct ev_process *ev)
{
	struct pending *p;

	switch (ev->head.kind) {
	case EV_PROCESS_FORK:
		if (ev->followed || event_matches(c, ev))
			add(c, ev);
		break;
	case EV_PROCESS_EXEC:
		forget_refusal(c, (pid_t)ev->pid);
		if (ev->followed || was_traced(c, ev) || event_matches(c, ev))
			add(c, ev);
		else if ((p = find(c, (pid_t)ev->pid)))
			drop(c, p);
		break;
	case EV_PROCESS_EXIT:
		end(c, ev);
		break;
	}
}

struct scan {
	struct collector *c;
	bool grown;
};

/* A process that is there: is it one of ours? */
static void examine(void *ctx, pid_t pid, pid_t ppid)
{
	struct scan *scan = ctx;
	struct collector *c = scan->c;

	if (is_followed(c, pid) || collector_by_pid(c, pid) || find(c, pid) || is_refused(c, pid))
		return;
	const bool child = is_followed(c, ppid);
	if (!child && !matches(c, pid))
		return;
	scan->grown |= child;
	if (child)
		follow(c, pid);
	if (target_maps_python(pid) != 1)
		return;
	struct pending *p = VEC_PUSH(&c->pending);
	*p = (struct pending){.pid = pid};
	attach(c, p);
}

static void scan_all(struct collector *c)
{
	struct scan scan = {.c = c, .grown = true};

	for (int i = 0; i < MAX_SCANS && scan.grown; i++) {
		scan.grown = false;
		select_each(examine, &scan);
	}
	c->next_scan_ns = clock_mono_ns() + SCAN_NS;
}

static int add_named(struct collector *c)
{
	for (size_t i = 0; i < c->options.pid_count; i++) {
		const pid_t pid = c->options.pids[i];

		/* A shell or a launcher: it is about what it starts. */
		follow(c, pid);
		if (c->options.follow && !target_maps_python(pid))
			continue;
		int err = add_found(c, pid, 0);
		if (err)
			return err;
	}
	return 0;
}

static int add_child(struct collector *c)
{
	struct target target;

	follow(c, c->options.child);
	if (c->options.follow && target_maps_python(c->options.child) != 1)
		return 0; /* its exec of one, or a child, will be told */
	int err = target_resolve(c->options.child, &target);
	if (!err)
		return collector_add(c, &target, true, 0);
	target_free(&target);
	return err;
}

int pending_begin(struct collector *c)
{
	int err = add_named(c);

	c->skel->bss->watch_all = by_name(c);
	if (!err && c->options.child)
		err = add_child(c);
	if (!err && (c->options.follow || by_name(c)))
		scan_all(c);
	return err;
}

void pending_step(struct collector *c)
{
	const uint64_t now = clock_mono_ns();

	/* Backwards: looking at one may take it out, and puts the last in its place. One attach at a
	 * time: the ring buffer is emptied in between. */
	for (size_t i = c->pending.count; i-- > 0;)
		if (c->pending.items[i].next_ns <= now && look(c, &c->pending.items[i], now))
			return;
	if (by_name(c) && now >= c->next_scan_ns)
		scan_all(c);
}

uint64_t pending_next_ns(const struct collector *c)
{
	uint64_t next = by_name(c) ? c->next_scan_ns : UINT64_MAX;

	for (size_t i = 0; i < c->pending.count; i++)
		if (c->pending.items[i].next_ns < next)
			next = c->pending.items[i].next_ns;
	return next;
}

bool pending_is_open(const struct collector *c)
{
	uint32_t key;

	return by_name(c) || c->pending.count ||
	       !bpf_map_get_next_key(bpf_map__fd(c->skel->maps.followed), NULL, &key);
}

void pending_end(struct collector *c)
{
	for (size_t i = 0; i < c->pending.count; i++) {
		const struct pending *p = &c->pending.items[i];
		const uint64_t from = collector_since(c, p->born_ns);

		if (p->python && !was_attached(c, p) && c->end_ns > from)
			c->missed_ns += c->end_ns - from;
	}
}

void pending_free(struct collector *c)
{
	free(c->pending.refused.items);
	free(c->pending.items);
	c->pending = (struct pending_list){0};
}
