/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 gilscope contributors */
/*
 * The reader's side of a BPF ring buffer. libbpf maps the records twice in a row, so that none is cut
 * by the end; all of both is resident memory, 16 MiB for a buffer of 8. Here it is mapped once, and
 * the one record in a round that is cut is put together.
 */
#ifndef GILSCOPE_RING_H
#define GILSCOPE_RING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ring;

/* Gets each record; `data` is aligned to 8 bytes and lives as long as the call. */
typedef void ring_record_fn(void *ctx, const void *data, size_t size);

/* Maps the ring buffer map `fd`, which stays the caller's, of `size` bytes of records. 0 or a
 * negative errno, without a message. Close it with ring_close. */
int ring_open(int fd, size_t size, ring_record_fn *each, void *ctx, struct ring **out);
void ring_close(struct ring *ring);

/*
 * Passes on all records that are complete, in their order, and gives their room back. If the writers
 * are as fast, it ends when about one round of the buffer has been read. False: a record is not
 * complete yet, because its writer was preempted; behind it may be others, for which nobody will be
 * woken again.
 */
bool ring_consume(struct ring *ring);

/* To poll: readable while there are records. */
int ring_fd(const struct ring *ring);

#endif
