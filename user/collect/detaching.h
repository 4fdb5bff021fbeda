/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 gilscope contributors */
/* Links of processes that have ended, detached beside the capture: the kernel takes its time. */
#ifndef GILSCOPE_DETACHING_H
#define GILSCOPE_DETACHING_H

#include "probe/attach.h"

struct detaching;

/* Takes the links over and detaches them in the background. */
void detaching_start(struct detaching **list, struct attachment *attached);

/* Waits until all are detached; frees the list. */
void detaching_wait(struct detaching **list);

#endif
