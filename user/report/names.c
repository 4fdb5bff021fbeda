/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 gilscope contributors */
#include "report/names.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "model/exited.h"

/*
 * A thread that nobody named has the kernel's name of the one that started it: that of the process, or,
 * if the process has changed its own since, of the program, which may be longer than the kernel keeps
 * (python3 of python3.11).
 */
static bool is_inherited(const struct result_process *process, const char *comm)
{
	const char *exe = process->target->exe ? process->target->exe : "";
	const char *slash = strrchr(exe, '/');
	const char *program = slash ? slash + 1 : exe;

	return !comm[0] || !strcmp(comm, process->model->comm) ||
	       !strncmp(comm, program, strlen(comm));
}

char *name_of_thread(const struct result_process *process, const struct model_thread *thread)
{
	if (thread->together)
		return xstrdup("");
	if (thread->name)
		return xstrdup(thread->name);
	if ((pid_t)thread->tid == process->target->pid)
		return xstrdup("MainThread");
	if (is_inherited(process, thread->comm))
		return xasprintf("Thread-%u", thread->tid);
	return xstrdup(thread->comm);
}

/* Where the digits begin that end at `end`. */
static size_t number_before(const char *name, size_t end)
{
	while (end > 0 && name[end - 1] >= '0' && name[end - 1] <= '9')
		end--;
	return end;
}

char *group_of_name(const char *name)
{
	const size_t length = strlen(name);
	const char *function = length && name[length - 1] == ')' ? strstr(name, " (") : NULL;
	const size_t end = function ? (size_t)(function - name) : length;
	const size_t begin = number_before(name, end);

	if (begin == end)
		return xstrdup(name);
	return xasprintf("%.*s*%s", (int)begin, name, name + end);
}

static int compare_members(const void *a, const void *b)
{
	const struct view_thread *x = *(const struct view_thread *const *)a;
	const struct view_thread *y = *(const struct view_thread *const *)b;
	const int order = strcmp(x->group, y->group);

	if (order)
		return order;
	if (x->thread->gil != y->thread->gil)
		return x->thread->gil < y->thread->gil ? -1 : 1;
	return (x > y) - (x < y);
}

static bool same_group(const struct view_thread *a, const struct view_thread *b)
{
	return !strcmp(a->group, b->group) && a->thread->gil == b->thread->gil;
}

/* The row of some threads, whose sum is kept beside the rows. */
static void add_group(struct view_process *process, const struct view_thread *const *members,
		      size_t count)
{
	const struct view_thread *first = members[0];
	struct model_thread *sum = &process->group_sums[process->group_count];

	*sum = (struct model_thread){
		.process = first->thread->process, .gil = first->thread->gil, .exited = true};
	for (size_t i = 0; i < count; i++) {
		model_thread_add(sum, members[i]->thread);
		sum->exited &= members[i]->thread->exited;
	}
	process->groups[process->group_count++] = (struct view_thread){
		.thread = sum,
		.name = xstrdup(count == 1 ? first->name : first->group),
		.comm = xstrdup(""),
		.group = xstrdup(first->group),
	};
}

void groups_make(struct view_process *process)
{
	const size_t count = process->thread_count;
	const struct view_thread **members = xcalloc(count, sizeof(*members));

	for (size_t i = 0; i < count; i++)
		members[i] = &process->threads[i];
	if (count)
		qsort(members, count, sizeof(*members), compare_members);
	process->groups = xcalloc(count, sizeof(*process->groups));
	process->group_sums = xcalloc(count, sizeof(*process->group_sums));
	for (size_t i = 0, next; i < count; i = next) {
		for (next = i + 1; next < count && same_group(members[i], members[next]);)
			next++;
		add_group(process, members + i, next - i);
	}
	free(members);
	if (process->group_count)
		qsort(process->groups, process->group_count, sizeof(*process->groups),
		      view_compare_threads);
}

void groups_free(struct view_process *process)
{
	for (size_t i = 0; i < process->group_count; i++)
		model_thread_free(&process->group_sums[i]);
	free(process->group_sums);
}
