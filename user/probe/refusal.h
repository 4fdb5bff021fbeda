/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 gilscope contributors */
#ifndef GILSCOPE_REFUSAL_H
#define GILSCOPE_REFUSAL_H

/*
 * The capabilities (enum cap, or'ed) that loading the programs and attaching them needs on this
 * kernel: CAP_BPF and CAP_PERFMON, and CAP_SYS_ADMIN where perf events stand in for uprobe_multi and
 * are refused. Without CAP_BPF or CAP_PERFMON it cannot be known whether they do: then it is these
 * two.
 */
unsigned refusal_needed_caps(void);

/*
 * Why the kernel answered EPERM or EACCES to BPF or perf events, and what to do: an end of a
 * sentence, owned by the caller. Names the missing capabilities if it is them.
 */
char *refusal_explain(void);

#endif
