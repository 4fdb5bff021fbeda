/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 gilscope contributors */
#define _GNU_SOURCE
#include "probe/features.h"

#include <errno.h>
#include <linux/bpf.h>
#include <linux/perf_event.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "base/caps.h"
#include "base/mem.h"
#include "probe/multi.h"

static struct feature result(int err)
{
	const bool refused = err == -EPERM || err == -EACCES;

	return (struct feature){
		.state = !err	   ? FEATURE_WORKS
			 : refused ? FEATURE_REFUSED
				   : FEATURE_LACKS,
		.err = err,
	};
}

/* Closes what a trial made: a file descriptor, or a negative errno. */
static struct feature result_of(int fd)
{
	if (fd < 0)
		return result(fd);
	close(fd);
	return result(0);
}

/*
 * Each asks for what the kernel refuses itself before it looks at any right; the errno. Attributes
 * larger than a page are too large for bpf (bpf_check_uarg_tail_zero); unknown flags are invalid.
 */
static int ask_bpf(void)
{
	return syscall(SYS_bpf, BPF_MAP_LOOKUP_ELEM, NULL, 2 * sysconf(_SC_PAGESIZE)) ? errno : 0;
}

static int ask_perf_event_open(void)
{
	return syscall(SYS_perf_event_open, NULL, 0, -1, -1, ~0UL) ? errno : 0;
}

static int ask_process_read(void)
{
	return process_vm_readv(getpid(), NULL, 0, NULL, 0, ~0UL) ? errno : 0;
}

static const struct {
	enum filtered_call call;
	int (*ask)(void);
	int expected;
} filterable[] = {
	{FILTERED_BPF, ask_bpf, E2BIG},
	{FILTERED_PERF_EVENT_OPEN, ask_perf_event_open, EINVAL},
	{FILTERED_PROCESS_READ, ask_process_read, EINVAL},
};

/* The errno, or -1 if the child did not survive it. */
static int ask_in_child(int (*ask)(void))
{
	int status = 0;
	const pid_t child = fork();

	if (child < 0)
		return -1;
	if (!child)
		_exit(ask());
	while (waitpid(child, &status, 0) < 0 && errno == EINTR)
		;
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static bool has_filter(void)
{
	FILE *f = fopen("/proc/self/status", "re");
	char line[256];
	int mode = 0;

	while (f && fgets(line, sizeof(line), f))
		if (sscanf(line, "Seccomp: %d", &mode) == 1)
			break;
	if (f)
		fclose(f);
	return mode == 2; /* SECCOMP_MODE_FILTER */
}

unsigned features_filtered(void)
{
	unsigned filtered = 0;

	if (!has_filter())
		return 0;
	for (size_t i = 0; i < ARRAY_SIZE(filterable); i++) {
		const int err = ask_in_child(filterable[i].ask);

		/* Before Linux 5.19 bpf() says EPERM itself to those who may not use it. */
		if (err == EPERM && filterable[i].call == FILTERED_BPF && caps_missing(CAP_BIT_BPF))
			continue;
		if (err != filterable[i].expected)
			filtered |= filterable[i].call;
	}
	return filtered;
}

/* Nothing is tried that a filter may answer by killing us. */
static bool may_call(enum filtered_call call)
{
	return !(features_filtered() & call);
}

static int load_empty(enum bpf_prog_type type, enum bpf_attach_type attach_type)
{
	const struct bpf_insn insns[] = {
		{.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0, .imm = 0},
		{.code = BPF_JMP | BPF_EXIT},
	};
	LIBBPF_OPTS(bpf_prog_load_opts, opts, .expected_attach_type = attach_type);

	if (!may_call(FILTERED_BPF))
		return -EPERM;
	return bpf_prog_load(type, "trial", "GPL", insns, ARRAY_SIZE(insns), &opts);
}

struct feature feature_ring_buffer(void)
{
	const __u32 page = (__u32)sysconf(_SC_PAGESIZE);

	if (!may_call(FILTERED_BPF))
		return result(-EPERM);
	return result_of(bpf_map_create(BPF_MAP_TYPE_RINGBUF, "trial", 0, 0, page, NULL));
}

struct feature feature_probe_program(void)
{
	return result_of(load_empty(BPF_PROG_TYPE_KPROBE, 0));
}

struct feature feature_raw_tracepoint(void)
{
	const int program = load_empty(BPF_PROG_TYPE_RAW_TRACEPOINT, 0);

	if (program < 0)
		return result(program);
	const struct feature attached =
		result_of(bpf_raw_tracepoint_open("sched_process_exit", program));
	close(program);
	return attached;
}

struct feature feature_uprobe_multi(void)
{
	const struct feature program = feature_probe_program();

	if (program.state != FEATURE_WORKS)
		return program;
	return result(multi_supported() ? 0 : -EOPNOTSUPP);
}

/* The number by which perf_event_open knows uprobes; negative: it does not. */
static int uprobe_type(void)
{
	FILE *f = fopen("/sys/bus/event_source/devices/uprobe/type", "re");
	int type = -EOPNOTSUPP;

	if (!f)
		return type;
	if (fscanf(f, "%d", &type) != 1)
		type = -EOPNOTSUPP;
	fclose(f);
	return type;
}

/* A uprobe for this process alone: a file descriptor or a negative errno. */
static int open_perf(int type, const char *path, uint64_t offset)
{
	struct perf_event_attr attr = {
		.type = (__u32)type,
		.size = sizeof(attr),
		.config1 = (uintptr_t)path,
		.config2 = offset,
	};
	const long fd = syscall(SYS_perf_event_open, &attr, 0, -1, -1, PERF_FLAG_FD_CLOEXEC);

	return fd < 0 ? -errno : (int)fd;
}

struct feature feature_perf_uprobe(void)
{
	const int type = may_call(FILTERED_PERF_EVENT_OPEN) ? uprobe_type() : -EPERM;
	const int folder = type < 0 ? type : open_perf(type, "/", 0);
	const int nothing = type < 0 ? type : open_perf(type, "/proc/self/nothing", 0);

	return result(folder == -EINVAL && nothing == -ENOENT ? 0 : folder);
}

bool feature_memory_locked(void)
{
	return may_call(FILTERED_BPF) &&
	       libbpf_probe_bpf_helper(BPF_PROG_TYPE_SOCKET_FILTER, BPF_FUNC_ktime_get_coarse_ns,
				       NULL) == 0;
}

static int attach_perf(const char *path, const uint64_t *offsets, size_t count)
{
	const int type = may_call(FILTERED_PERF_EVENT_OPEN) ? uprobe_type() : -EPERM;

	for (size_t i = 0; i < count; i++) {
		const int fd = type < 0 ? type : open_perf(type, path, offsets[i]);

		if (fd < 0)
			return fd;
		close(fd);
	}
	return 0;
}

int feature_attach(const char *path, const uint64_t *offsets, size_t count)
{
	const struct feature multi = feature_uprobe_multi();

	if (multi.state != FEATURE_WORKS)
		return multi.state == FEATURE_LACKS ? attach_perf(path, offsets, count) : multi.err;
	const int program = load_empty(BPF_PROG_TYPE_KPROBE, MULTI_ATTACH_TYPE);
	if (program < 0)
		return program;
	const int link = multi_attach(program, path, offsets, count, getpid());
	close(program);
	if (link < 0)
		return link;
	close(link);
	return 0;
}
