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

/*
 * arm64 code that is built with pac-ret signs the return addresses on its stack: above the bits of a
 * virtual address, which has 48 of them unless the process asks for more (the kernel's
 * Documentation/arch/arm64/pointer-authentication.rst and memory.rst).
 */
#ifdef __TARGET_ARCH_arm64
#define RETURN_ADDRESS_BITS ((1ULL << 48) - 1)
#else
#define RETURN_ADDRESS_BITS (~0ULL)
#endif

/* The return address that stands `below` a CFA. False if it cannot be read. */
static __always_inline bool read_saved(__u64 cfa, __u32 below, __u64 *ip)
{
	if (bpf_probe_read_user(ip, sizeof(*ip), (void *)(cfa - below)))
		return false;
	*ip &= RETURN_ADDRESS_BITS;
	return true;
}

/* That of the function that runs, whose CFA is `cfa`: as above or, if `below` is 0, still in the
 * link register, where arm64's calls leave it. */
static __always_inline bool read_return(struct pt_regs *ctx, __u64 cfa, __u32 below, __u64 *ip)
{
#ifdef __TARGET_ARCH_arm64
	__u64 link = PT_REGS_RET(ctx);

	/* Read here and not where it is used: the verifier refuses a chosen address in the context. */
	barrier_var(link);
	if (!below) {
		*ip = link & RETURN_ADDRESS_BITS;
		return true;
	}
#else
	(void)ctx;
#endif
	return read_saved(cfa, below, ip);
}

/* Called only when somebody waits: without a waiter nobody can have asked for the GIL. */
static __always_inline bool is_forced(struct pt_regs *ctx, const struct process *process,
				      const struct site *site)
{
	__u64 cfa = PT_REGS_SP(ctx) + site->cfa_offset, ip = 0;
	bool readable;

	if (site->forced)
		return true;
	if (!site->has_cfa)
		return false;
	readable = read_return(ctx, cfa, site->return_below, &ip);
	for (__u32 i = 0; readable && i < FORCED_DEPTH; i++) {
		const __u32 index = find_return(process->code, ip - process->python_bias);
		const struct return_site *caller;

		if (index == NONE)
			return false;
		caller = &code_of(process)->returns[index & (STATE_MAX_RETURNS - 1)];
		if (caller->forced)
			return true;
		/* The CFA is the stack pointer behind the return. */
		cfa += caller->cfa_offset;
		readable = read_saved(cfa, caller->return_below, &ip);
	}
	if (!readable)
		count_loss(LOSS_release_path);
	return false;
}

#endif
