/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 gilscope contributors */
#ifndef GILSCOPE_REACH_H
#define GILSCOPE_REACH_H

#include "probe/plan.h"
#include "target/target.h"

/*
 * Whether the probes that were attached to `file` changed the code of the process: the kernel puts
 * them into the mappings of one inode, and the path that it was given may stand for another inode
 * than the process maps (overlayfs; target/overlay.h). A process that has ended counts as reached:
 * that is found out elsewhere.
 */
bool probes_reach(const struct target *target, const struct mapped_file *file,
		  const struct probe_plan *plan);

#endif
