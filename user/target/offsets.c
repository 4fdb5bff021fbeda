/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 gilscope contributors */
#include "target/offsets.h"

#include <elf.h>
#include <errno.h>
#include <string.h>

#include "base/mem.h"

/*
 * Up to 3.12, by minor version: Include/internal/pycore_runtime.h, pycore_interp.h and
 * Include/cpython/pystate.h, read from the DWARF of real builds. Layouts do not change within a
 * minor version after its release; what is read through them is checked against the process all the
 * same (target_read_gils).
 */
static const struct {
	int minor;
	struct py_offsets off;
} table[] = {
	{8,
	 {.runtime_interpreters_head = 32,
	  .interp_id = 16,
	  .runtime_gil = 1152,
	  .tstate_thread_id = 176}},
	{9,
	 {.runtime_interpreters_head = 32,
	  .interp_id = 24,
	  .runtime_gil = 352,
	  .tstate_thread_id = 176}},
	{10,
	 {.runtime_interpreters_head = 32,
	  .interp_id = 24,
	  .runtime_gil = 352,
	  .tstate_thread_id = 176}},
	{11,
	 {.runtime_interpreters_head = 40,
	  .interp_id = 48,
	  .runtime_gil = 360,
	  .tstate_thread_id = 152,
	  .tstate_native_id = 160}},
	{12,
	 {.runtime_interpreters_head = 40,
	  .interp_id = 8,
	  .interp_gil = 384,
	  .tstate_thread_id = 136,
	  .tstate_native_id = 144}},
};

/* Where the fields that we need stand in struct _Py_DebugOffsets
 * (Include/internal/pycore_debug_offsets.h). */
struct debug_layout {
	int minor;
	uint32_t interpreters_head, interp_id, interp_next, ceval_gil, own_gil, gil_locked,
		gil_holder, thread_id, native_thread_id;
};

static const struct debug_layout debug_layouts[] = {
	{13, 40, 56, 64, 112, 120, 136, 144, 192, 200},
	{14, 40, 56, 64, 120, 128, 144, 152, 216, 224},
	{15, 40, 56, 64, 120, 128, 144, 152, 240, 248},
};

/* No structure of CPython is as large; an offset beyond it is garbage. */
#define OFFSET_LIMIT (1 << 20)

/*
 * struct _gil_runtime_state { unsigned long interval; PyThreadState *last_holder; int locked;
 * unsigned long switch_number; cond; mutex; switch_cond; switch_mutex }, the same from 3.7 to 3.15
 * (Include/internal/pycore_gil.h); a free-threaded build has `int enabled` before it. The size of
 * pthread_cond_t is 48 everywhere, pthread_mutex_t has 40 bytes on x86_64 and 48 on aarch64 glibc.
 */
static void fill_gil(struct py_offsets *off, uint32_t base, int machine)
{
	off->gil_interval = base;
	off->gil_last_holder = base + 8;
	off->gil_locked = base + 16;
	off->gil_cond = base + 32;
	off->gil_switch_cond = off->gil_cond + (machine == EM_AARCH64 ? 96 : 88);
}

static int from_debug_offsets(const struct py_version *version, const struct debug_layout *at,
			      const struct elf_image *python, struct py_offsets *off,
			      bool *free_threaded)
{
	uint64_t runtime = elf_image_symbol(python, "_PyRuntime", NULL);
	const uint8_t *bytes = elf_image_bytes(python, runtime, 256);

	if (!bytes || memcmp(bytes, "xdebugpy", 8) != 0)
		return -EBADMSG;

	uint64_t words[32];
	memcpy(words, bytes, sizeof(words));
	const uint64_t hex = words[1];
	if ((int)(hex >> 24) != version->major || (int)(hex >> 16 & 0xff) != version->minor)
		return -EBADMSG;
	*free_threaded = words[2] != 0;

	const struct {
		uint32_t at;
		uint32_t *to;
	} fields[] = {
		{at->interpreters_head, &off->runtime_interpreters_head},
		{at->interp_id, &off->interp_id},
		{at->interp_next, &off->interp_next},
		{at->ceval_gil, &off->interp_gil},
		{at->thread_id, &off->tstate_thread_id},
		{at->native_thread_id, &off->tstate_native_id},
	};
	for (size_t i = 0; i < ARRAY_SIZE(fields); i++) {
		const uint64_t value = words[fields[i].at / 8];

		if (value >= OFFSET_LIMIT)
			return -EBADMSG;
		*fields[i].to = (uint32_t)value;
	}
	/* Two offsets that we know already: if they agree, the others are where we think they are.
	 */
	const uint64_t own_gil = words[at->own_gil / 8];
	const uint64_t locked = words[at->gil_locked / 8] - own_gil;
	const uint64_t holder = words[at->gil_holder / 8] - own_gil;
	if (locked != holder + 8 || holder != (*free_threaded ? 16 : 8) || !off->interp_gil)
		return -EBADMSG;
	return 0;
}

int offsets_find(const struct py_version *version, const struct elf_image *python,
		 struct py_offsets *off, bool *free_threaded)
{
	const int machine = elf_image_machine(python);

	memset(off, 0, sizeof(*off));
	*free_threaded = false;
	if (version->major != 3)
		return -ENOTSUP;
	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		if (table[i].minor != version->minor)
			continue;
		*off = table[i].off;
		fill_gil(off, 0, machine);
		return 0;
	}
	for (size_t i = 0; i < ARRAY_SIZE(debug_layouts); i++) {
		if (debug_layouts[i].minor != version->minor)
			continue;
		int err =
			from_debug_offsets(version, &debug_layouts[i], python, off, free_threaded);
		fill_gil(off, *free_threaded ? 8 : 0, machine);
		return err;
	}
	return -ENOTSUP;
}
