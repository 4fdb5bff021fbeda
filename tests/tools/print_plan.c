/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 gilscope contributors */
/* Prints the probe plans of interpreters' files, of any machine, for tests: one line for each site,
 * return address and note. */
#include <stdio.h>
#include <string.h>

#include "probe/plan.h"

static void print_plan(const struct probe_plan *plan)
{
	for (size_t i = 0; i < plan->site_count; i++) {
		const struct probe_site *s = &plan->sites[i];
		printf("site %s %#lx offset %#lx length %d emulated %d forced %d known %d cfa %u "
		       "below %u %s\n",
		       probe_role_name(s->role), (unsigned long)s->vaddr, (unsigned long)s->offset,
		       s->length, s->emulated, s->forced, s->has_cfa, s->cfa_offset,
		       s->return_below, s->insn);
	}
	for (size_t i = 0; i < plan->return_count; i++) {
		const struct plan_return *r = &plan->returns[i];
		printf("return %#lx forced %d cfa %u below %u\n", (unsigned long)r->vaddr,
		       r->forced, r->cfa_offset, r->return_below);
	}
	for (size_t i = 0; i < plan->note_count; i++)
		printf("note %s\n", plan->notes[i]);
}

static int print_file(const char *path)
{
	static struct probe_plan plan;
	struct elf_image *image;
	int err = elf_image_open(path, &image);

	if (err) {
		fprintf(stderr, "%s: %s\n", path, strerror(-err));
		return 1;
	}
	struct plan_request request = {.python = image};
	err = plan_probes(&request, &plan);
	printf("plan %d %s forced-known %d\n", err, plan_method_name(plan.method),
	       plan.forced_known);
	print_plan(&plan);
	plan_free(&plan);
	elf_image_close(image);
	return err != 0;
}

int main(int argc, char **argv)
{
	int status = argc < 2;

	for (int i = 1; i < argc; i++)
		status |= print_file(argv[i]);
	return status;
}
