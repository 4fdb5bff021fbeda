/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Copyright (c) 2026 gilscope contributors */
/*
 * Forced or voluntary: a release is forced if the eval loop makes it. The drop request alone would
 * mislead (a thread that is asked to drop may reach a blocking call first), so the path decides:
 * return addresses at the offsets that .eh_frame gives.
 */
#ifndef GILSCOPE_FORCED_BPF_H
#define GILSCOPE_FORCED_BPF_H

#include "state.bpf.h"

/* drop_gil <- detach_thread <- _PyThreadState_Detach <- _Py_HandlePending; one more when probed in
 * libc; and some to spare. */
#define FORCED_DEPTH 8

__noinline __u32 find_return(__u32 code_index, __u64 vaddr)
{
	const struct code *code = &codes[code_index & (STATE_MAX_CODES - 1)];

	for (__u32 i = 0; i < STATE_MAX_RETURNS; i++) {
		if (code->returns[i].vaddr == vaddr)
			return i;
		if (!code->returns[i].vaddr)
			break;
	}
	return NONE;
}

/* Called only when somebody waits: without a waiter nobody can have asked for the GIL. */
static __always_inline bool is_forced(struct pt_regs *ctx, const struct process *process,
				      const struct site *site)
{
	__u64 at = PT_REGS_SP(ctx) + site->cfa_offset - sizeof(__u64);

	if (site->forced)
		return true;
	if (!site->cfa_offset)
		return false;
	for (__u32 i = 0; i < FORCED_DEPTH; i++) {
		const struct return_site *caller;
		__u32 index;
		__u64 ip;

		if (bpf_probe_read_user(&ip, sizeof(ip), (void *)at)) {
			count_loss(LOSS_release_path);
			return false;
		}
		index = find_return(process->code, ip - process->python_bias);
		if (index == NONE)
			return false;
		caller = &code_of(process)->returns[index & (STATE_MAX_RETURNS - 1)];
		if (caller->forced)
			return true;
		at += caller->cfa_offset;
	}
	return false;
}

#endif
