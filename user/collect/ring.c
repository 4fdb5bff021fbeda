/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 gilscope contributors */
/*
 * What is where: struct bpf_ringbuf and ringbuf_map_mmap_kern in the kernel's kernel/bpf/ringbuf.c.
 * A page with the reader's position, one with the writer's, the records. Positions only grow; a
 * record begins with BPF_RINGBUF_HDR_SZ bytes, of which the first four are its size and two flags,
 * and takes a multiple of 8 bytes.
 */
#define _GNU_SOURCE
#include "collect/ring.h"

#include <errno.h>
#include <linux/bpf.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/mem.h"

/* How many bytes are read before the writers are told that there is room again. */
#define GIVE_BACK (64 << 10)

struct ring {
	int fd;
	size_t page, size;
	uint64_t *read_position;
	const uint64_t *written_position; /* at the begin of the second mapping */
	const char *records;
	ring_record_fn *each;
	void *ctx;
	char *joined; /* a record that was cut, of at most joined_size bytes */
	size_t joined_size;
};

static int map(struct ring *ring)
{
	void *p = mmap(NULL, ring->page, PROT_READ | PROT_WRITE, MAP_SHARED, ring->fd, 0);

	if (p == MAP_FAILED)
		return -errno;
	ring->read_position = p;
	p = mmap(NULL, ring->page + ring->size, PROT_READ, MAP_SHARED, ring->fd, (off_t)ring->page);
	if (p == MAP_FAILED)
		return -errno;
	ring->written_position = p;
	ring->records = (const char *)p + ring->page;
	return 0;
}

int ring_open(int fd, size_t size, ring_record_fn *each, void *ctx, struct ring **out)
{
	struct ring *ring = xcalloc(1, sizeof(*ring));

	*out = NULL;
	*ring = (struct ring){.fd = fd,
			      .page = (size_t)sysconf(_SC_PAGESIZE),
			      .size = size,
			      .each = each,
			      .ctx = ctx};
	const int err = map(ring);
	if (err) {
		ring_close(ring);
		return err;
	}
	*out = ring;
	return 0;
}

void ring_close(struct ring *ring)
{
	if (!ring)
		return;
	if (ring->read_position)
		munmap(ring->read_position, ring->page);
	if (ring->written_position)
		munmap((void *)ring->written_position, ring->page + ring->size);
	free(ring->joined);
	free(ring);
}

/* The `size` bytes from a position on, in one piece. */
static const void *bytes_at(struct ring *ring, uint64_t position, size_t size)
{
	const size_t at = position & (ring->size - 1), before = ring->size - at;

	if (size <= before)
		return ring->records + at;
	if (size > ring->joined_size) {
		ring->joined = xrealloc_array(ring->joined, 1, size);
		ring->joined_size = size;
	}
	memcpy(ring->joined, ring->records + at, before);
	memcpy(ring->joined + before, ring->records, size - before);
	return ring->joined;
}

/* Passes on the record at a position; false if it is not complete. */
static bool read_record(struct ring *ring, uint64_t *position)
{
	const uint32_t *header = (const void *)(ring->records + (*position & (ring->size - 1)));
	/* The writer stores the size last. */
	const uint32_t bits = __atomic_load_n(header, __ATOMIC_ACQUIRE);
	const uint32_t size = bits & ~(BPF_RINGBUF_BUSY_BIT | BPF_RINGBUF_DISCARD_BIT);

	if (bits & BPF_RINGBUF_BUSY_BIT)
		return false;
	if (!(bits & BPF_RINGBUF_DISCARD_BIT))
		ring->each(ring->ctx, bytes_at(ring, *position + BPF_RINGBUF_HDR_SZ, size), size);
	*position += ((uint64_t)size + BPF_RINGBUF_HDR_SZ + 7) & ~7ULL;
	return true;
}

static void give_back(struct ring *ring, uint64_t position)
{
	__atomic_store_n(ring->read_position, position, __ATOMIC_RELEASE);
}

/* Passes on what is complete up to a position; false if something before it is not. */
static bool read_until(struct ring *ring, uint64_t *position, uint64_t end)
{
	uint64_t given_back = *position;

	while (*position < end) {
		if (!read_record(ring, position))
			return false;
		if (*position - given_back < GIVE_BACK)
			continue;
		give_back(ring, *position);
		given_back = *position;
	}
	return true;
}

bool ring_consume(struct ring *ring)
{
	const uint64_t begin = *ring->read_position;
	uint64_t position = begin, end;
	bool complete;

	do {
		end = __atomic_load_n(ring->written_position, __ATOMIC_ACQUIRE);
		complete = read_until(ring, &position, end);
	} while (complete && position - begin < ring->size &&
		 position < __atomic_load_n(ring->written_position, __ATOMIC_ACQUIRE));
	give_back(ring, position);
	return complete;
}

int ring_fd(const struct ring *ring)
{
	return ring->fd;
}
