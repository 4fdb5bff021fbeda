/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 gilscope contributors */
#include "target/offsets.h"

#include <elf.h>
#include <errno.h>
#include <string.h>

#include "base/mem.h"

/* Where the fields that we need stand in struct _Py_DebugOffsets
 * (Include/internal/pycore_debug_offsets.h). */
struct debug_layout {
	uint32_t interpreters_head, interp_id, interp_next, ceval_gil, own_gil, gil_locked,
		gil_holder, thread_id, native_thread_id;
};

/*
 * Up to 3.12 the offsets (`table`), from 3.13 on where the file has them (`debug_table`). Layouts
 * do not change within a minor version after its release; what is read through them is checked
 * against the process all the same (target_read_gils).
 */
#include "target/offsets_table.h"

/*
 * What depends on the machine's C library: the sizes of its types (bits/pthreadtypes-arch.h; musl:
 * alltypes.h), and where the kernel's thread id stands in what a pthread_t points to (glibc: DWARF
 * of struct pthread in 2.31, 2.36 and 2.43; musl: code of pthread_kill in 1.2). A file that brings
 * its own C library counts as glibc's.
 */
static const struct libc_layout {
	int machine;
	const char *libc;
	uint32_t cond_size, mutex_size, pthread_tid;
} libc_layouts[] = {
	{EM_X86_64, "glibc", 48, 40, 0x2d0},
	{EM_X86_64, "musl", 48, 40, 0x30},
	{EM_AARCH64, "glibc", 48, 48, 0xd0},
	{EM_AARCH64, "musl", 48, 40, 0x20},
};

static const struct libc_layout *libc_layout(int machine, const char *libc)
{
	const struct libc_layout *found = &libc_layouts[0];

	for (size_t i = ARRAY_SIZE(libc_layouts); i-- > 0;) {
		const struct libc_layout *one = &libc_layouts[i];

		if (one->machine != machine)
			continue;
		found = one;
		if (!strcmp(one->libc, libc))
			break;
	}
	return found;
}

/* No structure of CPython is as large; an offset beyond it is garbage. */
#define OFFSET_LIMIT (1 << 20)

/*
 * struct _gil_runtime_state { unsigned long interval; PyThreadState *last_holder; int locked;
 * unsigned long switch_number; cond; mutex; switch_cond; switch_mutex }, the same from 3.7 to 3.15
 * (Include/internal/pycore_gil.h); a free-threaded build has `int enabled` before it.
 */
static void fill_gil(struct py_offsets *off, uint32_t base, const struct libc_layout *libc)
{
	off->gil_interval = base;
	off->gil_last_holder = base + 8;
	off->gil_locked = base + 16;
	off->gil_cond = base + 32;
	off->gil_switch_cond = off->gil_cond + libc->cond_size + libc->mutex_size;
	off->pthread_tid = libc->pthread_tid;
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

int offsets_find(const struct py_version *version, const struct elf_image *python, const char *libc,
		 struct py_offsets *off, bool *free_threaded)
{
	const struct libc_layout *layout = libc_layout(elf_image_machine(python), libc);

	memset(off, 0, sizeof(*off));
	*free_threaded = false;
	if (version->major != 3)
		return -ENOTSUP;
	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		if (table[i].minor != version->minor)
			continue;
		*off = table[i].at;
		fill_gil(off, 0, layout);
		return 0;
	}
	for (size_t i = 0; i < ARRAY_SIZE(debug_table); i++) {
		if (debug_table[i].minor != version->minor)
			continue;
		int err =
			from_debug_offsets(version, &debug_table[i].at, python, off, free_threaded);
		fill_gil(off, *free_threaded ? 8 : 0, layout);
		return err;
	}
	return -ENOTSUP;
}
