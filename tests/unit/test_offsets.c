/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 gilscope contributors */
/* Versions and offsets of this machine's interpreters, and of copies of them that lie. */
#define _GNU_SOURCE
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "find_python.h"
#include "target/offsets.h"
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

/* What the file is said to be; its offsets are not kept. */
static int resolve(const char *path, struct py_version *version)
{
	struct elf_image *image;
	struct py_offsets off;
	bool free_threaded;

	assert_int_equal(elf_image_open(path, &image), 0);
	version_find(image, version);
	int err = offsets_find(version, image, "glibc", &off, &free_threaded);
	elf_image_close(image);
	return err;
}

/* A copy of the newest interpreter of at least 3.`minor`, and where `symbol` stands in it. */
static void *copy_newest(int minor, struct copy *copy, const char *symbol)
{
	struct py_version version;
	const char *newest = NULL;
	uint64_t offset;

	for (size_t i = 0; i < pythons.count; i++) {
		resolve(pythons.paths[i], &version);
		if (version.minor < minor)
			continue;
		minor = version.minor;
		newest = pythons.paths[i];
	}
	if (!newest) {
		print_message("no CPython 3.%d or later on this machine\n", minor);
		skip();
	}
	assert_true(copy_file(newest, copy));
	struct elf_image *image;
	assert_int_equal(elf_image_open(copy->path, &image), 0);
	assert_true(elf_image_offset(image, elf_image_symbol(image, symbol, NULL), &offset));
	elf_image_close(image);
	return copy->data + offset;
}

static void interpreters_here_are_known_or_named(void **state)
{
	struct py_version version;

	(void)state;
	for (size_t i = 0; i < pythons.count; i++) {
		const int err = resolve(pythons.paths[i], &version);
		char minor[16];

		assert_int_equal(err, version.minor < OFFSETS_OLDEST_MINOR ? -ENOTSUP : 0);
		snprintf(minor, sizeof(minor), "3.%d.", version.minor);
		assert_memory_equal(version.text, minor, strlen(minor));
	}
}

static void other_versions_are_refused(void **state)
{
	static const struct py_version others[] = {
		{2, 7, 18, ""}, {2, 11, 0, ""}, {3, 7, 16, ""},
		{3, 16, 0, ""}, {3, 0, 0, ""},	{4, 11, 0, ""},
	};
	struct elf_image *image;
	struct py_offsets off;
	bool free_threaded;

	(void)state;
	assert_int_equal(elf_image_open("/proc/self/exe", &image), 0);
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		assert_int_equal(offsets_find(&others[i], image, "glibc", &off, &free_threaded),
				 -ENOTSUP);
	elf_image_close(image);
}

static void the_next_version_is_named(void **state)
{
	const uint32_t next = 0x03100000 | 0xa3; /* 3.16.0a3 */
	struct py_version version;
	struct copy copy;

	(void)state;
	memcpy(copy_newest(11, &copy, "Py_Version"), &next, sizeof(next));
	assert_int_equal(resolve(copy.path, &version), -ENOTSUP);
	assert_string_equal(version.text, "3.16.0a3");
	free_copy(&copy);
}

/* _Py_DebugOffsets: the cookie, the version, free_threaded, and offsets. */
static void contradictions_are_refused(void **state)
{
	struct py_version version;
	struct copy copy;
	uint64_t saved;

	(void)state;
	uint64_t *words = copy_newest(13, &copy, "_PyRuntime");
	assert_int_equal(resolve(copy.path, &version), 0);
	const uint64_t locked = version.minor == 13 ? 17 : 18; /* gil_runtime_state.locked */
	const uint64_t wrong[][2] = {
		{0, words[0] ^ 1},		   /* no cookie */
		{1, words[1] + 0x10000},	   /* another minor version */
		{1, words[1] + 0x1000000},	   /* another major version */
		{2, !words[2]},			   /* the GIL's fields say otherwise */
		{locked, words[locked] + 8},	   /* the same */
		{5, UINT64_MAX},		   /* interpreters_head: beyond any structure */
		{5, 1 << 20},			   /* the same, just so */
		{7, words[7] | (uint64_t)1 << 32}, /* interpreter_state.id: more than 32 bits */
	};
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		saved = words[wrong[i][0]];
		words[wrong[i][0]] = wrong[i][1];
		assert_int_equal(resolve(copy.path, &version), -EBADMSG);
		words[wrong[i][0]] = saved;
	}
	assert_int_equal(resolve(copy.path, &version), 0);
	/* Words of the next version's layout, read as this one's: they do not fit either. */
	memmove(words + 12, words + 11, 20 * sizeof(*words));
	assert_int_equal(resolve(copy.path, &version), -EBADMSG);
	free_copy(&copy);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(interpreters_here_are_known_or_named),
		cmocka_unit_test(other_versions_are_refused),
		cmocka_unit_test(the_next_version_is_named),
		cmocka_unit_test(contradictions_are_refused),
	};

	return cmocka_run_group_tests(tests, find, forget);
}
