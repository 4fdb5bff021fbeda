/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 gilscope contributors */
/* A line for each interval while the capture runs, in fixed columns like those of vmstat. */
#include <inttypes.h>

#include "report/format.h"
#include "report/layout.h"

/* `n` events in `span_ns` as events a second, rounded. */
static uint64_t per_second(uint64_t n, uint64_t span_ns)
{
	const double second = 1e9;

	return span_ns ? (uint64_t)((double)n * second / (double)span_ns + 0.5) : 0;
}

void report_interval_header(FILE *out, const struct report_options *options)
{
	struct page page;

	page_init(&page, out, options);
	fprintf(out, "%s%10s %7s %8s %7s %8s %10s %10s %9s%s\n", page_bold(&page), "SECONDS",
		"HELD", "HANDOFF", "IDLE", "WAITING", "HOLDS/s", "CONTENDED", "FORCED/s",
		page_plain(&page));
	fflush(out);
}

void report_interval(FILE *out, const struct model_bin *bin, const struct report_options *options)
{
	/* of all GILs together, so that the shares add up to 100% */
	uint64_t observed = bin->held_ns + bin->handoff_ns + bin->idle_ns + bin->unknown_ns;
	double waiting = bin->span_ns ? (double)bin->wait_ns / (double)bin->span_ns : 0;
	struct page page;

	page_init(&page, out, options);
	fprintf(out, "%10s %7s %8s %7s %8s %10s %10s %9s",
		format_fixed((double)(bin->at_ns + bin->span_ns) / 1e9, 3).text,
		format_share(bin->held_ns, observed).text,
		format_share(bin->handoff_ns, observed).text,
		format_share(bin->idle_ns, observed).text, format_fixed(waiting, 2).text,
		format_count(per_second(bin->holds, bin->span_ns)).text,
		format_share(bin->contended_holds, bin->holds).text,
		format_count(per_second(bin->forced_releases, bin->span_ns)).text);
	if (bin->unknown_ns)
		fprintf(out, "  %s%s unknown%s", page_red(&page),
			format_share(bin->unknown_ns, observed).text, page_plain(&page));
	fputc('\n', out);
	fflush(out);
}
