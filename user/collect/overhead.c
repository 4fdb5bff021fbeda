/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 gilscope contributors */
#include "collect/overhead.h"

#include <stdio.h>

#include "base/clock.h"
#include "base/log.h"
#include "collect/collector_state.h"

/* Judged is what was paid over some seconds: a burst that is over soon is told by the report. */
#define CHECK_NS NSEC_PER_SEC
#define WINDOW_NS (2 * NSEC_PER_SEC)
#define MAX_CPUS 0.05
#define MUCH_WORSE 2

double overhead_judge(struct overhead_watch *watch, uint64_t now_ns, uint64_t cost_ns)
{
	if (now_ns < watch->since_ns + WINDOW_NS)
		return 0;
	const double cpus = (double)(cost_ns - watch->cost_ns) / (double)(now_ns - watch->since_ns);

	watch->since_ns = now_ns;
	watch->cost_ns = cost_ns;
	if (cpus <= MAX_CPUS || cpus < MUCH_WORSE * watch->told)
		return 0;
	watch->told = cpus;
	return cpus;
}

uint64_t overhead_cost_ns(const struct collector *c, const struct traced *t)
{
	const struct probe_plan *plan = &t->code->plan;
	uint64_t cost = 0;

	for (size_t i = 0; i < plan->site_count; i++)
		cost += gils_hits(c, t, i) * collector_hit_ns(c, plan->sites[i].emulated);
	return cost;
}

static double judge(const struct collector *c, struct traced *t, uint64_t now)
{
	if (!t->overhead.since_ns)
		t->overhead.since_ns = t->start_ns;
	return overhead_judge(&t->overhead, now, overhead_cost_ns(c, t));
}

static void warn(const struct traced *worst, double cpus, size_t others)
{
	char more[64] = "";

	if (others)
		snprintf(more, sizeof(more), ", and %zu other%s more than %.0f%%", others,
			 others == 1 ? "" : "s", 100 * MAX_CPUS);
	log_warn("process %d pays %.0f%% of a CPU for its probes now%s: it takes and drops its GIL "
		 "that often, and its holds and waits are longer than without them; if that is too "
		 "much, end the capture, or take a short one (-d)",
		 worst->target.pid, 100 * cpus, more);
}

void overhead_check(struct collector *c)
{
	const uint64_t now = clock_mono_ns();
	const struct traced *worst = NULL;
	double most = 0;
	size_t count = 0;

	if (now < c->check_ns)
		return;
	c->check_ns = now + CHECK_NS;
	for (size_t i = c->oldest; i < c->traced.count; i++) {
		struct traced *t = c->traced.items[i];
		const double cpus = t->phase == TRACED_RUNNING ? judge(c, t, now) : 0;

		count += cpus > 0;
		if (cpus > most) {
			most = cpus;
			worst = t;
		}
	}
	if (worst)
		warn(worst, most, count - 1);
}
