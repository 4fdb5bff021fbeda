/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 gilscope contributors */
#ifndef GILSCOPE_ATTACH_H
#define GILSCOPE_ATTACH_H

#include <stddef.h>

#include "probe/bpf_object.h"

/* What is attached. A zeroed one holds nothing. */
struct attachment {
	struct bpf_link *links[PLAN_MAX_SITES + 8];
	size_t link_count;
	int multi_fds[3]; /* the sites, and two calibrations */
	size_t multi_count;
};

/*
 * Attaches every site of the plan and the tracepoints, after comparing each site's bytes with the
 * process's memory: a file that was replaced, or code that was patched, is never probed. Nothing is
 * emitted before the state is set. 0, or a negative errno after a message; what was attached until
 * then is detached by attachment_detach in either case.
 */
int attachment_attach(struct attachment *attached, struct gil_bpf *skel,
		      const struct target *target, const struct probe_plan *plan);

/* Attaches program `calibrate` to one offset of our own file (see calibrate.h). 0 or a negative
 * errno, without a message. */
int attachment_attach_self(struct attachment *attached, struct gil_bpf *skel, uint64_t offset);

/* Detaches all; when it returns no program runs any more. */
void attachment_detach(struct attachment *attached);

#endif
