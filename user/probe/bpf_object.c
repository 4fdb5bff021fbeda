/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 gilscope contributors */
#define _GNU_SOURCE
#include "probe/bpf_object.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "base/log.h"
#include "gil.skel.h"
#include "probe/multi.h"

_Static_assert(STATE_MAX_SITES == PLAN_MAX_SITES, "one table entry a site");
_Static_assert(STATE_MAX_RETURNS == PLAN_MAX_RETURNS, "one table entry a return address");
_Static_assert((int)SITE_WAIT == (int)ROLE_WAIT && (int)SITE_ACQUIRE == (int)ROLE_ACQUIRE &&
		       (int)SITE_RELEASE == (int)ROLE_RELEASE &&
		       (int)SITE_LIBC_WAIT == (int)ROLE_LIBC_WAIT &&
		       (int)SITE_LIBC_SIGNAL == (int)ROLE_LIBC_SIGNAL,
	       "the roles of the plan are those of the programs");

/* libbpf's own messages help those who debug gilscope, not its users. */
static int print_libbpf(enum libbpf_print_level level, const char *fmt, va_list args)
{
	(void)level;
	if (log_get_level() < LOG_DEBUG)
		return 0;
	return vfprintf(stderr, fmt, args);
}

/* A multiplier that gives each site a place of its own in the table. */
static uint64_t find_multiplier(const struct probe_plan *plan, uint64_t bias)
{
	uint64_t multiplier = 0x9e3779b97f4a7c15; /* 2^64 / golden ratio: spreads well, is odd, as
						     are its successors */

	for (;; multiplier += 0x632be59bd9b4e01a) {
		bool taken[STATE_SITE_TABLE] = {0}, ok = true;

		for (size_t i = 0; i < plan->site_count && ok; i++) {
			bool *place = &taken[site_slot(plan->sites[i].vaddr + bias, multiplier)];
			ok = !*place;
			*place = true;
		}
		if (ok)
			return multiplier;
	}
}

static void fill_tables(struct gil_bpf *skel, const struct probe_plan *plan,
			const struct target *target)
{
	const bool libc = plan->method == PLAN_LIBC_ENTRY;
	const uint64_t bias = libc ? target->libc.bias : target->python.bias;

	skel->bss->site_multiplier = find_multiplier(plan, bias);
	for (size_t i = 0; i < plan->site_count; i++) {
		const struct probe_site *from = &plan->sites[i];
		const uint64_t ip = from->vaddr + bias;

		skel->bss->sites[site_slot(ip, skel->bss->site_multiplier)] = (struct site){
			.ip = ip,
			.index = (uint32_t)i,
			.cfa_offset = from->has_cfa && plan->forced_known ? from->cfa_offset : 0,
			.role = (uint8_t)from->role,
			.forced = from->forced,
		};
	}
	for (size_t i = 0; i < plan->return_count; i++)
		skel->bss->returns[i] = (struct return_site){
			.ip = plan->returns[i].vaddr + target->python.bias,
			.cfa_offset = plan->returns[i].cfa_offset,
			.forced = plan->returns[i].forced,
		};
}

/* Says why the kernel did not take the programs. */
static int explain_failure(int err)
{
	struct utsname kernel;

	uname(&kernel);
	if (err == -EPERM || err == -EACCES)
		return log_err(
			err,
			"the kernel refuses BPF programs (%s): run gilscope as root or with CAP_BPF, CAP_PERFMON "
			"and CAP_SYS_PTRACE; in a container, with --privileged; and see that the kernel is not locked down "
			"(/sys/kernel/security/lockdown)",
			strerror(-err));
	if (libbpf_probe_bpf_map_type(BPF_MAP_TYPE_RINGBUF, NULL) == 0)
		return log_err(
			-ENOTSUP,
			"kernel %s has no BPF ring buffer: gilscope needs Linux 5.8 or later",
			kernel.release);
	if (access("/sys/kernel/btf/vmlinux", R_OK))
		return log_err(
			-ENOTSUP,
			"kernel %s offers no type information (no /sys/kernel/btf/vmlinux): use a kernel built with "
			"CONFIG_DEBUG_INFO_BTF=y, as those of the distributions are",
			kernel.release);
	if (err == -ENOMEM)
		return log_err(err, "no memory for the BPF maps: choose a smaller --ring-size");
	return log_err(
		err,
		"the kernel did not load gilscope's BPF programs (%s): run again with -vv for the reason",
		strerror(-err));
}

/* Only the program that the plan needs is loaded, with the attach type of the link that will be
 * made. */
static void select_programs(struct gil_bpf *skel, const struct probe_plan *plan, bool multi)
{
	const bool libc = plan->method == PLAN_LIBC_ENTRY;

	bpf_program__set_autoload(skel->progs.gil_call_site, !libc);
	bpf_program__set_autoload(skel->progs.gil_libc_entry, libc);
	if (!multi)
		return;
	bpf_program__set_expected_attach_type(skel->progs.gil_call_site, MULTI_ATTACH_TYPE);
	bpf_program__set_expected_attach_type(skel->progs.gil_libc_entry, MULTI_ATTACH_TYPE);
	bpf_program__set_expected_attach_type(skel->progs.calibrate, MULTI_ATTACH_TYPE);
}

/* From the first to the last byte of code of the file. */
static void set_code_range(struct gil_bpf *skel, const struct mapped_file *python)
{
	const struct elf_segment *segments;
	const size_t count = elf_image_segments(python->image, &segments);
	uint64_t begin = UINT64_MAX, end = 0;

	for (size_t i = 0; i < count; i++) {
		const struct elf_segment *s = &segments[i];

		if (!s->executable)
			continue;
		if (s->vaddr < begin)
			begin = s->vaddr;
		if (s->vaddr + s->memsz > end)
			end = s->vaddr + s->memsz;
	}
	skel->rodata->python_begin = begin + python->bias;
	skel->rodata->python_end = end + python->bias;
}

int bpf_object_open(const struct target *target, const struct probe_plan *plan,
		    const struct bpf_object_options *options, struct gil_bpf **out)
{
	libbpf_set_print(print_libbpf);
	*out = NULL;
	struct gil_bpf *skel = gil_bpf__open();
	if (!skel)
		return explain_failure(-errno);

	select_programs(skel, plan, multi_supported());
	skel->rodata->off_last_holder = target->off.gil_last_holder;
	skel->rodata->off_locked = target->off.gil_locked;
	skel->rodata->off_cond = target->off.gil_cond;
	skel->rodata->off_switch_cond = target->off.gil_switch_cond;
	set_code_range(skel, &target->python);
	skel->rodata->target_tgid = (uint32_t)target->pid;
	skel->rodata->wakeup_bytes = (uint32_t)(options->ring_size / 4);
	int err = bpf_map__set_max_entries(skel->maps.events, (uint32_t)options->ring_size);
	if (!err)
		err = gil_bpf__load(skel);
	if (err) {
		err = explain_failure(err);
		gil_bpf__destroy(skel);
		return err;
	}
	fill_tables(skel, plan, target);
	*out = skel;
	return 0;
}

void bpf_object_close(struct gil_bpf *skel)
{
	gil_bpf__destroy(skel);
}

bool bpf_object_is_multi(const struct gil_bpf *skel)
{
	return (int)bpf_program__expected_attach_type(skel->progs.calibrate) == MULTI_ATTACH_TYPE;
}
