/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 gilscope contributors */
#define _GNU_SOURCE
#include "collect/collector.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "collect/collector_state.h"
#include "collect/detaching.h"
#include "collect/waiting.h"
#include "gil.skel.h"
#include "probe/calibrate.h"
#include "probe/tables.h"
#include "target/process.h"
#include "target/select.h"

/* PROC_PID_INIT_INO (include/linux/proc_ns.h): the inode of the first PID namespace, the same on
 * every machine. */
#define INITIAL_PID_NAMESPACE 0xEFFFFFFCUL

struct traced *collector_by_slot(const struct collector *c, uint32_t slot)
{
	for (size_t i = c->oldest; i < c->traced.count; i++) {
		struct traced *t = c->traced.items[i];
		if (t->shared && t->shared->slot == slot)
			return t;
	}
	return NULL;
}

struct traced *collector_by_pid(const struct collector *c, pid_t pid)
{
	for (size_t i = c->oldest; i < c->traced.count; i++) {
		struct traced *t = c->traced.items[i];
		if (traced_is_live(t) && t->target.pid == pid)
			return t;
	}
	return NULL;
}

bool collector_is_live(const struct collector *c)
{
	for (size_t i = c->oldest; i < c->traced.count; i++)
		if (traced_is_live(c->traced.items[i]))
			return true;
	return false;
}

static bool has_stepped_site(const struct probe_plan *plan)
{
	for (size_t i = 0; i < plan->site_count; i++)
		if (!plan->sites[i].emulated)
			return true;
	return false;
}

struct traced *collector_latest(const struct collector *c, pid_t pid)
{
	const uint32_t place = id_map_get(&c->by_pid, (uint64_t)pid);

	return place == ID_NONE ? NULL : c->by_id.items[place];
}

void collector_put_aside(struct collector *c, struct traced *t)
{
	struct traced **live = &c->traced.items[c->oldest];
	size_t at = 0;

	while (live[at] != t)
		at++;
	memmove(&live[1], &live[0], at * sizeof(*live));
	live[0] = t;
	c->oldest++;
}

/* Only the latest run of a PID may have links: an earlier one has left them to it. */
void collector_detach_ended(struct collector *c, pid_t pid)
{
	struct traced *t = collector_latest(c, pid);

	if (t && !t->shared)
		detaching_start(&c->detaching, &t->attached);
}

/* The latest run of a PID, if it has ended by an exec and still has its links. */
static struct traced *run_before(const struct collector *c, pid_t pid)
{
	struct traced *t = collector_latest(c, pid);

	return t && t->attached.count ? t : NULL;
}

int collector_add(struct collector *c, struct target *target, bool from_birth, uint64_t born_ns)
{
	struct traced *t = traced_new(target, (uint32_t)c->by_id.count + 1);

	t->from_birth = from_birth;
	t->born_ns = born_ns;
	int err = traced_attach(t, c->skel, &c->codes, run_before(c, t->target.pid));
	if (!err)
		err = waiting_watch(c, t);
	if (err) {
		traced_free(t);
		return err;
	}
	if (!c->stepped_hit_ns && has_stepped_site(&t->code->plan))
		c->stepped_hit_ns =
			calibrate_probe(c->skel, false, !c->options.aggregate, &c->attached);
	*VEC_PUSH(&c->traced) = t;
	*VEC_PUSH(&c->by_id) = t;
	id_map_set(&c->by_pid, (uint64_t)t->target.pid, t->id - 1);
	c->due_ns = 0;
	log_info("attached %zu probes to process %d", t->code->plan.site_count, t->target.pid);
	return 0;
}

/* A record of a process whose stream has not begun, or is over, is of nobody's interest. */
static void on_process_record(struct collector *c, struct traced *t, const void *data, size_t size)
{
	const struct ev_head *ev = data;

	if (t->phase != TRACED_RUNNING && t->phase != TRACED_STOPPED)
		return;
	if (ev->kind == EV_HOLD)
		gils_meet(c, t, ((const struct ev_hold *)data)->gil);
	else if (ev->kind == EV_SHORT_HOLDS)
		gils_meet(c, t, ((const struct ev_short_holds *)data)->gil);
	else if (ev->kind == EV_THREAD_HOLDS)
		gils_meet(c, t, ((const struct ev_thread_holds *)data)->gil);
	else if (ev->kind == EV_THREAD_START)
		naming_expect(c, t);
	c->options.on_record(c->options.ctx, data, size);
}

static void on_ring_record(void *ctx, const void *data, size_t size)
{
	struct collector *c = ctx;
	const struct ev_head *ev = data;

	if (size < sizeof(*ev))
		return;
	if (ev->kind >= EV_PROCESS_FORK && ev->kind <= EV_PROCESS_EXIT)
		pending_notice(c, data);
	else if (ev->process && ev->process <= c->by_id.count)
		on_process_record(c, c->by_id.items[ev->process - 1], data, size);
}

static bool in_initial_pid_namespace(void)
{
	struct stat ns;

	return stat("/proc/self/ns/pid", &ns) || ns.st_ino == INITIAL_PID_NAMESPACE;
}

/* Before the target's probes are there, so that measuring takes nothing from the capture. */
static int calibrate(struct collector *c)
{
	c->hit_ns = calibrate_probe(c->skel, true, !c->options.aggregate, &c->attached);
	if (c->skel->bss->own_pid_namespace || in_initial_pid_namespace())
		return 0;
	return log_err(-ENOTSUP, "a probe on gilscope itself was not hit, which would tell the PID "
				 "namespace that it runs in: run gilscope on the host");
}

/* A few for each process that is captured. */
static void allow_many_files(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit))
		return;
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
}

static int open_ring(struct collector *c)
{
	const int err = ring_open(bpf_map__fd(c->skel->maps.events), c->options.ring_size,
				  on_ring_record, c, &c->ring);

	return err ? log_err(err, "cannot map the ring buffer: %s", strerror(-err)) : 0;
}

static int find_cgroup(struct collector_options *options)
{
	const char *path = options->cgroup;

	if (!path)
		return 0;
	options->cgroup = select_cgroup(path);
	if (options->cgroup)
		return 0;
	return log_err(
		-ENOENT,
		"there is no control group %s: give its folder below /sys/fs/cgroup, or its path as "
		"/proc/PID/cgroup shows it",
		path);
}

/* Room for as many threads again as there are; for many, where it is not known who will come. */
static uint32_t hold_slots(const struct collector_options *options)
{
	uint32_t slots = STATE_MIN_HOLD_SLOTS;
	uint64_t threads = 0;
	struct process_status status;

	if (options->follow || options->comm || options->cgroup)
		return STATE_MAX_HOLD_SLOTS;
	for (size_t i = 0; i < options->pid_count; i++)
		if (!process_status(options->pids[i], &status))
			threads += (uint64_t)status.threads;
	while (slots < 2 * threads && slots < STATE_MAX_HOLD_SLOTS)
		slots *= 2;
	return slots;
}

int collector_new(const struct collector_options *options, struct collector **out)
{
	const struct bpf_object_options bpf_options = {
		.ring_size = options->ring_size,
		.hold_slots = options->aggregate ? hold_slots(options) : 0,
	};
	struct collector *c = xcalloc(1, sizeof(*c));

	*out = c;
	c->options = *options;
	c->epoll_fd = -1;
	c->codes.force_libc = options->force_libc;
	allow_many_files();
	int err = find_cgroup(&c->options);
	if (!err)
		err = bpf_object_open(&bpf_options, &c->skel);
	if (!err)
		err = calibrate(c);
	if (!err)
		err = open_ring(c);
	if (!err)
		err = waiting_begin(c);
	if (err)
		return err;
	/* Calibration leaves discarded records, which would keep the ring buffer readable. */
	ring_consume(c->ring);
	err = tables_init(c->skel);
	if (!err)
		err = attachment_attach_tracepoints(&c->attached, c->skel);
	return err ? err : pending_begin(c);
}

void collector_free(struct collector *c)
{
	if (!c)
		return;
	detaching_wait(&c->detaching);
	for (size_t i = 0; i < c->traced.count; i++)
		attachment_move(&c->traced.items[i]->attached, &c->attached);
	attachment_detach(&c->attached);
	for (size_t i = 0; i < c->traced.count; i++)
		traced_free(c->traced.items[i]);
	free(c->traced.items);
	free(c->by_id.items);
	id_map_free(&c->by_pid);
	pending_free(c);
	codes_free(&c->codes);
	ring_close(c->ring);
	waiting_free(c);
	if (c->skel)
		bpf_object_close(c->skel);
	free(c->tids);
	free(c->requests);
	free(c);
}

uint64_t collector_start_ns(const struct collector *c)
{
	return c->start_ns;
}

uint64_t collector_end_ns(const struct collector *c)
{
	return c->end_ns;
}

enum ev_end collector_end(const struct collector *c)
{
	return c->end;
}

uint64_t collector_start_unix_ns(const struct collector *c)
{
	return c->start_unix_ns;
}

uint64_t collector_hit_ns(const struct collector *c, bool emulated)
{
	return emulated ? c->hit_ns : c->stepped_hit_ns;
}

uint64_t collector_missed_ns(const struct collector *c)
{
	return c->missed_ns;
}

bool collector_process(const struct collector *c, size_t index, struct collector_process *out)
{
	if (index >= c->by_id.count)
		return false;
	const struct traced *t = c->by_id.items[index];
	const uint64_t from = collector_since(c, t->born_ns);
	*out = (struct collector_process){
		.id = t->id,
		.target = &t->target,
		.plan = &t->code->plan,
		.unobserved_ns = t->start_ns > from ? t->start_ns - from : 0,
		.hits = t->hits,
		.foreign_hits = t->foreign_hits,
		.probe_cost_ns = overhead_cost_ns(c, t),
	};
	return true;
}

void collector_name_sites(struct collector *c)
{
	codes_name_sites(&c->codes);
}
