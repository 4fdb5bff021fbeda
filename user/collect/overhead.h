/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 gilscope contributors */
/* What the probes cost each process while it is captured: said at once where that is much. */
#ifndef GILSCOPE_OVERHEAD_H
#define GILSCOPE_OVERHEAD_H

#include <stdint.h>

struct collector;
struct traced;

/* What one process is known to have paid. */
struct overhead_watch {
	uint64_t since_ns,
		cost_ns; /* where the time that is judged begins, and the cost until then */
	double told;	 /* what was told last, in CPUs; 0: nothing */
};

/*
 * Takes what the probes have cost a process in all until `now_ns`, in ns. The CPUs that it paid
 * over the last seconds if they are to be told: too many for the first time, or many more than
 * were told; else 0. A pure function of its arguments.
 */
double overhead_judge(struct overhead_watch *watch, uint64_t now_ns, uint64_t cost_ns);

/* What the hits of the process cost it since its stream began: hits times what one costs here, in
 * ns. */
uint64_t overhead_cost_ns(const struct collector *c, const struct traced *t);

/* Judges all processes, at most once a second, and warns of those that pay too much. */
void overhead_check(struct collector *c);

#endif
