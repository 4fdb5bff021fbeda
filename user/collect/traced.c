/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 gilscope contributors */
#define _GNU_SOURCE
#include "collect/traced.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "gil.skel.h"
#include "probe/code.h"
#include "probe/reach.h"
#include "probe/tables.h"

static int watch_end(struct traced *t)
{
	t->pid_fd = (int)syscall(SYS_pidfd_open, t->target.pid, 0);
	if (t->pid_fd >= 0)
		return 0;
	return log_err(-errno, "cannot watch process %d: %s", t->target.pid, strerror(errno));
}

/* Gives the GILs that exist their slots, so that the programs know them at once. */
static int add_gils(struct gil_bpf *skel, struct traced *t)
{
	struct gil_info infos[TARGET_MAX_GILS];
	const int count = target_read_gils(&t->target, infos, ARRAY_SIZE(infos));

	for (int i = 0; i < count; i++) {
		const uint32_t slot = tables_add_gil(skel, t->shared, infos[i].address, 0);
		if (slot != STATE_NO_GIL)
			*VEC_PUSH(&t->gils) = (struct traced_gil){.slot = slot};
	}
	if (count < 0)
		return log_err(-ESRCH, "process %d ended before the capture began", t->target.pid);
	return 0;
}

struct traced *traced_new(struct target *target, uint32_t id)
{
	struct traced *t = xcalloc(1, sizeof(*t));

	t->id = id;
	t->target = *target;
	t->pid_fd = -1;
	return t;
}

/*
 * An exec of the same interpreter leaves the links where they are, in the new memory too; unless the
 * PID is another process's by now.
 */
static int attach_sites(struct traced *t, struct traced *before)
{
	const struct probe_plan *plan = &t->code->plan;

	if (before && before->code == t->code &&
	    probes_reach(&t->target, code_file(&t->target, plan), plan)) {
		attachment_move(&before->attached, &t->attached);
		return 0;
	}
	if (before)
		attachment_detach(&before->attached);
	return attachment_attach(&t->attached, t->code->programs, &t->target, plan);
}

static int attach(struct traced *t, struct gil_bpf *skel, struct codes *codes,
		  struct traced *before)
{
	int err = watch_end(t);

	if (err)
		return err;
	t->code = codes_find(codes, skel, &t->target, &err);
	if (err)
		return err;
	t->shared = tables_add_process(skel, &t->target, &t->code->plan, t->code->index, t->id);
	if (!t->shared)
		return -ENOSPC;
	err = attach_sites(t, before);
	return err || t->from_birth ? err : add_gils(skel, t);
}

int traced_attach(struct traced *t, struct gil_bpf *skel, struct codes *codes,
		  struct traced *before)
{
	int err = attach(t, skel, codes, before);

	if (!err && !traced_advance(t, STATE_OFF, STATE_ARMED))
		err = -ESRCH;
	/* Where a process runs on with its probes, programs may be at work on the slot. */
	if (err && t->shared)
		tables_remove_process(skel, t->shared, !t->attached.count || traced_is_over(t));
	t->armed_ns = clock_mono_ns();
	return err;
}

void traced_free(struct traced *t)
{
	if (!t)
		return;
	attachment_detach(&t->attached);
	target_free(&t->target);
	if (t->pid_fd >= 0)
		close(t->pid_fd);
	naming_free(&t->naming);
	free(t->gils.items);
	free(t);
}

bool traced_has_ended(const struct traced *t)
{
	return t->gone || (traced_state(t) == STATE_STOPPED && t->shared->stop.reason != STOP_NONE);
}

bool traced_is_gone(const struct traced *t)
{
	struct pollfd fd = {.fd = t->pid_fd, .events = POLLIN};

	return poll(&fd, 1, 0) > 0;
}

bool traced_advance(struct traced *t, enum capture_state from, enum capture_state to)
{
	uint32_t expected = from;

	return __atomic_compare_exchange_n(&t->shared->state, &expected, (uint32_t)to, false,
					   __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
}

void traced_stop_programs(struct traced *t)
{
	__atomic_store_n(&t->shared->state, (uint32_t)STATE_STOPPED, __ATOMIC_SEQ_CST);
}
