/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 gilscope contributors */
#define _GNU_SOURCE
#include "collect/waiting.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "collect/collector_state.h"
#include "gil.skel.h"

/* What an event is about, beside the ids of processes, which are 32 bits long. */
#define ABOUT_STOP (UINT64_MAX - 1)
#define ABOUT_RING UINT64_MAX

#define MAX_EVENTS 64

static int watch(struct collector *c, int fd, uint32_t events, uint64_t about)
{
	struct epoll_event event = {.events = events, .data.u64 = about};

	if (!epoll_ctl(c->epoll_fd, EPOLL_CTL_ADD, fd, &event))
		return 0;
	return log_err(-errno, "cannot wait for what is captured: %s", strerror(errno));
}

int waiting_begin(struct collector *c)
{
	c->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (c->epoll_fd < 0)
		return log_err(-errno, "cannot wait for what is captured: %s", strerror(errno));
	int err = watch(c, c->options.stop_fd, EPOLLIN, ABOUT_STOP);
	/* When the programs say so, not whenever it holds anything: that is nearly always. */
	if (!err)
		err = watch(c, bpf_map__fd(c->skel->maps.events), EPOLLIN | EPOLLET, ABOUT_RING);
	return err;
}

void waiting_free(struct collector *c)
{
	if (c->epoll_fd >= 0)
		close(c->epoll_fd);
}

int waiting_watch(struct collector *c, const struct traced *t)
{
	return watch(c, t->pid_fd, EPOLLIN, t->id);
}

/* True if it is about the end of the capture. */
static bool take_event(struct collector *c, uint64_t about)
{
	if (about == ABOUT_STOP)
		return true;
	if (about == ABOUT_RING)
		return false;
	c->by_id.items[about - 1]->gone = true;
	c->due_ns = 0;
	return false;
}

bool waiting_sleep(struct collector *c, uint64_t until_ns)
{
	struct pollfd fd = {.fd = c->epoll_fd, .events = POLLIN};
	const uint64_t now = clock_mono_ns();
	const uint64_t ns = until_ns > now ? until_ns - now : 0;
	const struct timespec timeout = {.tv_sec = (time_t)(ns / NSEC_PER_SEC),
					 .tv_nsec = (long)(ns % NSEC_PER_SEC)};
	struct epoll_event events[MAX_EVENTS];
	bool stop = false;

	/* epoll_wait alone counts in ms, and epoll_pwait2 is younger than the kernels we run on. */
	if (ppoll(&fd, 1, &timeout, NULL) <= 0)
		return false;
	const int count = epoll_wait(c->epoll_fd, events, ARRAY_SIZE(events), 0);
	for (int i = 0; i < count; i++)
		stop |= take_event(c, events[i].data.u64);
	return stop;
}
