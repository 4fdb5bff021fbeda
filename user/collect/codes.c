/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 gilscope contributors */
#include "collect/codes.h"

#include <malloc.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "probe/names.h"
#include "probe/tables.h"

/* One image of a file is enough. */
static void adopt(struct mapped_file *file, struct elf_image *image)
{
	if (file->image == image)
		return;
	elf_image_close(file->image);
	file->image = elf_image_share(image);
}

static struct code_plan *find_known(const struct codes *codes, struct target *target)
{
	for (size_t i = 0; i < codes->count; i++) {
		struct code_plan *code = codes->items[i];

		if (!elf_image_is_same(code->python, target->python.image) ||
		    !elf_image_is_same(code->libc, target->libc.image))
			continue;
		adopt(&target->python, code->python);
		adopt(&target->libc, code->libc);
		return code;
	}
	return NULL;
}

static int make_plan(const struct target *target, bool force_libc, struct probe_plan *plan)
{
	const struct plan_request request = {
		.python = target->python.image,
		.libc = target->libc.image,
		.version_minor = target->version.minor,
		.force_libc = force_libc,
	};
	int err = plan_probes(&request, plan);

	/* A capture may be long, and needs none of what the planning did. */
	elf_image_rest(target->python.image);
	if (target->libc.image)
		elf_image_rest(target->libc.image);
	malloc_trim(0);
	if (err)
		return log_err(err,
			       "cannot find where CPython %s takes and drops its GIL in %s: %s",
			       target->version.text, target->python.path,
			       plan->note_count ? plan->notes[0] : strerror(-err));
	return 0;
}

static void free_code(struct code_plan *code)
{
	plan_free(&code->plan);
	symbols_free(code->python_names);
	symbols_free(code->libc_names);
	elf_image_close(code->python);
	elf_image_close(code->libc);
	free(code);
}

/* The object that has the program which the plan's probes run; NULL after a message. */
static struct gil_bpf *programs_for(struct codes *codes, struct gil_bpf *skel,
				    const struct probe_plan *plan, int *err)
{
	if (plan->method != PLAN_LIBC_ENTRY)
		return skel;
	if (!codes->libc_entry)
		*err = bpf_object_open_libc_entry(skel, &codes->libc_entry);
	return codes->libc_entry;
}

const struct code_plan *codes_find(struct codes *codes, struct gil_bpf *skel, struct target *target,
				   int *err)
{
	struct code_plan *code = find_known(codes, target);

	*err = 0;
	if (code)
		return code;
	code = xcalloc(1, sizeof(*code));
	*err = make_plan(target, codes->force_libc, &code->plan);
	if (!*err)
		code->programs = programs_for(codes, skel, &code->plan, err);
	if (!*err) {
		const int index = tables_add_code(skel, target, &code->plan);
		*err = index < 0 ? index : 0;
		code->index = (uint32_t)index;
	}
	if (*err) {
		free_code(code);
		return NULL;
	}
	code->python = elf_image_share(target->python.image);
	code->libc = elf_image_share(target->libc.image);
	code->python_names = symbols_of(&target->python, target->pid);
	code->libc_names = symbols_of(&target->libc, target->pid);
	*VEC_PUSH(codes) = code;
	return code;
}

void codes_name_sites(struct codes *codes)
{
	for (size_t i = 0; i < codes->count; i++) {
		struct code_plan *code = codes->items[i];

		plan_name_sites(&code->plan, code->python_names, code->libc_names);
	}
}

void codes_free(struct codes *codes)
{
	for (size_t i = 0; i < codes->count; i++)
		free_code(codes->items[i]);
	free(codes->items);
	bpf_object_close(codes->libc_entry);
	*codes = (struct codes){0};
}
