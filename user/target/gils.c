/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 gilscope contributors */
/* The GILs of a running interpreter, from its memory. */
#include <errno.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "target/process.h"
#include "target/target.h"

/* The list changes while it is read: a bound ends a walk that went astray. */
#define MAX_INTERPRETERS 4096

static bool read_pointer(pid_t pid, uint64_t address, uint64_t *value)
{
	return !process_read(pid, address, value, sizeof(*value));
}

int target_read_gil(const struct target *target, uint64_t gil, struct gil_memory *out)
{
	int err = process_read(target->pid, gil + target->off.gil_locked, &out->locked,
			       sizeof(out->locked));

	if (!err)
		err = process_read(target->pid, gil + target->off.gil_last_holder,
				   &out->last_holder, sizeof(out->last_holder));
	return err;
}

/* What every initialized GIL fulfils: if this one does not, we look at the wrong place. */
static bool plausible(const struct target *target, uint64_t gil, uint64_t *interval_us)
{
	struct gil_memory memory;

	if (gil % 8 || target_read_gil(target, gil, &memory) ||
	    !read_pointer(target->pid, gil + target->off.gil_interval, interval_us))
		return false;
	return (memory.locked == 0 || memory.locked == 1) && *interval_us >= 1 &&
	       *interval_us <= NSEC_PER_SEC && memory.last_holder % 8 == 0;
}

static struct gil_info *find_or_add(struct gil_info *gils, size_t *count, size_t max,
				    uint64_t address)
{
	for (size_t i = 0; i < *count; i++)
		if (gils[i].address == address)
			return &gils[i];
	if (*count == max)
		return NULL;
	gils[*count] = (struct gil_info){.address = address};
	return &gils[(*count)++];
}

static void add_interpreter(struct gil_info *gil, int64_t id)
{
	if (gil->interp_count < ARRAY_SIZE(gil->interp_ids))
		gil->interp_ids[gil->interp_count] = id;
	gil->interp_count++;
}

int target_read_gils(const struct target *target, struct gil_info *gils, size_t max)
{
	const struct py_offsets *off = &target->off;
	const pid_t pid = target->pid;
	size_t count = 0;
	uint64_t interp;

	if (!read_pointer(pid, target->runtime + off->runtime_interpreters_head, &interp))
		return -EFAULT;
	for (int i = 0; interp && i < MAX_INTERPRETERS; i++) {
		uint64_t address = target->runtime + off->runtime_gil, id = 0, interval_us;
		bool ok = read_pointer(pid, interp + off->interp_id, &id);

		if (ok && off->interp_gil)
			ok = read_pointer(pid, interp + off->interp_gil, &address);
		/* An interpreter that is being made or torn down has no GIL, or one that is not
		 * initialized. */
		if (ok && address && plausible(target, address, &interval_us)) {
			struct gil_info *gil = find_or_add(gils, &count, max, address);
			if (gil) {
				gil->switch_interval_ns = interval_us * NSEC_PER_USEC;
				add_interpreter(gil, (int64_t)id);
			}
		}
		if (!read_pointer(pid, interp + off->interp_next, &interp))
			break;
	}
	return (int)count;
}

/*
 * 3.11 and later keep the kernel's id, as the process's own PID namespace has it. Before, thread_id
 * is the pthread_t, and the C library has the kernel's id in what that points to.
 */

pid_t target_tstate_tid(const struct target *target, uint64_t tstate)
{
	const struct py_offsets *off = &target->off;
	uint64_t value = 0;
	int tid = 0;

	if (!tstate)
		return 0;
	if (off->tstate_native_id) {
		if (!read_pointer(target->pid, tstate + off->tstate_native_id, &value))
			return 0;
		tid = (int)value;
	} else {
		if (!read_pointer(target->pid, tstate + off->tstate_thread_id, &value) ||
		    process_read(target->pid, value + off->pthread_tid, &tid, sizeof(tid)))
			return 0;
	}
	return process_thread_by_ns_tid(target->pid, tid);
}
