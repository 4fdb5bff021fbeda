/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 gilscope contributors */
#ifndef GILSCOPE_ATTACH_H
#define GILSCOPE_ATTACH_H

#include <stddef.h>

#include "probe/bpf_object.h"
#include "probe/plan.h"
#include "target/target.h"

/* A link of libbpf, or (NULL) one that is a file descriptor. */
struct attached_link {
	struct bpf_link *link;
	int fd;
};

/* What is attached. A zeroed one holds nothing. */
struct attachment {
	struct attached_link *items;
	size_t count, cap;
};

/*
 * Attaches every site of the plan to one process, after comparing each site's bytes with its
 * memory: a file that was replaced, or code that was patched, is never probed. 0, or a negative
 * errno after a message; what was attached until then is detached by attachment_detach in either
 * case.
 */
int attachment_attach(struct attachment *attached, struct gil_bpf *skel,
		      const struct target *target, const struct probe_plan *plan);

/* Attaches the programs that see threads and processes begin and end, all of the machine's. 0, or a
 * negative errno after a message. */
int attachment_attach_tracepoints(struct attachment *attached, struct gil_bpf *skel);

/* Attaches program `calibrate` to one offset of our own file (see calibrate.h). 0 or a negative
 * errno, without a message. */
int attachment_attach_self(struct attachment *attached, struct gil_bpf *skel, uint64_t offset);

/* Moves all links of `from` to `to`. */
void attachment_move(struct attachment *from, struct attachment *to);

/*
 * Detaches all; when it returns no program runs any more. The kernel lets each link wait for the
 * programs that may still run, tens of milliseconds and more; so many are detached at the same
 * time.
 */
void attachment_detach(struct attachment *attached);

#endif
