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
	const uint64_t from = p->born_ns > c->start_ns ? p->born_ns : c->start_ns;

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

static void follow(struct collector *c, pid_t pid)
{
	uint32_t key = (uint32_t)pid, value = 1;

	if (c->options.follow &&
	    bpf_map_update_elem(bpf_map__fd(c->skel->maps.followed), &key, &value, BPF_ANY))
		c->losses[LOSS_process_slots_full]++;
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
	int err = target_resolve(pid, &target);

	if (err) {
		target_free(&target);
		return err;
	}
	follow(c, pid);
	return collector_add(c, &target, false, born_ns);
}

/* Its memory is gone or is another one. */
static bool is_gone(int err)
{
	return err == -ESRCH || err == -ENOENT || err == -EFAULT || err == -ESTALE;
}

/*
 * Tries to attach to a process that is a Python. If it is gone, the notice of its exit or exec tells
 * which of the two it was.
 */
static void attach(struct collector *c, struct pending *p)
{
	const struct traced *parent = p->ppid ? collector_by_pid(c, p->ppid) : NULL;
	char why[512] = "";
	int err;

	p->python = true;
	log_divert(why, sizeof(why));
	err = parent ? add_fork(c, parent, p) : add_found(c, p->pid, p->born_ns);
	log_divert(NULL, 0);
	if (is_gone(err) && p->born_ns) {
		p->next_ns = UINT64_MAX;
		return;
	}
	if (err && !is_gone(err))
		log_warn("process %d is not in the report: run gilscope -v -p %d for the reason",
			 p->pid, p->pid);
	drop(c, p);
}

static void look_again_later(struct collector *c, struct pending *p, uint64_t now)
{
	const uint64_t age = now - p->born_ns;

	if (now >= p->give_up_ns)
		drop(c, p);
	else
		p->next_ns = now + (age < FIRST_LOOK_NS ? FIRST_LOOK_NS : age);
}

static void look(struct collector *c, struct pending *p, uint64_t now)
{
	/* A process that is attached to executed a program, and its end was not read yet. */
	const bool busy = collector_by_pid(c, p->pid) != NULL;
	const int python = p->ppid && collector_by_pid(c, p->ppid) ? 1 : target_maps_python(p->pid);

	if (busy)
		p->next_ns = now + FIRST_LOOK_NS;
	else if (python == 1)
		attach(c, p);
	else if (python < 0)
		drop(c, p);
	else
		look_again_later(c, p, now);
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
		.python = executed ? !strncmp(ev->comm, "python", 6)
				   : collector_by_pid(c, (pid_t)ev->ppid) != NULL,
		.give_up_ns = ev->at_ns + (executed ? LAST_LOOK_NS : 0),
	};
}

/* Whether an exec ended a run that was captured: it goes on if the program is a Python again. */
static bool was_traced(const struct collector *c, const struct ev_process *ev)
{
	return ev->head.process && ev->head.process <= c->traced.count;
}

void pending_notice(struct collector *c, const struct ev_process *ev)
{
	struct pending *p;

	switch (ev->head.kind) {
	case EV_PROCESS_FORK:
		if (ev->followed || matches(c, (pid_t)ev->pid))
			add(c, ev);
		break;
	case EV_PROCESS_EXEC:
		if (ev->followed || was_traced(c, ev) || matches(c, (pid_t)ev->pid))
			add(c, ev);
		else if ((p = find(c, (pid_t)ev->pid)))
			drop(c, p);
		break;
	case EV_PROCESS_EXIT:
		p = find(c, (pid_t)ev->pid);
		if (p) {
			miss(c, p, ev->at_ns);
			drop(c, p);
		}
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

	if (is_followed(c, pid) || collector_by_pid(c, pid) || find(c, pid))
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
		int err = add_found(c, c->options.pids[i], 0);
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

	/* Backwards: looking at one may take it out, and puts the last in its place. */
	for (size_t i = c->pending.count; i-- > 0;)
		if (c->pending.items[i].next_ns <= now)
			look(c, &c->pending.items[i], now);
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

void pending_free(struct collector *c)
{
	free(c->pending.items);
	c->pending = (struct pending_list){0};
}
