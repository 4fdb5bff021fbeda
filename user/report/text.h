/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 gilscope contributors */
/* The sections of the text report. */
#ifndef GILSCOPE_TEXT_H
#define GILSCOPE_TEXT_H

#include "report/layout.h"
#include "report/view.h"

/* What was profiled and how, and what the reader must know about it: of one process, of several. */
void text_intro(const struct page *page, const struct view *view);
void text_intro_several(const struct page *page, const struct view *view);
/* Notes on the capture and the plans, each once; the end of both intros. */
void text_notes(const struct page *page, const struct view *view);

/*
 * Of several processes: a table of them, then a part for each one that hurts most, or for each if
 * the report is verbose. 0 or a negative errno.
 */
int text_processes(const struct page *page, const struct view *view);

/* Of one process. */
/* Accounting of each GIL. */
void text_gils(const struct page *page, const struct view_process *process);
/* Thread table. 0 or a negative errno. */
int text_threads(const struct page *page, const struct view_process *process);
/* Who waited for whom, if anybody did. 0 or a negative errno. */
int text_blame(const struct page *page, const struct view_process *process);
/* Each probe. 0 or a negative errno. */
int text_probes(const struct page *page, const struct view_process *process);
/* Names and numbers of its own losses, if there are any. */
void text_process_losses(const struct page *page, const struct view_process *process);

/* Of all processes together. */
/* Histograms of the holds and waits of all threads. */
void text_histograms(const struct page *page, const struct view *view);
void text_losses(const struct page *page, const struct view *view);
void text_overhead(const struct page *page, const struct view *view);

/* "call-site", "libc-entry": the kind of a plan's probes. */
const char *text_method(const struct probe_plan *plan);
/* The arguments of the process, or its executable; "" if neither is known. Belongs to `process`. */
const char *text_command(const struct view_process *process);

#endif
