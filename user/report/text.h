/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 gilscope contributors */
/* The sections of the text report. */
#ifndef GILSCOPE_TEXT_H
#define GILSCOPE_TEXT_H

#include "report/layout.h"
#include "report/view.h"

/* What was profiled and how, and what the reader must know about it. */
void text_intro(const struct page *page, const struct view *view);
/* Accounting of each GIL. */
void text_gils(const struct page *page, const struct view *view);
/* Thread table. 0 or a negative errno. */
int text_threads(const struct page *page, const struct view *view);
/* Histograms of the holds and waits of all threads. */
void text_histograms(const struct page *page, const struct view *view);
void text_losses(const struct page *page, const struct view *view);
void text_overhead(const struct page *page, const struct view *view);
/* Each probe. 0 or a negative errno. */
int text_probes(const struct page *page, const struct view *view);

#endif
