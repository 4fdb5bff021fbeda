/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 gilscope contributors */
/*
 * Layouts of this machine's interpreters, and of copies of them that lie. That the offsets are right
 * is shown by tests/tools/test_offsets.py.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "find_python.h"
#include "target/offsets.h"
#include "target/py_layout.h"
#include "target/version.h"

static struct pythons pythons;

static int find(void **state)
{
	(void)state;
	find_pythons(&pythons);
	return 0;
}

static int forget(void **state)
{
	(void)state;
	free_pythons(&pythons);
	return 0;
}

/* What is said about a file; `version` is filled if its major is 0. */
static int resolve(const char *path, struct py_version *version, struct py_layouts *layouts)
{
	struct target target = {.python.bias = 0x1000};

	assert_int_equal(elf_image_open(path, &target.python.image), 0);
	if (!version->major)
		version_find(target.python.image, version);
	target.version = *version;
	const int err = py_layout_find(&target, layouts);
	if (!err)
		assert_int_equal(layouts->code.text_type,
				 elf_image_symbol(target.python.image, "PyUnicode_Type", NULL) +
					 0x1000);
	elf_image_close(target.python.image);
	return err;
}

static void interpreters_here_have_a_layout(void **state)
{
	(void)state;
	for (size_t i = 0; i < pythons.count; i++) {
		struct py_version version = {0};
		struct py_layouts layouts;
		const int err = resolve(pythons.paths[i], &version, &layouts);

		assert_int_equal(err, version.minor < OFFSETS_OLDEST_MINOR ? -ENOTSUP : 0);
		if (err)
			continue;
		assert_int_equal(layouts.walk.skip_owner, version.minor < 12 ? 256 : 3);
		assert_int_equal(layouts.walk.code_mask & 3, version.minor < 14 ? 3 : 0);
		assert_int_equal(layouts.walk.instruction_mask >> 32 & 1, version.minor > 10);
		assert_int_equal(layouts.walk.cframe_frame != PY_NO_OFFSET,
				 version.minor == 11 || version.minor == 12);
		assert_int_equal(layouts.walk.interp_collecting == PY_NO_OFFSET,
				 version.minor == 8);
		assert_int_equal(layouts.code.instruction_size, version.minor == 10 ? 2 : 1);
	}
}

static void other_versions_are_refused(void **state)
{
	static const struct py_version others[] = {
		{2, 7, 18, ""}, {2, 11, 0, ""}, {3, 7, 16, ""}, {3, 16, 0, ""}, {4, 11, 0, ""},
	};
	struct py_layouts layouts;

	(void)state;
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		struct py_version version = others[i];

		assert_int_equal(resolve("/proc/self/exe", &version, &layouts), -ENOTSUP);
	}
	/* One that has to bring its offsets itself, and does not. */
	struct py_version version = {3, 13, 0, ""};
	assert_int_equal(resolve("/proc/self/exe", &version, &layouts), -EBADMSG);
}

/* _Py_DebugOffsets of 3.13 in a copy, word by word. */
static void offsets_of_garbage_are_refused(void **state)
{
	struct py_version version = {0};
	struct py_layouts layouts;
	const char *path = NULL;
	struct elf_image *image;
	struct copy copy;
	uint64_t offset;

	(void)state;
	for (size_t i = 0; i < pythons.count && version.minor != 13; i++) {
		version.major = 0;
		path = pythons.paths[i];
		resolve(path, &version, &layouts);
	}
	if (version.minor != 13) {
		print_message("no CPython 3.13 on this machine\n");
		skip();
	}
	assert_true(copy_file(path, &copy));
	assert_int_equal(elf_image_open(copy.path, &image), 0);
	assert_true(elf_image_offset(image, elf_image_symbol(image, "_PyRuntime", NULL), &offset));
	elf_image_close(image);
	uint64_t *words = (uint64_t *)(copy.data + offset);
	const struct {
		size_t at;
		uint64_t value;
	} wrong[] = {
		{0, 0},		      /* no cookie */
		{176 / 8, 2048},      /* thread_state.interp: beyond the structure */
		{176 / 8, 12},	      /* the same: not aligned */
		{72 / 8, UINT64_MAX}, /* interpreter_state.threads_head */
		{72 / 8, 1 << 20},    /* the same, just so */
		{232 / 8, 128},	      /* interpreter_frame.previous: more than is read */
		{264 / 8, 200},	      /* interpreter_frame.owner: the same */
		{312 / 8, 40},	      /* code_object.firstlineno: not in the window */
		{280 / 8, 40},	      /* code_object.filename: the same */
		{288 / 8, 144},	      /* code_object.name: behind it */
		{304 / 8, 80},	      /* code_object.linetable: no room before it */
		{304 / 8, 256},	      /* the same: more than is read */
		{344 / 8, 100},	      /* code_object.co_code_adaptive: in what is before it */
		{544 / 8, 40},	      /* unicode_object.state: in the characters */
		{552 / 8, 36},	      /* unicode_object.length: not aligned */
		{560 / 8, 136},	      /* unicode_object.asciiobject_size: more than is read */
		{528 / 8, 16},	      /* bytes_object.ob_sval: in the size */
		{360 / 8, 16},	      /* pyobject.ob_type: where the length is */
	};
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		const uint64_t before = words[wrong[i].at];

		words[wrong[i].at] = wrong[i].value;
		if (resolve(copy.path, &version, &layouts) != -EBADMSG)
			fail_msg("word %zu = %zu is not refused", wrong[i].at,
				 (size_t)wrong[i].value);
		words[wrong[i].at] = before;
	}
	assert_int_equal(resolve(copy.path, &version, &layouts), 0);
	free_copy(&copy);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(interpreters_here_have_a_layout),
		cmocka_unit_test(other_versions_are_refused),
		cmocka_unit_test(offsets_of_garbage_are_refused),
	};

	return cmocka_run_group_tests(tests, find, forget);
}
