/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 gilscope contributors */
/* The table of requests, read from the kernel. */
#include <errno.h>

#include <bpf/bpf.h>

#include "base/mem.h"
#include "collect/collector_state.h"
#include "gil.skel.h"

/*
 * In one batch: a walk from key to key would begin again at the first one whenever a thread exits
 * and its key is gone.
 */
size_t requests_read(struct collector *c)
{
	const int fd = bpf_map__fd(c->skel->maps.requests);
	__u32 found = STATE_MAX_THREADS, count = 0, position;

	if (!c->tids) {
		c->tids = xcalloc(STATE_MAX_THREADS, sizeof(*c->tids));
		c->requests = xcalloc(STATE_MAX_THREADS, sizeof(*c->requests));
	}
	int err = bpf_map_lookup_batch(fd, NULL, &position, c->tids, c->requests, &found, NULL);
	if (err && err != -ENOENT) /* which says that this batch was the last one */
		return 0;
	for (__u32 i = 0; i < found; i++) {
		if (!c->requests[i].request_ns)
			continue;
		c->tids[count] = c->tids[i];
		c->requests[count++] = c->requests[i];
	}
	return count;
}

void requests_forget(struct collector *c, uint32_t tid)
{
	bpf_map_delete_elem(bpf_map__fd(c->skel->maps.requests), &tid);
}
