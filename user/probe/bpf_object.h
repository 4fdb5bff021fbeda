/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 gilscope contributors */
/* The BPF object: the programs, and the memory that they share with us. */
#ifndef GILSCOPE_BPF_OBJECT_H
#define GILSCOPE_BPF_OBJECT_H

#include <stdbool.h>
#include <stdint.h>

#include "bpf/events.h"
#include "bpf/state.h"

struct gil_bpf; /* the generated skeleton */

struct bpf_object_options {
	uint64_t ring_size; /* bytes; a power of two and a multiple of the page size */
	uint32_t
		hold_slots; /* for threads whose short holds are counted; a power of two, or 0: none are */
};

/*
 * Loads the programs but that for libc's entries; they know of no process yet. 0, or a negative
 * errno after a message that says what the kernel lacks or refuses. Owned by the caller.
 */
int bpf_object_open(const struct bpf_object_options *options, struct gil_bpf **out);

/*
 * Loads the program for libc's entries, which few interpreters need, and whose verification takes the
 * kernel some milliseconds: an object of its own, with the maps and the memory of the first. Close
 * it before that.
 */
int bpf_object_open_libc_entry(const struct gil_bpf *first, struct gil_bpf **out);
void bpf_object_close(struct gil_bpf *skel);

/* Whether the object was loaded for uprobe_multi links (else for perf events). */
bool bpf_object_is_multi(const struct gil_bpf *skel);

#endif
