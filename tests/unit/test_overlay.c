/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 gilscope contributors */
/* Where the file of an overlay's lower layer is, from texts as the kernel writes them. */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "target/overlay.h"

/* The machine's root file system, and an overlay as the root of the process. */
#define PLAIN "28 1 254:0 / / rw,relatime shared:1 - ext4 /dev/root rw\n"
#define OVERLAY(id, root, point, options)                                                          \
	id " 28 0:41 " root " " point " rw,relatime - overlay overlay rw," options "\n"

/* Folders with an empty file in each of some places, removed again. */
static char *root;

static void add_file(const char *path)
{
	char name[512];

	for (const char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		snprintf(name, sizeof(name), "%s%.*s", root, (int)(slash - path), path);
		mkdir(name, 0700);
	}
	snprintf(name, sizeof(name), "%s%s", root, path);
	FILE *f = fopen(name, "we");
	assert_non_null(f);
	fclose(f);
}

static int make_layers(void **state)
{
	(void)state;
	root = mkdtemp(strdup("/tmp/gilscope-overlay-XXXXXX"));
	assert_non_null(root);
	add_file("/one/usr/bin/other");
	add_file("/two/usr/bin/python3");
	add_file("/three/usr/bin/python3");
	add_file("/a b/usr/bin/blank");
	add_file("/x,y/usr/bin/comma");
	add_file("/p:q/usr/bin/colon");
	return 0;
}

static int remove_layers(void **state)
{
	char command[512];

	(void)state;
	snprintf(command, sizeof(command), "rm -r '%s'", root);
	const int status = system(command);
	free(root);
	return status;
}

/* Asserts where `path` is found, "" for nowhere; without the root. */
static void expect(const char *mountinfo, const char *path, const char *expected)
{
	FILE *f = fmemopen((char *)mountinfo, strlen(mountinfo), "r");

	assert_non_null(f);
	char *found = overlay_find_lower(f, path, root);
	assert_string_equal(found ? found + strlen(root) : "", expected);
	free(found);
	fclose(f);
}

static void test_first_layer_that_has_it(void **state)
{
	const char *text =
		PLAIN OVERLAY("30", "/", "/", "lowerdir=/one:/two:/three,upperdir=/u,workdir=/w");

	(void)state;
	expect(text, "/usr/bin/python3", "/two/usr/bin/python3");
	expect(text, "/usr/bin/python3 (deleted)", "/two/usr/bin/python3");
	expect(text, "/usr/bin/other", "/one/usr/bin/other");
	expect(text, "/usr/bin/nothing", "");
}

static void test_no_overlay(void **state)
{
	(void)state;
	expect(PLAIN, "/usr/bin/python3", "");
	expect(PLAIN OVERLAY("30", "/", "/mnt/box", "lowerdir=/two"), "/usr/bin/python3", "");
	expect("", "/usr/bin/python3", "");
	expect("nonsense\n30 28 0:41 / - overlay\n", "/usr/bin/python3", "");
}

static void test_mount_points(void **state)
{
	const char *below = PLAIN OVERLAY("30", "/", "/mnt/box", "lowerdir=/two,upperdir=/u");
	const char *part = PLAIN OVERLAY("30", "/usr", "/opt", "lowerdir=/two,upperdir=/u");
	const char *over =
		OVERLAY("30", "/", "/", "lowerdir=/two") OVERLAY("31", "/", "/", "lowerdir=/three");
	const char *other =
		OVERLAY("30", "/", "/", "lowerdir=/two") "31 30 0:5 / /usr rw - tmpfs none rw\n";

	(void)state;
	expect(below, "/mnt/box/usr/bin/python3", "/two/usr/bin/python3");
	expect(below, "/mnt/boxer/usr/bin/python3", "");
	expect(part, "/opt/bin/python3", "/two/usr/bin/python3");
	expect(over, "/usr/bin/python3", "/three/usr/bin/python3");
	expect(other, "/usr/bin/python3", "");
}

static void test_names_that_are_escaped(void **state)
{
	/* As Linux 6.18 shows the folders "a b", "x,y" and "p:q" after mount(2), and after
	 * fsconfig(2). */
	const char *old =
		OVERLAY("72", "/", "/m\\040m",
			"lowerdir=/a\\040b:/x\\134\\054y:/p\\134:q,upperdir=u,workdir=w,uuid=on");
	const char *new =
		OVERLAY("71", "/", "/m\\040m",
			"lowerdir+=/a\\040b,lowerdir+=/x\\054y,lowerdir+=/p:q,redirect_dir=on");

	(void)state;
	for (int i = 0; i < 2; i++) {
		expect(i ? new : old, "/m m/usr/bin/blank", "/a b/usr/bin/blank");
		expect(i ? new : old, "/m m/usr/bin/comma", "/x,y/usr/bin/comma");
		expect(i ? new : old, "/m m/usr/bin/colon", "/p:q/usr/bin/colon");
	}
}

static void test_layers_out_of_reach(void **state)
{
	(void)state;
	expect(OVERLAY("30", "/", "/", "lowerdir=two:l/ABC,upperdir=u"), "/usr/bin/python3", "");
	expect(OVERLAY("30", "/", "/", "upperdir=/two,workdir=/w"), "/usr/bin/python3", "");
	expect(OVERLAY("30", "/", "/", "lowerdir=/one::/two,upperdir=/u"), "/usr/bin/python3",
	       "/two/usr/bin/python3");
	expect(OVERLAY("30", "/", "/", "lowerdir="), "/usr/bin/python3", "");
	expect(OVERLAY("30", "/", "/", "lowerdir=/two\\"), "/usr/bin/python3", "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_first_layer_that_has_it),
		cmocka_unit_test(test_no_overlay),
		cmocka_unit_test(test_mount_points),
		cmocka_unit_test(test_names_that_are_escaped),
		cmocka_unit_test(test_layers_out_of_reach),
	};

	return cmocka_run_group_tests(tests, make_layers, remove_layers);
}
