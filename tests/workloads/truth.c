/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 gilscope contributors */
/*
 * What Python code cannot time by itself: the instants just before a thread asks for the GIL and
 * just after it has it. Loaded with ctypes.PyDLL, so that it is called with the GIL; the
 * interpreter's functions are those of the process that loads it.
 */
#include <stdint.h>
#include <time.h>
#include <unistd.h>

void *PyEval_SaveThread(void);
void PyEval_RestoreThread(void *tstate);

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

/* Sleeps without the GIL until `fd` gives a byte. ns from there to having the GIL again; -1 if there
 * is nothing to read any more. */
int64_t wait_for_gil(int fd)
{
	char byte;
	void *tstate = PyEval_SaveThread();
	const ssize_t size = read(fd, &byte, 1);
	const uint64_t begin = now_ns();

	PyEval_RestoreThread(tstate);
	return size == 1 ? (int64_t)(now_ns() - begin) : -1;
}

/* Writes a byte to `fd` and goes on holding the GIL for `hold_us`. ns that both took. */
uint64_t wake_and_hold(int fd, unsigned int hold_us)
{
	const uint64_t begin = now_ns();

	if (write(fd, "", 1) != 1)
		return 0;
	usleep(hold_us);
	return now_ns() - begin;
}

/* Holds the GIL for `hold_us` and gives it up for `gap_us`, `count` times. ns that it held it. */
uint64_t hold_gil(unsigned int hold_us, unsigned int gap_us, unsigned int count)
{
	uint64_t held_ns = 0;

	for (unsigned int i = 0; i < count; i++) {
		const uint64_t begin = now_ns();

		usleep(hold_us);
		held_ns += now_ns() - begin;
		void *tstate = PyEval_SaveThread();
		usleep(gap_us);
		PyEval_RestoreThread(tstate);
	}
	return held_ns;
}
