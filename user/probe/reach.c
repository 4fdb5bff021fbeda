/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 gilscope contributors */
#include "probe/reach.h"

#include <string.h>

#include "target/process.h"

bool probes_reach(const struct target *target, const struct mapped_file *file,
		  const struct probe_plan *plan)
{
	for (size_t i = 0; i < plan->site_count; i++) {
		const struct probe_site *site = &plan->sites[i];
		uint8_t memory[sizeof(site->bytes)];

		if (!process_read(target->pid, site->vaddr + file->bias, memory, site->length) &&
		    !memcmp(memory, site->bytes, site->length))
			return false;
	}
	return true;
}
