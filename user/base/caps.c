/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 gilscope contributors */
#define _GNU_SOURCE
#include "base/caps.h"

#include <linux/capability.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/mem.h"

/* Of each bit of enum cap: the kernel's number, and another one that the kernel takes for it
 * (bpf_capable, perfmon_capable and checkpoint_restore_ns_capable in include/linux/capability.h;
 * generic_permission in fs/namei.c). */
static const struct {
	const char *name;
	int number, instead;
} caps[CAP_COUNT] = {
	{"CAP_BPF", CAP_BPF, CAP_SYS_ADMIN},
	{"CAP_PERFMON", CAP_PERFMON, CAP_SYS_ADMIN},
	{"CAP_SYS_ADMIN", CAP_SYS_ADMIN, CAP_SYS_ADMIN},
	{"CAP_SYS_PTRACE", CAP_SYS_PTRACE, CAP_SYS_PTRACE},
	{"CAP_CHECKPOINT_RESTORE", CAP_CHECKPOINT_RESTORE, CAP_SYS_ADMIN},
	{"CAP_DAC_READ_SEARCH", CAP_DAC_READ_SEARCH, CAP_DAC_OVERRIDE},
	{"CAP_SYS_RESOURCE", CAP_SYS_RESOURCE, CAP_SYS_RESOURCE},
};

const char *cap_name(enum cap cap)
{
	for (size_t i = 0; i < ARRAY_SIZE(caps); i++)
		if (cap == 1u << i)
			return caps[i].name;
	return "?";
}

unsigned caps_effective(void)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = {0};
	unsigned set = 0;

	if (syscall(SYS_capget, &header, data))
		return 0;
	const unsigned long long effective =
		data[0].effective | (unsigned long long)data[1].effective << 32;
	for (size_t i = 0; i < ARRAY_SIZE(caps); i++)
		if (effective >> caps[i].number & 1 || effective >> caps[i].instead & 1)
			set |= 1u << i;
	return set;
}

unsigned caps_missing(unsigned wanted)
{
	return wanted & ~caps_effective();
}

void caps_format(unsigned set, char *text, size_t size)
{
	size_t at = 0;

	snprintf(text, size, "none");
	for (size_t i = 0; i < ARRAY_SIZE(caps) && at < size; i++) {
		if (!(set & 1u << i))
			continue;
		const bool last = !(set >> (i + 1));
		const char *between = !at ? "" : last ? " and " : ", ";

		at += (size_t)snprintf(text + at, size - at, "%s%s", between, caps[i].name);
	}
}

void caps_format_missing(unsigned set, char *text, size_t size)
{
	const bool one = !(set & (set - 1));

	caps_format(set, text, size);
	const size_t at = strlen(text);
	snprintf(text + at, size - at, " %s missing", one ? "is" : "are");
}
