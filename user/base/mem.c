/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 gilscope contributors */
#define _GNU_SOURCE
#include "base/mem.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"

static void *or_die(void *p)
{
	if (!p)
		exit(-log_err(-1,
			      "out of memory: end other programs or profile for a shorter time"));
	return p;
}

void *xcalloc(size_t count, size_t size)
{
	return or_die(calloc(count ? count : 1, size ? size : 1));
}

void *xrealloc_array(void *old, size_t count, size_t size)
{
	return or_die(reallocarray(old, count ? count : 1, size ? size : 1));
}

char *xstrdup(const char *s)
{
	return or_die(strdup(s));
}

char *xasprintf(const char *fmt, ...)
{
	va_list args;
	char *s = NULL;

	va_start(args, fmt);
	int n = vasprintf(&s, fmt, args);
	va_end(args);
	return or_die(n < 0 ? NULL : s);
}

uint64_t mem_peak_bytes(void)
{
	FILE *f = fopen("/proc/self/status", "re");
	char line[256];
	uint64_t kib = 0;

	if (!f)
		return 0;
	while (fgets(line, sizeof(line), f))
		if (sscanf(line, "VmHWM: %" SCNu64, &kib) == 1)
			break;
	fclose(f);
	return kib * 1024;
}

void vec_grow(void **items, size_t *cap, size_t size)
{
	*cap = *cap ? *cap * 2 : 8;
	*items = xrealloc_array(*items, *cap, size);
}

void vec_trim(void **items, size_t *cap, size_t count, size_t size)
{
	if (count) {
		*items = xrealloc_array(*items, count, size);
	} else {
		free(*items);
		*items = NULL;
	}
	*cap = count;
}
