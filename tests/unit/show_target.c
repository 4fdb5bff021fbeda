/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 gilscope contributors */
/*
 * For tests in Python: what resolving says, as JSON.
 *
 *	show_target file LIBC FILE...	the version and the offsets of each, or the error
 *	show_target process PID		the interpreter and its GILs now
 *	show_target names PID LOOKS	the names of its threads, in so many looks one after the
 *					other: [[tid, name], ...] without repetitions; and the
 *					CPU time that they took, in ns
 */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/mem.h"
#include "target/offsets.h"
#include "target/py_names.h"
#include "target/version.h"

static json_t *offsets(const struct py_offsets *off)
{
	const struct {
		const char *name;
		uint32_t value;
	} fields[] = {
#define FIELD(name) {#name, off->name}
		FIELD(runtime_interpreters_head),
		FIELD(interp_next),
		FIELD(interp_id),
		FIELD(interp_gil),
		FIELD(runtime_gil),
		FIELD(tstate_thread_id),
		FIELD(tstate_native_id),
		FIELD(pthread_tid),
		FIELD(gil_interval),
		FIELD(gil_last_holder),
		FIELD(gil_locked),
		FIELD(gil_cond),
		FIELD(gil_switch_cond),
#undef FIELD
	};
	json_t *object = json_object();

	for (size_t i = 0; i < ARRAY_SIZE(fields); i++)
		json_object_set_new(object, fields[i].name, json_integer(fields[i].value));
	return object;
}

static json_t *show_file(const char *path, const char *libc)
{
	struct elf_image *image;
	struct py_version version;
	struct py_offsets off;
	bool free_threaded;

	if (elf_image_open(path, &image))
		return json_null();
	version_find(image, &version);
	int err = offsets_find(&version, image, libc, &off, &free_threaded);
	elf_image_close(image);
	return json_pack("{s:s, s:i, s:b, s:o}", "version", version.text, "error", err,
			 "free_threaded", free_threaded, "offsets", offsets(&off));
}

static json_t *show_gil(const struct target *target, const struct gil_info *gil)
{
	struct gil_memory memory = {0};
	json_t *ids = json_array();

	for (size_t i = 0; i < gil->interp_count && i < ARRAY_SIZE(gil->interp_ids); i++)
		json_array_append_new(ids, json_integer(gil->interp_ids[i]));
	target_read_gil(target, gil->address, &memory);
	return json_pack("{s:o, s:I, s:i, s:i}", "interpreters", ids, "switch_interval_ns",
			 (json_int_t)gil->switch_interval_ns, "locked", memory.locked,
			 "last_holder_tid", target_tstate_tid(target, memory.last_holder));
}

static json_t *show_process(pid_t pid)
{
	struct gil_info gils[TARGET_MAX_GILS];
	struct target target;
	json_t *shown = NULL, *list = json_array();

	if (!target_resolve(pid, &target)) {
		const int count = target_read_gils(&target, gils, TARGET_MAX_GILS);
		for (int i = 0; i < count; i++)
			json_array_append_new(list, show_gil(&target, &gils[i]));
		shown = json_pack("{s:s, s:O}", "version", target.version.text, "gils", list);
	}
	json_decref(list);
	target_free(&target);
	return shown;
}

static void add_name(void *ctx, pid_t tid, const char *name)
{
	char *key = xasprintf("%d %s", tid, name);

	/* jansson refuses what is no UTF-8 */
	if (json_object_set_new(ctx, key, json_pack("[i, s]", tid, name)))
		json_object_set_new(ctx, "invalid", json_null());
	free(key);
}

static uint64_t cpu_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	return (uint64_t)now.tv_sec * NSEC_PER_SEC + (uint64_t)now.tv_nsec;
}

static json_t *show_names(pid_t pid, int looks)
{
	json_t *seen = json_object(), *list = json_array(), *value;
	struct target target;
	const char *key;
	int told = 0;

	if (target_resolve(pid, &target)) {
		target_free(&target);
		json_decref(seen);
		json_decref(list);
		return NULL;
	}
	struct py_names *names = py_names_new(&target);
	const uint64_t begin = cpu_ns();
	for (int i = 0; i < looks; i++)
		told = py_names_read(names, add_name, seen);
	const uint64_t ns = cpu_ns() - begin;
	json_object_foreach(seen, key, value) json_array_append(list, value);
	json_decref(seen);
	py_names_free(names);
	target_free(&target);
	return json_pack("{s:i, s:I, s:o}", "told", told, "ns", (json_int_t)ns, "names", list);
}

int main(int argc, char **argv)
{
	json_t *shown = NULL;

	if (argc > 3 && !strcmp(argv[1], "file")) {
		shown = json_object();
		for (int i = 3; i < argc; i++)
			json_object_set_new(shown, argv[i], show_file(argv[i], argv[2]));
	} else if (argc == 3 && !strcmp(argv[1], "process")) {
		shown = show_process(atoi(argv[2]));
	} else if (argc == 4 && !strcmp(argv[1], "names")) {
		shown = show_names(atoi(argv[2]), atoi(argv[3]));
	} else {
		fputs("show_target file LIBC FILE... | process PID | names PID LOOKS\n", stderr);
	}
	if (!shown || json_dumpf(shown, stdout, JSON_INDENT(1)))
		return EXIT_FAILURE;
	json_decref(shown);
	return EXIT_SUCCESS;
}
