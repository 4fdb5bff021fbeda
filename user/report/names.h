/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 gilscope contributors */
/* What a thread is called in a report, and which others it belongs to by its name. */
#ifndef GILSCOPE_NAMES_OF_THREADS_H
#define GILSCOPE_NAMES_OF_THREADS_H

#include "report/view.h"

/*
 * Its name in Python; else MainThread if it is the process's first; else its name in the kernel if it
 * has one of its own; else Thread-TID. Owned by the caller, not made safe to print.
 */
char *name_of_thread(const struct result_process *process, const struct model_thread *thread);

/*
 * The name with a star for the number at its end (worker-3: worker-*), or before the function that
 * Python appends (Thread-3 (run): Thread-* (run)); the name itself if there is none. Owned by the
 * caller.
 */
char *group_of_name(const char *name);

/*
 * Fills process->groups: one for each group of threads and GIL, in the order of the threads. A group of
 * one thread has its name. Release with groups_free.
 */
void groups_make(struct view_process *process);
void groups_free(struct view_process *process);

#endif
