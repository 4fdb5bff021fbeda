/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 gilscope contributors */
/* The reader of ring buffers against a writer of ours, in a file that is laid out as the kernel's map. */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <linux/bpf.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "collect/ring.h"

#define SIZE (1 << 18)

struct fixture {
	struct ring *ring;
	int fd;
	uint64_t *read, *written; /* positions, as the kernel sees them */
	char *records;
	uint32_t next_to_write, next_to_read;
	size_t room_at_record; /* of the writer, in each call of on_record */
};

/* A record is its number, again and again: 4 bytes for number 1, 8 for 2, ... */
static size_t size_of(uint32_t number)
{
	return 4 * (number % 50 + 1);
}

static void on_record(void *ctx, const void *data, size_t size)
{
	struct fixture *f = ctx;
	const uint32_t *words = data;

	assert_int_equal((uintptr_t)data % 8, 0);
	assert_int_equal(size, size_of(f->next_to_read));
	for (size_t i = 0; i < size / 4; i++)
		assert_int_equal(words[i], f->next_to_read);
	f->next_to_read++;
	f->room_at_record = SIZE - (*f->written - *f->read);
}

static size_t stored_size(size_t size)
{
	return (size + BPF_RINGBUF_HDR_SZ + 7) / 8 * 8;
}

/* Byte by byte, so that it goes on at the begin where the end is. */
static void put(struct fixture *f, uint64_t position, const void *data, size_t size)
{
	for (size_t i = 0; i < size; i++)
		f->records[(position + i) % SIZE] = ((const char *)data)[i];
}

/* Writes the next record with some flags; false if there is no room. The place of its header. */
static bool write_record(struct fixture *f, uint32_t flags, uint64_t *at)
{
	const size_t size = size_of(f->next_to_write);
	const uint32_t header = (uint32_t)size | flags;

	if (*f->written + stored_size(size) - *f->read > SIZE)
		return false;
	if (at)
		*at = *f->written;
	put(f, *f->written, &header, sizeof(header));
	for (size_t i = 0; i < size; i += 4)
		put(f, *f->written + BPF_RINGBUF_HDR_SZ + i, &f->next_to_write, 4);
	*f->written += stored_size(size);
	f->next_to_write++;
	return true;
}

static int set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	const long page = sysconf(_SC_PAGESIZE);

	f->fd = memfd_create("ring", MFD_CLOEXEC);
	if (f->fd < 0 || ftruncate(f->fd, 2 * page + SIZE))
		return -1;
	char *all =
		mmap(NULL, (size_t)(2 * page + SIZE), PROT_READ | PROT_WRITE, MAP_SHARED, f->fd, 0);
	if (all == MAP_FAILED)
		return -1;
	f->read = (uint64_t *)all;
	f->written = (uint64_t *)(all + page);
	f->records = all + 2 * page;
	*state = f;
	return ring_open(f->fd, SIZE, on_record, f, &f->ring);
}

static int tear_down(void **state)
{
	struct fixture *f = *state;

	ring_close(f->ring);
	munmap(f->read, (size_t)(2 * sysconf(_SC_PAGESIZE) + SIZE));
	close(f->fd);
	free(f);
	return 0;
}

/* Filled and emptied many times: each record is read once, also those that the end cuts. */
static void test_rounds(void **state)
{
	struct fixture *f = *state;
	size_t cut = 0;

	for (int round = 0; round < 50; round++) {
		uint64_t at;

		while (write_record(f, 0, &at))
			cut += at % SIZE + BPF_RINGBUF_HDR_SZ + size_of(f->next_to_write - 1) >
			       SIZE;
		ring_consume(f->ring);
		assert_int_equal(f->next_to_read, f->next_to_write);
		assert_int_equal(*f->read, *f->written);
	}
	assert_true(cut > 10);
}

static void test_empty(void **state)
{
	struct fixture *f = *state;

	ring_consume(f->ring);
	assert_int_equal(f->next_to_read, 0);
	assert_int_equal(*f->read, 0);
}

/* What was reserved and is not complete keeps back all behind it. */
static void test_busy(void **state)
{
	struct fixture *f = *state;
	uint64_t busy;

	assert_true(write_record(f, 0, NULL));
	assert_true(write_record(f, BPF_RINGBUF_BUSY_BIT, &busy));
	assert_true(write_record(f, 0, NULL));
	ring_consume(f->ring);
	assert_int_equal(f->next_to_read, 1);
	assert_int_equal(*f->read, busy);
	const uint32_t complete = (uint32_t)size_of(1);
	put(f, busy, &complete, sizeof(complete));
	ring_consume(f->ring);
	assert_int_equal(f->next_to_read, 3);
}

static void test_discarded(void **state)
{
	struct fixture *f = *state;

	assert_true(write_record(f, BPF_RINGBUF_DISCARD_BIT, NULL));
	f->next_to_read = 1;
	assert_true(write_record(f, 0, NULL));
	ring_consume(f->ring);
	assert_int_equal(f->next_to_read, 2);
	assert_int_equal(*f->read, *f->written);
}

/* The writers get room while many records are read, not only at the end. */
static void test_room_is_given_back(void **state)
{
	struct fixture *f = *state;

	while (write_record(f, 0, NULL))
		;
	ring_consume(f->ring);
	assert_true(f->room_at_record > SIZE / 2);
}

/* What is no ring buffer. */
static void test_not_mappable(void **state)
{
	struct ring *ring;
	int pipes[2];

	(void)state;
	assert_int_equal(pipe(pipes), 0);
	assert_true(ring_open(pipes[0], SIZE, on_record, NULL, &ring) < 0);
	assert_null(ring);
	close(pipes[0]);
	close(pipes[1]);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(test_rounds),
		TEST(test_empty),
		TEST(test_busy),
		TEST(test_discarded),
		TEST(test_room_is_given_back),
		cmocka_unit_test(test_not_mappable),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
