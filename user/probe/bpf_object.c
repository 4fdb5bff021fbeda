/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 gilscope contributors */
#define _GNU_SOURCE
#include "probe/bpf_object.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "base/log.h"
#include "gil.skel.h"
#include "probe/features.h"
#include "probe/kernel_types.h"
#include "probe/multi.h"
#include "probe/refusal.h"

/* libbpf's own messages help those who debug gilscope, not its users. */
static int print_libbpf(enum libbpf_print_level level, const char *fmt, va_list args)
{
	(void)level;
	if (log_get_level() < LOG_DEBUG)
		return 0;
	return vfprintf(stderr, fmt, args);
}

/* Says why the kernel did not take the programs. */
static int explain_failure(int err)
{
	struct utsname kernel;

	uname(&kernel);
	/* EACCES is also what the verifier says of a program that it does not accept. */
	if (err == -EPERM || feature_probe_program().state == FEATURE_REFUSED) {
		char *why = refusal_explain();
		log_err(err, "the kernel refuses BPF programs (%s): %s", strerror(-err), why);
		free(why);
		return err;
	}
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

/* The attach type must be that of the links that will be made. */
static void set_attach_type(struct gil_bpf *skel)
{
	bpf_program__set_expected_attach_type(skel->progs.gil_call_site, MULTI_ATTACH_TYPE);
	bpf_program__set_expected_attach_type(skel->progs.gil_libc_entry, MULTI_ATTACH_TYPE);
	bpf_program__set_expected_attach_type(skel->progs.calibrate, MULTI_ATTACH_TYPE);
}

/*
 * `types` (-1: none) becomes the file of the kernel's types that the programs need. Without it
 * libbpf reads all of them, which takes its time.
 */
static struct gil_bpf *open_skeleton(int types)
{
	LIBBPF_OPTS(bpf_object_open_opts, options);
	char path[32];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", types);
	if (types >= 0)
		options.btf_custom_path = path;
	struct gil_bpf *skel = gil_bpf__open_opts(&options);
	if (!skel || types < 0 || kernel_types_write(bpf_object__btf(skel->obj), types))
		return skel;
	log_debug("the kernel's type information is read as a whole");
	gil_bpf__destroy(skel);
	return gil_bpf__open();
}

static int set_sizes(struct gil_bpf *skel, const struct bpf_object_options *options)
{
	skel->rodata->wakeup_bytes = (uint32_t)(options->ring_size / 4);
	bpf_program__set_autoload(skel->progs.gil_libc_entry, false);
	const uint32_t slots = options->hold_slots ? options->hold_slots : 1;
	skel->rodata->hold_slot_mask = slots - 1;
	int err = bpf_map__set_max_entries(skel->maps.thread_holds, slots);
	if (!err)
		err = bpf_map__set_max_entries(skel->maps.hold_slot_owners, slots);
	if (err)
		return err;
	return bpf_map__set_max_entries(skel->maps.events, (uint32_t)options->ring_size);
}

/* Of the second object only the program is new. */
static int share_maps(struct gil_bpf *skel, const struct gil_bpf *first)
{
	struct bpf_program *program;
	struct bpf_map *map;

	bpf_object__for_each_program(program, skel->obj)
		bpf_program__set_autoload(program, program == skel->progs.gil_libc_entry);
	bpf_object__for_each_map(map, skel->obj)
	{
		const int fd = bpf_object__find_map_fd_by_name(first->obj, bpf_map__name(map));
		const int err = fd < 0 ? fd : bpf_map__reuse_fd(map, fd);

		if (err)
			return err;
	}
	return 0;
}

/* `first` NULL: the first object, with the options, else the second. */
static int open_and_load(const struct bpf_object_options *options, const struct gil_bpf *first,
			 int types, struct gil_bpf **out)
{
	struct gil_bpf *skel = open_skeleton(types);

	if (!skel)
		return explain_failure(-errno);
	if (first ? bpf_object_is_multi(first) : multi_supported())
		set_attach_type(skel);
	int err = first ? share_maps(skel, first) : set_sizes(skel, options);
	if (!err)
		err = gil_bpf__load(skel);
	if (err) {
		err = explain_failure(err);
		gil_bpf__destroy(skel);
		return err;
	}
	*out = skel;
	return 0;
}

static int open_object(const struct bpf_object_options *options, const struct gil_bpf *first,
		       struct gil_bpf **out)
{
	const int types = memfd_create("kernel types", MFD_CLOEXEC);

	*out = NULL;
	const int err = open_and_load(options, first, types, out);
	if (types >= 0)
		close(types);
	return err;
}

int bpf_object_open(const struct bpf_object_options *options, struct gil_bpf **out)
{
	libbpf_set_print(print_libbpf);
	return open_object(options, NULL, out);
}

int bpf_object_open_libc_entry(const struct gil_bpf *first, struct gil_bpf **out)
{
	return open_object(NULL, first, out);
}

void bpf_object_close(struct gil_bpf *skel)
{
	gil_bpf__destroy(skel);
}

bool bpf_object_is_multi(const struct gil_bpf *skel)
{
	return (int)bpf_program__expected_attach_type(skel->progs.calibrate) == MULTI_ATTACH_TYPE;
}
