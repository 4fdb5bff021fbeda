/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 gilscope contributors */
#define _GNU_SOURCE
#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "base/caps.h"
#include "base/mem.h"
#include "doctor.h"
#include "probe/features.h"
#include "probe/refusal.h"
#include "target/surroundings.h"

#define BTF_FILE "/sys/kernel/btf/vmlinux"

struct machine {
	struct doctor_checks *checks;
	unsigned filtered; /* enum filtered_call */
	struct feature multi, perf;
};

static void add(struct machine *m, const char *id, const char *title, enum check_status status,
		char *detail, char *advice)
{
	doctor_checks_add(m->checks, id, title, status, detail, advice);
}

/* The first line of a file of /proc or /sys, "" if there is none; true if it could be read. */
static bool read_line(const char *path, char *line, size_t size)
{
	FILE *f = fopen(path, "re");

	line[0] = '\0';
	if (!f)
		return false;
	const bool ok = fgets(line, (int)size, f) != NULL;
	fclose(f);
	line[strcspn(line, "\n")] = '\0';
	return ok;
}

static void check_kernel(struct machine *m, struct doctor_result *result)
{
	struct utsname kernel;

	uname(&kernel);
	snprintf(result->kernel, sizeof(result->kernel), "%s", kernel.release);
	snprintf(result->arch, sizeof(result->arch), "%.31s", kernel.machine);
	add(m, "kernel", "Kernel", CHECK_OK,
	    xasprintf("Linux %s, %s", result->kernel, result->arch), NULL);
}

static void check_btf(struct machine *m)
{
	const bool ok = !access(BTF_FILE, R_OK);

	add(m, "btf", "Type information", ok ? CHECK_OK : CHECK_FAILED,
	    ok ? xstrdup(BTF_FILE) : xstrdup("there is no " BTF_FILE),
	    ok ? NULL
	       : xstrdup("use a kernel built with CONFIG_DEBUG_INFO_BTF=y, as those of the "
			 "distributions are; in a container, mount /sys"));
}

/* "sudo setcap cap_bpf,cap_perfmon,cap_sys_ptrace+ep /usr/local/bin/gilscope" */
static char *setcap_command(unsigned caps)
{
	char exe[PATH_MAX], names[CAPS_TEXT] = "";
	size_t at = 0;

	/* It stands in for these two. */
	if (caps & CAP_BIT_SYS_ADMIN)
		caps &= ~(unsigned)(CAP_BIT_BPF | CAP_BIT_PERFMON);
	for (unsigned bit = 1; bit < 1u << CAP_COUNT; bit <<= 1)
		if (caps & bit)
			at += (size_t)snprintf(names + at, sizeof(names) - at, "%s%s",
					       at ? "," : "", cap_name(bit));
	for (char *c = names; *c; c++)
		*c = (char)tolower((unsigned char)*c);
	const ssize_t length = readlink("/proc/self/exe", exe, sizeof(exe) - 1);
	exe[length > 0 ? length : 0] = '\0';
	return xasprintf("sudo setcap %s+ep %s", names, length > 0 ? exe : "gilscope");
}

static const struct {
	enum cap cap;
	const char *use;
} uses[] = {
	{CAP_BIT_BPF, "no BPF programs"},
	{CAP_BIT_PERFMON, "no BPF programs for tracing"},
	{CAP_BIT_SYS_ADMIN, "no uprobes by perf events, which stand in for uprobe_multi here"},
	{CAP_BIT_SYS_PTRACE, "only processes of your own user without privileges"},
	{CAP_BIT_CHECKPOINT_RESTORE,
	 "no process whose interpreter was deleted or replaced since it began"},
	{CAP_BIT_DAC_READ_SEARCH, "no interpreter that your user may not read"},
};

static char *capabilities_detail(unsigned missing)
{
	const unsigned useful = CAP_BIT_BPF | CAP_BIT_PERFMON | CAP_BIT_SYS_PTRACE |
				CAP_BIT_CHECKPOINT_RESTORE | CAP_BIT_DAC_READ_SEARCH;
	char have[CAPS_TEXT];

	caps_format(caps_effective() & useful, have, sizeof(have));
	char *detail = xasprintf("have: %s", have);
	for (size_t i = 0; i < ARRAY_SIZE(uses); i++) {
		if (!(missing & uses[i].cap))
			continue;
		char *longer =
			xasprintf("%s; without %s %s", detail, cap_name(uses[i].cap), uses[i].use);
		free(detail);
		detail = longer;
	}
	return detail;
}

static char *capabilities_advice(unsigned needed)
{
	const bool ignored = prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1;
	char *command = setcap_command(needed | CAP_BIT_SYS_PTRACE);
	char *advice =
		xasprintf("run gilscope as root, or give it what it needs: %s%s", command,
			  ignored ? " (not below this process: it has no_new_privs, which makes "
				    "the kernel ignore them)"
				  : "");

	free(command);
	return advice;
}

static void check_capabilities(struct machine *m)
{
	const unsigned needed = refusal_needed_caps();
	const unsigned missing = caps_missing(needed | CAP_BIT_SYS_PTRACE |
					      CAP_BIT_CHECKPOINT_RESTORE | CAP_BIT_DAC_READ_SEARCH);
	const enum check_status status = missing & needed		? CHECK_FAILED
					 : missing & CAP_BIT_SYS_PTRACE ? CHECK_WARNING
									: CHECK_OK;

	add(m, "capabilities", "Capabilities", status, capabilities_detail(missing),
	    status == CHECK_OK ? NULL : capabilities_advice(needed));
}

static void check_namespaces(struct machine *m)
{
	if (own_namespace(NAMESPACE_USER))
		add(m, "user-namespace", "User namespace", CHECK_FAILED,
		    xstrdup("one of its own: capabilities do not count outside of it"),
		    xstrdup("run gilscope as root of the host"));
	else
		add(m, "user-namespace", "User namespace", CHECK_OK, xstrdup("the first one"),
		    NULL);
	if (own_namespace(NAMESPACE_PID))
		add(m, "pid-namespace", "PID namespace", CHECK_OK,
		    xstrdup("one of its own (a container): it sees the processes in there"), NULL);
	else
		add(m, "pid-namespace", "PID namespace", CHECK_OK, xstrdup("the first one"), NULL);
}

static void check_seccomp(struct machine *m)
{
	const unsigned filtered = m->filtered;
	unsigned needed = FILTERED_BPF | FILTERED_PROCESS_READ;

	if (m->multi.state != FEATURE_WORKS)
		needed |= FILTERED_PERF_EVENT_OPEN;
	if (!filtered)
		add(m, "seccomp", "Seccomp filter", CHECK_OK,
		    xstrdup("denies nothing that gilscope needs"), NULL);
	else
		add(m, "seccomp", "Seccomp filter",
		    filtered & needed ? CHECK_FAILED : CHECK_WARNING,
		    xasprintf("a filter of this process denies:%s%s%s",
			      filtered & FILTERED_BPF ? " bpf" : "",
			      filtered & FILTERED_PERF_EVENT_OPEN ? " perf_event_open" : "",
			      filtered & FILTERED_PROCESS_READ ? " process_vm_readv" : ""),
		    xstrdup("run gilscope outside of the container or service that sets the filter, "
			    "or let it allow them (docker run --security-opt seccomp=unconfined)"));
}

static void check_lockdown(struct machine *m)
{
	char line[128];
	const bool there = read_line("/sys/kernel/security/lockdown", line, sizeof(line));
	const bool closed = strstr(line, "[confidentiality]") != NULL;

	add(m, "lockdown", "Lockdown", closed ? CHECK_WARNING : CHECK_OK,
	    there ? xstrdup(line) : xstrdup("the kernel has none, or does not say"),
	    closed ? xstrdup("BPF programs may not read the kernel's memory then: boot with "
			     "lockdown=integrity or lower")
		   : NULL);
}

/* These two bind others than us: who has the capabilities is not asked. */
static void check_sysctls(struct machine *m)
{
	char paranoid[32], unprivileged[32];

	if (read_line("/proc/sys/kernel/perf_event_paranoid", paranoid, sizeof(paranoid)))
		add(m, "perf-event-paranoid", "perf_event_paranoid", CHECK_OK,
		    xasprintf("%s, which does not bind who has CAP_PERFMON", paranoid), NULL);
	if (read_line("/proc/sys/kernel/unprivileged_bpf_disabled", unprivileged,
		      sizeof(unprivileged)))
		add(m, "unprivileged-bpf", "Unprivileged BPF", CHECK_OK,
		    xasprintf("%s, which does not bind who has CAP_BPF",
			      atoi(unprivileged) ? "disabled" : "enabled"),
		    NULL);
}

/* Without the capability one may still read one's own children (scope 1). */
static void check_yama(struct machine *m)
{
	const int scope = yama_scope();

	if (!scope)
		add(m, "yama", "Yama", CHECK_OK,
		    xstrdup("kernel.yama.ptrace_scope is 0, or there is no Yama"), NULL);
	else if (scope >= 3)
		add(m, "yama", "Yama", CHECK_FAILED,
		    xasprintf("kernel.yama.ptrace_scope is %d: nobody may read another process",
			      scope),
		    xstrdup("set another value where the machine boots (/etc/sysctl.d) and reboot"));
	else if (caps_missing(CAP_BIT_SYS_PTRACE))
		add(m, "yama", "Yama", CHECK_WARNING,
		    xasprintf(
			    "kernel.yama.ptrace_scope is %d: without CAP_SYS_PTRACE no process can "
			    "be read but, with 1, our own children",
			    scope),
		    xstrdup("run gilscope as root, or add CAP_SYS_PTRACE (see above)"));
	else
		add(m, "yama", "Yama", CHECK_OK,
		    xasprintf("kernel.yama.ptrace_scope is %d, which does not bind who has "
			      "CAP_SYS_PTRACE",
			      scope),
		    NULL);
}

static void check_memory(struct machine *m)
{
	struct rlimit limit = {0};
	const bool locked = feature_memory_locked();

	getrlimit(RLIMIT_MEMLOCK, &limit);
	if (!locked || limit.rlim_cur == RLIM_INFINITY || !caps_missing(CAP_BIT_SYS_RESOURCE))
		add(m, "memory", "Memory for BPF", CHECK_OK, xstrdup("not limited by ulimit -l"),
		    NULL);
	else
		add(m, "memory", "Memory for BPF", CHECK_WARNING,
		    xasprintf("counts as locked memory here, of which %llu KiB are allowed",
			      (unsigned long long)limit.rlim_cur / 1024),
		    xstrdup("raise the limit (ulimit -l unlimited), add CAP_SYS_RESOURCE, or choose a "
			    "smaller --ring-size"));
}

/* What to do where the kernel refuses; the checks before may have said it already. */
static char *refused_advice(const struct machine *m)
{
	if (doctor_checks_count(m->checks, CHECK_FAILED))
		return xstrdup("see what failed above");
	return refusal_explain();
}

/* A feature without which nothing works. */
static void add_feature(struct machine *m, const char *id, const char *title,
			struct feature feature, const char *works, const char *lacks,
			const char *cure)
{
	if (feature.state == FEATURE_WORKS)
		add(m, id, title, CHECK_OK, xstrdup(works), NULL);
	else if (feature.state == FEATURE_REFUSED)
		add(m, id, title, CHECK_FAILED, xasprintf("refused (%s)", strerror(-feature.err)),
		    refused_advice(m));
	else
		add(m, id, title, CHECK_FAILED, xasprintf("%s (%s)", lacks, strerror(-feature.err)),
		    xstrdup(cure));
}

static void check_uprobes(struct machine *m)
{
	if (m->multi.state != FEATURE_LACKS)
		add_feature(m, "uprobes", "Uprobes", m->multi,
			    "uprobe_multi: one link for all probes of a file", "", "");
	else
		add_feature(
			m, "uprobes", "Uprobes", m->perf,
			"perf events, since the kernel has no uprobe_multi that filters by process "
			"(Linux 6.10): detaching takes about a second",
			"neither uprobe_multi nor perf events for uprobes",
			"use a kernel built with CONFIG_UPROBE_EVENTS=y, as those of the "
			"distributions are");
}

static void check_features(struct machine *m)
{
	add_feature(m, "ring-buffer", "Ring buffer", feature_ring_buffer(), "works",
		    "this kernel has none", "use Linux 5.8 or later");
	add_feature(
		m, "tracepoints", "Tracepoints", feature_raw_tracepoint(), "work",
		"no program can be attached to them",
		"use a kernel built with CONFIG_BPF_EVENTS=y, as those of the distributions are");
	check_uprobes(m);
}

void doctor_machine(struct doctor_result *result)
{
	struct machine m = {.checks = &result->machine, .filtered = features_filtered()};

	m.multi = feature_uprobe_multi();
	m.perf = feature_perf_uprobe();
	check_kernel(&m, result);
	check_btf(&m);
	check_capabilities(&m);
	check_namespaces(&m);
	check_seccomp(&m);
	check_lockdown(&m);
	check_sysctls(&m);
	check_yama(&m);
	check_memory(&m);
	check_features(&m);
}
