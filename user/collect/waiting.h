/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 gilscope contributors */
/* What the collector sleeps for: what the programs tell, the ends of processes, the end of the
 * capture. */
#ifndef GILSCOPE_WAITING_H
#define GILSCOPE_WAITING_H

#include <stdbool.h>
#include <stdint.h>

struct collector;
struct traced;

/* The collector's options and ring buffer must be there. 0 or a negative errno after a message. */
int waiting_begin(struct collector *c);
void waiting_free(struct collector *c);

/* From here on the end of the process is told, as its `gone`, until its pid_fd is closed. 0 or a
 * negative errno after a message. */
int waiting_watch(struct collector *c, const struct traced *t);

/* Sleeps until something happens, at most until `until_ns`; true if stop_fd is readable. */
bool waiting_sleep(struct collector *c, uint64_t until_ns);

#endif
