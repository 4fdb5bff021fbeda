/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 gilscope contributors */
/*
 * For tests in Python: the Python stacks of a process, as JSON.
 *
 *	show_python layout FILE		the offsets for the interpreter in a file
 *	show_python stacks PID		of each thread state, now
 *	show_python later PID		the same; prints "walked" and resolves when a line comes in
 *	show_python probe PID TID BY SYMBOL OBJECT
 *					of thread TID, as walk.bpf.c in OBJECT finds it when thread BY
 *					calls SYMBOL of the interpreter; prints "attached" when it may
 */
#include <jansson.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include <bpf/libbpf.h>

#include "base/mem.h"
#include "native_walk.h"
#include "target/py_code.h"
#include "target/version.h"
#include "tests/pystack/walk.h"

#define MAX_THREADS 256
#define PATIENCE_MS 60000

struct thread {
	uint64_t tstate;
	pid_t tid;
	struct py_walk walk;
};

struct view {
	struct target target;
	struct py_layouts layouts;
	struct py_codes *codes;
	struct thread threads[MAX_THREADS];
	size_t count;
};

static uint64_t read_word(const struct view *view, uint64_t address)
{
	uint64_t value = 0;

	process_read(view->target.pid, address, &value, sizeof(value));
	return value;
}

/* The thread states of the first interpreter, and those that other interpreters have. */
static void find_threads(struct view *view)
{
	const struct py_offsets *off = &view->target.off;
	const struct py_code_layout *layout = &view->layouts.code;
	uint64_t interp = read_word(view, view->target.runtime + off->runtime_interpreters_head);

	for (; interp; interp = read_word(view, interp + off->interp_next)) {
		uint64_t tstate = read_word(view, interp + layout->interp_threads);

		while (tstate && view->count < MAX_THREADS) {
			view->threads[view->count++] = (struct thread){
				.tstate = tstate, .tid = target_tstate_tid(&view->target, tstate)};
			tstate = read_word(view, tstate + layout->tstate_next);
		}
	}
}

static bool open_view(struct view *view, const char *pid)
{
	if (target_resolve(atoi(pid), &view->target))
		return false;
	const int err = py_layout_find(&view->target, &view->layouts);
	if (err) {
		fprintf(stderr, "show_python: no layout for %s: %s\n", view->target.version.text,
			strerror(-err));
		return false;
	}
	view->codes = py_codes_new(view->target.pid, &view->layouts);
	find_threads(view);
	return true;
}

static void add_fields(json_t *object, const struct py_layouts *all)
{
	const struct {
		const char *name;
		uint32_t value;
	} fields[] = {
#define WALK(name) {#name, all->walk.name}
#define CODE(name)                                                                                 \
	{                                                                                          \
#name, all->code.name                                                              \
	}
		WALK(tstate_interp),  WALK(interp_collecting), WALK(tstate_frame),
		WALK(cframe_frame),   WALK(frame_size),	       WALK(frame_code),
		WALK(frame_previous), WALK(frame_instruction), WALK(frame_owner),
		WALK(code_window),    CODE(object_type),       CODE(code_first_line),
		CODE(code_file),      CODE(code_name),	       CODE(code_qualname),
		CODE(code_lines),     CODE(code_bytes),	       CODE(text_length),
		CODE(text_state),     CODE(text_ascii),	       CODE(text_compact),
		CODE(bytes_size),     CODE(bytes_data),	       CODE(interp_threads),
		CODE(tstate_next),
#undef WALK
#undef CODE
	};

	for (size_t i = 0; i < ARRAY_SIZE(fields); i++)
		json_object_set_new(object, fields[i].name, json_integer((int)fields[i].value));
}

static json_t *layout(const char *path)
{
	struct target target = {0};
	struct py_layouts layouts;

	if (elf_image_open(path, &target.python.image))
		return NULL;
	version_find(target.python.image, &target.version);
	json_t *shown = json_pack("{s:s, s:i}", "version", target.version.text, "error",
				  py_layout_find(&target, &layouts));
	add_fields(shown, &layouts);
	json_object_set_new(shown, "types",
			    json_boolean(layouts.code.code_type && layouts.code.text_type &&
					 layouts.code.bytes_type));
	elf_image_close(target.python.image);
	return shown;
}

static const char *const results[] = {
	[PY_RESOLVED] = "resolved", [PY_STALE] = "stale", [PY_UNREADABLE] = "unreadable"};

static json_t *frame_json(struct view *view, const struct py_frame *frame)
{
	struct py_location at = {0};
	const enum py_resolve result = py_codes_resolve(view->codes, frame, &at);

	if (result != PY_RESOLVED)
		return json_pack("{s:s}", "result", results[result]);
	return json_pack("{s:s, s:s, s:s, s:i, s:i}", "result", results[result], "function",
			 at.function, "file", at.file, "line", at.line, "first_line",
			 at.first_line);
}

static json_t *stack_json(struct view *view, pid_t tid, const struct py_stack *stack)
{
	json_t *frames = json_array();
	char id[32];

	for (size_t i = 0; i < stack->count && i < PY_STACK_MAX; i++)
		json_array_append_new(frames, frame_json(view, &stack->frames[i]));
	snprintf(id, sizeof(id), "%016llx", (unsigned long long)stack->id);
	return json_pack("{s:i, s:i, s:s, s:o}", "tid", tid, "flags", (int)stack->flags, "id", id,
			 "frames", frames);
}

static void walk_all(struct view *view)
{
	for (size_t i = 0; i < view->count; i++)
		native_walk(view->target.pid, &view->layouts.walk, view->threads[i].tstate,
			    &view->threads[i].walk);
}

static json_t *all_json(struct view *view)
{
	json_t *list = json_array();

	for (size_t i = 0; i < view->count; i++) {
		const struct thread *thread = &view->threads[i];

		json_array_append_new(list, stack_json(view, thread->tid, &thread->walk.stack));
	}
	return json_pack("{s:s, s:o}", "version", view->target.version.text, "threads", list);
}

static void say(const char *word)
{
	puts(word);
	fflush(stdout);
}

static json_t *stacks(struct view *view, bool later)
{
	walk_all(view);
	if (later) {
		say("walked");
		getchar();
	}
	return all_json(view);
}

static uint64_t tstate_of(const struct view *view, pid_t tid)
{
	for (size_t i = 0; i < view->count; i++)
		if (view->threads[i].tid == tid)
			return view->threads[i].tstate;
	return 0;
}

static struct bpf_object *load(const char *path, struct walk_shared **shared)
{
	struct bpf_object *object = bpf_object__open_file(path, NULL);
	struct bpf_map *bss = object ? bpf_object__find_map_by_name(object, "walk.bss") : NULL;

	if (!bss || bpf_map__value_size(bss) < sizeof(**shared) || bpf_object__load(object))
		return NULL;
	*shared = mmap(NULL, sizeof(**shared), PROT_READ | PROT_WRITE, MAP_SHARED, bpf_map__fd(bss),
		       0);
	return *shared == MAP_FAILED ? NULL : object;
}

static bool wait_for_hit(const struct walk_shared *shared)
{
	for (int i = 0; i < PATIENCE_MS / 10; i++) {
		if (*(volatile const uint32_t *)&shared->hits)
			return true;
		poll(NULL, 0, 10);
	}
	return false;
}

static json_t *probe(struct view *view, char **argv)
{
	const struct mapped_file *python = &view->target.python;
	const uint64_t vaddr = elf_image_symbol(python->image, argv[2], NULL);
	const pid_t tid = atoi(argv[0]);
	struct walk_shared *shared;
	uint64_t offset;
	struct bpf_object *object = load(argv[3], &shared);

	if (!object || !vaddr || !elf_image_offset(python->image, vaddr, &offset))
		return NULL;
	shared->layout = view->layouts.walk;
	shared->tstate = tstate_of(view, tid);
	shared->hit_by = atoi(argv[1]);
	struct bpf_link *link =
		bpf_program__attach_uprobe(bpf_object__next_program(object, NULL), false,
					   view->target.pid, python->open_path, offset);
	say(link ? "attached" : "not attached");
	json_t *shown = NULL;
	if (link && wait_for_hit(shared)) {
		getchar(); /* by then it has called it as often as it will */
		shown = stack_json(view, tid, &shared->walk.stack);
		json_object_set_new(shown, "hits", json_integer(shared->hits));
		json_object_set_new(shown, "ns", json_integer((json_int_t)shared->ns));
	}
	bpf_link__destroy(link);
	bpf_object__close(object);
	return shown;
}

int main(int argc, char **argv)
{
	struct view *view = xcalloc(1, sizeof(*view));
	json_t *shown = NULL;

	if (argc == 3 && !strcmp(argv[1], "layout"))
		shown = layout(argv[2]);
	else if (argc == 3 && !strcmp(argv[1], "stacks") && open_view(view, argv[2]))
		shown = stacks(view, false);
	else if (argc == 3 && !strcmp(argv[1], "later") && open_view(view, argv[2]))
		shown = stacks(view, true);
	else if (argc == 7 && !strcmp(argv[1], "probe") && open_view(view, argv[2]))
		shown = probe(view, argv + 3);
	py_codes_free(view->codes);
	target_free(&view->target);
	free(view);
	if (!shown || json_dumpf(shown, stdout, JSON_COMPACT))
		return EXIT_FAILURE;
	json_decref(shown);
	return EXIT_SUCCESS;
}
