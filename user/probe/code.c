/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 gilscope contributors */
#include "probe/code.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "target/process.h"
#include "target/surroundings.h"

const struct mapped_file *code_file(const struct target *target, const struct probe_plan *plan)
{
	return plan->method == PLAN_LIBC_ENTRY ? &target->libc : &target->python;
}

/*
 * The breakpoint of another tracer on the same site is no change of the code: uprobes share it. On
 * arm64 uprobes and debuggers number theirs differently.
 */
#if defined(__aarch64__)
#define BREAKPOINT_LENGTH 4

static bool is_breakpoint(const uint8_t *memory)
{
	uint32_t word;

	memcpy(&word, memory, sizeof(word));
	return (word & 0xffe0001f) == 0xd4200000; /* brk */
}
#else
#define BREAKPOINT_LENGTH 1

static bool is_breakpoint(const uint8_t *memory)
{
	return memory[0] == 0xcc; /* int3 */
}
#endif

static bool same_code(const struct probe_site *site, const uint8_t *memory)
{
	if (!memcmp(site->bytes, memory, site->length))
		return true;
	return is_breakpoint(memory) &&
	       !memcmp(site->bytes + BREAKPOINT_LENGTH, memory + BREAKPOINT_LENGTH,
		       site->length - BREAKPOINT_LENGTH);
}

static int refuse_read(const struct target *target, int err)
{
	if (err != -EPERM && err != -EACCES)
		return log_err(err, "cannot read the code of process %d: %s", target->pid,
			       strerror(-err));
	char *why = access_refusal(target->pid);
	log_err(err, "not allowed to read the memory of process %d (%s): %s", target->pid,
		strerror(-err), why);
	free(why);
	return err;
}

int code_compare(const struct target *target, const struct probe_plan *plan)
{
	const struct mapped_file *file = code_file(target, plan);

	for (size_t i = 0; i < plan->site_count; i++) {
		const struct probe_site *site = &plan->sites[i];
		uint8_t memory[sizeof(site->bytes)];
		int err = process_read(target->pid, site->vaddr + file->bias, memory, site->length);

		if (err)
			return refuse_read(target, err);
		if (!same_code(site, memory))
			return log_err(
				-ESTALE,
				"the code of process %d differs from %s at offset 0x%lx: it was patched in memory; "
				"gilscope does not probe such code",
				target->pid, file->path, (unsigned long)site->offset);
	}
	return 0;
}
