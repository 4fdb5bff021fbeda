/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 gilscope contributors */
/*
 * A program that looks like CPython 3.11 from outside and takes and drops a "GIL" 100 times a
 * second, but lies about it as its argument says: "locked" (it is not set when taken), "holder"
 * (nobody is), "cond" (the condition variables stand elsewhere), or "honest". Ends when stdin does.
 */
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

struct gil {
	unsigned long interval;
	void *last_holder;
	int locked;
	unsigned long switch_number;
	pthread_cond_t cond;
	pthread_mutex_t mutex;
	pthread_cond_t switch_cond;
	pthread_mutex_t switch_mutex;
};

/* What gilscope reads of struct _PyRuntimeState and PyInterpreterState in 3.11, and nothing else.
 */
struct interpreter {
	struct interpreter *next;
	char pad[40];
	long id;
};

struct runtime {
	char pad[40];
	struct interpreter *head;
	char pad2[360 - 48];
	struct gil gil;
	struct gil other;
};

struct runtime _PyRuntime;
const unsigned long Py_Version = 0x030b02f0;
static struct interpreter interpreter;
static const char *lie;
static void *thread_state[32];

static void fatal(const char *text)
{
	fputs(text, stderr);
	abort();
}

static __attribute__((noinline)) void take_gil(struct gil *gil)
{
	const struct timespec until = {0};

	pthread_mutex_lock(&gil->mutex);
	while (gil->locked && !pthread_cond_timedwait(&gil->cond, &gil->mutex, &until))
		;
	gil->locked = !strcmp(lie, "locked") ? 0 : 1;
	gil->last_holder = !strcmp(lie, "holder") ? NULL : thread_state;
	if (pthread_cond_signal(!strcmp(lie, "cond") ? &gil->cond : &gil->switch_cond))
		fatal("PyCOND_SIGNAL(gil->switch_cond) failed");
	pthread_mutex_unlock(&gil->mutex);
}

static __attribute__((noinline)) void drop_gil(struct gil *gil)
{
	pthread_mutex_lock(&gil->mutex);
	gil->locked = 0;
	if (pthread_cond_signal(&gil->cond))
		fatal("PyCOND_SIGNAL(gil->cond) failed");
	pthread_mutex_unlock(&gil->mutex);
}

void PyEval_RestoreThread(void)
{
	take_gil(&_PyRuntime.gil);
}

void PyEval_SaveThread(void)
{
	drop_gil(&_PyRuntime.gil);
}

void _PyEval_EvalFrameDefault(void)
{
	drop_gil(&_PyRuntime.gil);
	take_gil(&_PyRuntime.gil);
}

int main(int argc, char **argv)
{
	struct pollfd in = {.fd = 0, .events = POLLIN};

	lie = argc > 1 ? argv[1] : "honest";
	_PyRuntime.gil = (struct gil){.interval = 5000, .last_holder = thread_state};
	interpreter.id = 0;
	_PyRuntime.head = &interpreter;
	puts("READY {}");
	fflush(stdout);
	while (poll(&in, 1, 10) == 0) {
		PyEval_RestoreThread();
		PyEval_SaveThread();
	}
	return 0;
}
