/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 gilscope contributors */
#define _GNU_SOURCE
#include "probe/multi.h"

#include <errno.h>
#include <linux/bpf.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <bpf/bpf.h>

/* The part of union bpf_attr that BPF_LINK_CREATE uses for a uprobe_multi link
 * (include/uapi/linux/bpf.h, Linux 6.6). */
struct multi_attr {
	__u32 prog_fd;
	__u32 target_fd;
	__u32 attach_type;
	__u32 flags;
	__u64 path __attribute__((aligned(8)));
	__u64 offsets __attribute__((aligned(8)));
	__u64 ref_ctr_offsets __attribute__((aligned(8)));
	__u64 cookies __attribute__((aligned(8)));
	__u32 count;
	__u32 multi_flags;
	__u32 pid;
	__u32 pad;
};

static int create(int prog_fd, const char *path, const uint64_t *offsets, size_t count, __u32 pid)
{
	struct multi_attr attr = {
		.prog_fd = (__u32)prog_fd,
		.attach_type = MULTI_ATTACH_TYPE,
		.path = (uintptr_t)path,
		.offsets = (uintptr_t)offsets,
		.count = (__u32)count,
		.pid = pid,
	};
	long fd = syscall(SYS_bpf, BPF_LINK_CREATE, &attr, sizeof(attr));

	return fd < 0 ? -errno : (int)fd;
}

int multi_attach(int prog_fd, const char *path, const uint64_t *offsets, size_t count, pid_t pid)
{
	return create(prog_fd, path, offsets, count, (__u32)pid);
}

/*
 * A directory cannot be probed: a kernel with uprobe_multi links gets as far as to say EBADF. One
 * that filters by process rejects the PID -1 as invalid, one that filters by thread looks for it
 * and says ESRCH (kernel commit 46ba0e49b642).
 */
static bool try_link(int prog_fd)
{
	const uint64_t offset = 0;
	int fd = create(prog_fd, "/", &offset, 1, 0);
	bool ok = fd == -EBADF;

	if (fd >= 0)
		close(fd);
	if (!ok)
		return false;
	fd = create(prog_fd, "/", &offset, 1, (__u32)-1);
	if (fd >= 0)
		close(fd);
	return fd == -EINVAL;
}

bool multi_supported(void)
{
	const struct bpf_insn insns[] = {
		{.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0, .imm = 0},
		{.code = BPF_JMP | BPF_EXIT},
	};
	LIBBPF_OPTS(bpf_prog_load_opts, opts, .expected_attach_type = MULTI_ATTACH_TYPE);
	int fd = bpf_prog_load(BPF_PROG_TYPE_KPROBE, "multi_trial", "GPL", insns, 2, &opts);

	if (fd < 0)
		return false;
	bool ok = try_link(fd);
	close(fd);
	return ok;
}
