/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 gilscope contributors */
#include "probe/attach.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <bpf/libbpf.h>

#include "base/log.h"
#include "base/mem.h"
#include "gil.skel.h"
#include "probe/code.h"
#include "probe/multi.h"
#include "probe/reach.h"
#include "probe/refusal.h"
#include "target/overlay.h"

/* Waiting in the kernel, not working. */
#define MAX_DETACHERS 64

static int refuse(int err, pid_t pid, const char *what)
{
	if (err == -ESRCH)
		return log_err(err, "process %d ended while it was attached to", pid);
	if (err != -EPERM && err != -EACCES)
		return log_err(err, "cannot attach %s: %s", what, strerror(-err));
	char *why = refusal_explain();
	log_err(err, "the kernel refuses %s (%s): %s", what, strerror(-err), why);
	free(why);
	return err;
}

static int add_link(struct attachment *attached, struct bpf_link *link)
{
	if (!link)
		return -errno;
	*VEC_PUSH(attached) = (struct attached_link){.link = link, .fd = -1};
	return 0;
}

int attachment_attach_tracepoints(struct attachment *attached, struct gil_bpf *skel)
{
	struct bpf_program *programs[] = {skel->progs.task_start, skel->progs.task_exit,
					  skel->progs.process_exec};

	for (size_t i = 0; i < ARRAY_SIZE(programs); i++) {
		int err = add_link(attached, bpf_program__attach(programs[i]));
		if (err)
			return refuse(err, 0, "the tracepoints of threads");
	}
	return 0;
}

static int attach_program(struct attachment *attached, struct gil_bpf *skel,
			  const struct bpf_program *program, const char *path, pid_t pid,
			  const uint64_t *offsets, size_t count)
{
	if (bpf_object_is_multi(skel)) {
		int fd = multi_attach(bpf_program__fd(program), path, offsets, count, pid);
		if (fd < 0)
			return fd;
		*VEC_PUSH(attached) = (struct attached_link){.fd = fd};
		return 0;
	}
	for (size_t i = 0; i < count; i++) {
		int err = add_link(attached, bpf_program__attach_uprobe(program, false, pid, path,
									offsets[i]));
		if (err)
			return err;
	}
	return 0;
}

/* Attaches the sites to the file at `path`. 0; -ESTALE, with nothing attached, if that is not the
 * file that the process maps; another negative errno. No message. */
static int attach_sites(struct attachment *attached, struct gil_bpf *skel,
			const struct target *target, const struct probe_plan *plan,
			const char *path)
{
	const struct bpf_program *program = plan->method == PLAN_LIBC_ENTRY
						    ? skel->progs.gil_libc_entry
						    : skel->progs.gil_call_site;
	struct attachment sites = {0};
	uint64_t offsets[PLAN_MAX_SITES];

	for (size_t i = 0; i < plan->site_count; i++)
		offsets[i] = plan->sites[i].offset;
	int err =
		attach_program(&sites, skel, program, path, target->pid, offsets, plan->site_count);
	if (!err && !probes_reach(target, code_file(target, plan), plan))
		err = -ESTALE;
	if (err)
		attachment_detach(&sites);
	else
		attachment_move(&sites, attached);
	return err;
}

int attachment_attach(struct attachment *attached, struct gil_bpf *skel,
		      const struct target *target, const struct probe_plan *plan)
{
	const struct mapped_file *file = code_file(target, plan);
	char path[32];

	int err = code_compare(target, plan);
	if (err)
		return err;
	/* The file that was analysed, whatever stands under its name now. */
	snprintf(path, sizeof(path), "/proc/self/fd/%d", elf_image_fd(file->image));
	err = attach_sites(attached, skel, target, plan, path);
	if (err == -ESTALE) {
		char *lower = overlay_lower_path(target->pid, file->path);

		if (lower)
			err = attach_sites(attached, skel, target, plan, lower);
		free(lower);
	}
	if (err == -ESTALE)
		return log_err(
			err,
			"process %d maps another file than the one that stands for %s now: it was changed in an overlay's upper "
			"layer since, and the file of the lower layer cannot be found from here; restart the process, or run "
			"gilscope on the host",
			target->pid, file->path);
	return err ? refuse(err, target->pid, "the uprobes") : 0;
}

int attachment_attach_self(struct attachment *attached, struct gil_bpf *skel, uint64_t offset)
{
	return attach_program(attached, skel, skel->progs.calibrate, "/proc/self/exe", getpid(),
			      &offset, 1);
}

void attachment_move(struct attachment *from, struct attachment *to)
{
	for (size_t i = 0; i < from->count; i++)
		*VEC_PUSH(to) = from->items[i];
	free(from->items);
	*from = (struct attachment){0};
}

/* Links that are left, taken one by one by the threads that detach them. */
struct work {
	struct attachment *attached;
	atomic_size_t next;
};

static void *detach_links(void *arg)
{
	struct work *work = arg;

	for (;;) {
		const size_t i = atomic_fetch_add(&work->next, 1);

		if (i >= work->attached->count)
			return NULL;
		const struct attached_link *link = &work->attached->items[i];
		if (link->link)
			bpf_link__destroy(link->link);
		else
			close(link->fd);
	}
}

void attachment_detach(struct attachment *attached)
{
	struct work work = {.attached = attached};
	pthread_t threads[MAX_DETACHERS];
	size_t count = 0;

	while (count < MAX_DETACHERS && count + 1 < attached->count &&
	       !pthread_create(&threads[count], NULL, detach_links, &work))
		count++;
	detach_links(&work);
	while (count)
		pthread_join(threads[--count], NULL);
	free(attached->items);
	*attached = (struct attachment){0};
}
