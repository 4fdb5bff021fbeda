/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 gilscope contributors */
/* The checklist as JSON, schema 1 (tools/doctor-1.schema.json); names as in the report's schema. */
#include <errno.h>
#include <jansson.h>
#include <stdlib.h>

#include "base/mem.h"
#include "probe/names.h"
#include "report/clean.h"
#include "report/doctor.h"

/* jansson refuses what is no UTF-8, and the target may name things as it likes. */
static json_t *json_clean(const char *text)
{
	char *clean = clean_text(text, false);
	json_t *string = json_string(clean);

	free(clean);
	return string;
}

static void add_checks(json_t *array, const struct doctor_checks *checks)
{
	for (size_t i = 0; i < checks->count; i++) {
		const struct doctor_check *check = &checks->items[i];

		json_array_append_new(array,
				      json_pack("{s:s, s:s, s:s, s:o, s:o}", "id", check->id,
						"status", check_status_name(check->status), "title",
						check->title, "detail", json_clean(check->detail),
						"advice", json_clean(check->advice)));
	}
}

static json_t *all_checks(const struct doctor_result *result)
{
	json_t *array = json_array();

	add_checks(array, &result->machine);
	add_checks(array, &result->process.checks);
	return array;
}

static json_t *cost(uint64_t ns)
{
	return ns ? json_integer((json_int_t)ns) : json_null();
}

static json_t *machine(const struct doctor_result *result)
{
	return json_pack("{s:o, s:o, s:{s:o, s:o}}", "kernel", json_clean(result->kernel), "arch",
			 json_clean(result->arch), "ns_per_hit", "emulated", cost(result->hit_ns),
			 "single_stepped", cost(result->stepped_hit_ns));
}

static json_t *python(const struct target *t)
{
	return json_pack(
		"{s:o, s:s, s:s, s:o, s:s, s:b, s:s}", "version", json_clean(t->version.text),
		"build", t->free_threaded ? "free-threaded" : "gil", "linkage",
		t->is_static ? "static" : "shared", "file", json_clean(t->python.path), "build_id",
		elf_image_build_id(t->python.image), "stripped", t->stripped, "libc", t->libc_kind);
}

static json_t *resolution(const struct doctor_process *process)
{
	const struct probe_plan *plan = &process->plan;
	json_t *notes = json_array();

	for (size_t i = 0; i < plan->note_count; i++)
		json_array_append_new(notes, json_clean(plan->notes[i]));
	return json_pack("{s:s, s:s, s:o}", "method", plan_method_name(plan->method), "symbols",
			 plan_symbols_name(plan), "notes", notes);
}

static json_t *probes(const struct doctor_process *process)
{
	const struct probe_plan *plan = &process->plan;
	const struct mapped_file *file =
		plan->method == PLAN_LIBC_ENTRY ? &process->target.libc : &process->target.python;
	json_t *array = json_array();

	for (size_t i = 0; i < plan->site_count; i++) {
		const struct probe_site *site = &plan->sites[i];

		json_array_append_new(array, json_pack("{s:s, s:o, s:o, s:I, s:o, s:b}", "role",
						       probe_role_name(site->role), "file",
						       json_clean(file->path), "function",
						       json_clean(site->function), "offset",
						       (json_int_t)site->offset, "instruction",
						       json_clean(site->insn), "emulated",
						       site->emulated));
	}
	return array;
}

static json_t *gils(const struct doctor_process *process)
{
	json_t *array = json_array();

	for (size_t i = 0; i < process->gil_count; i++) {
		const struct gil_info *gil = &process->gils[i];
		json_t *ids = json_array();

		for (size_t j = 0; j < gil->interp_count && j < ARRAY_SIZE(gil->interp_ids); j++)
			json_array_append_new(ids, json_integer(gil->interp_ids[j]));
		json_array_append_new(array,
				      json_pack("{s:o, s:I, s:I}", "interpreters", ids,
						"interpreter_count", (json_int_t)gil->interp_count,
						"switch_interval_ns",
						(json_int_t)gil->switch_interval_ns));
	}
	return array;
}

static json_t *surroundings(const struct surroundings *s)
{
	static const char *const files[] = {
		[FILE_SAME] = "same", [FILE_GONE] = "gone", [FILE_UNKNOWN] = "unknown"};

	return json_pack("{s:b, s:b, s:b, s:b, s:b, s:s}", "mount_namespace",
			 s->other[NAMESPACE_MOUNT], "pid_namespace", s->other[NAMESPACE_PID],
			 "user_namespace", s->other[NAMESPACE_USER], "overlay", s->overlay,
			 "shadow_stack", s->shadow_stack, "file", files[s->file]);
}

/* A process that is none, or none of ours, has its PID alone. */
static json_t *target(const struct doctor_process *process)
{
	const struct target *t = &process->target;

	if (!process->resolved)
		return json_pack("{s:I}", "pid", (json_int_t)process->pid);
	return json_pack("{s:I, s:I, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "pid", (json_int_t)t->pid,
			 "ppid", (json_int_t)t->ppid, "exe", json_clean(t->exe), "cmdline",
			 json_clean(t->cmdline), "python", python(t), "surroundings",
			 surroundings(&process->surroundings), "resolution", resolution(process),
			 "probes", probes(process), "gils", gils(process));
}

int doctor_json(FILE *out, const struct doctor_result *result, const struct report_options *options)
{
	json_t *root = json_pack("{s:s, s:{s:s}, s:b, s:o, s:o}", "schema", "gilscope.doctor/1",
				 "tool", "version", GILSCOPE_VERSION, "works", doctor_works(result),
				 "machine", machine(result), "checks", all_checks(result));
	const size_t flags = JSON_INDENT(2) | (options->ascii ? JSON_ENSURE_ASCII : 0);
	int err = root ? 0 : -ENOMEM;

	if (root && result->has_process)
		err = json_object_set_new(root, "target", target(&result->process)) ? -ENOMEM : 0;
	if (!err && json_dumpf(root, out, flags) && !ferror(out))
		err = -EINVAL;
	if (!err)
		fputc('\n', out);
	json_decref(root);
	return err;
}
