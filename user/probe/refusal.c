/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 gilscope contributors */
#define _GNU_SOURCE
#include "probe/refusal.h"

#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

#include "base/caps.h"
#include "base/mem.h"
#include "probe/features.h"
#include "target/surroundings.h"

unsigned refusal_needed_caps(void)
{
	const unsigned needed = CAP_BIT_BPF | CAP_BIT_PERFMON;

	if (feature_uprobe_multi().state != FEATURE_LACKS ||
	    feature_perf_uprobe().state != FEATURE_REFUSED)
		return needed;
	return needed | CAP_BIT_SYS_ADMIN;
}

/* The memory of BPF maps is limited; NULL if it is not. */
static char *explain_memory(void)
{
	struct rlimit limit;

	if (!caps_missing(CAP_BIT_SYS_RESOURCE) || getrlimit(RLIMIT_MEMLOCK, &limit) ||
	    limit.rlim_cur == RLIM_INFINITY || !feature_memory_locked())
		return NULL;
	return xasprintf(
		"this kernel counts BPF maps as locked memory, of which %llu KiB are allowed: "
		"raise the limit (ulimit -l unlimited), or add CAP_SYS_RESOURCE",
		(unsigned long long)limit.rlim_cur / 1024);
}

char *refusal_explain(void)
{
	const unsigned filtered = features_filtered();
	const unsigned missing = caps_missing(refusal_needed_caps());
	char names[CAPS_TEXT];

	if (own_namespace(NAMESPACE_USER))
		return xstrdup(
			"gilscope runs in a user namespace of its own, whose capabilities do "
			"not count outside: run it as root of the host");
	if (missing) {
		caps_format_missing(missing, names, sizeof(names));
		return xasprintf("%s: run gilscope as root, or give it the capabilities (gilscope "
				 "doctor says how)",
				 names);
	}
	if (filtered & (FILTERED_BPF | FILTERED_PERF_EVENT_OPEN))
		return xasprintf(
			"a seccomp filter of gilscope's own process denies %s: run it outside of "
			"the container or service that sets the filter",
			filtered & FILTERED_BPF ? "bpf" : "perf_event_open");
	char *memory = explain_memory();
	if (memory)
		return memory;
	return xstrdup("a security module or a locked down kernel forbids it: see gilscope doctor, "
		       "/sys/kernel/security/lockdown and the kernel's log");
}
