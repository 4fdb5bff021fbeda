/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 gilscope contributors */
/* Names from every place where they can be, of a library that is compiled and taken apart here. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <gelf.h>
#include <libelf.h>
#include <limits.h>
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

#include "find_python.h"
#include "target/symbols.h"

static const char source[] =
	"__attribute__((noinline, noclone)) static int inner(int n)\n"
	"{ __asm__ volatile(\"\" : \"+r\"(n)); return n + NUMBER; }\n"
	"int outer(int n) { return inner(n) * 2; }\n"
	"__asm__(\".text\\n.type unsized, @function\\nunsized: .skip 16, 0x90\");\n";

/*
 * A folder as the root of a target: lib/whole.so and its parts lib/bare.so (stripped) and
 * parts/names (its debug file); the same of another build, and of one without a build-id.
 */
struct fixture {
	char root[PATH_MAX];
	int fd; /* of the root */
	uint64_t inner;
};

static struct fixture fixture;

/* Runs a command in the root; true if it succeeds. */
static bool __attribute__((format(printf, 1, 2))) run(const char *fmt, ...)
{
	char command[4096];
	int at = snprintf(command, sizeof(command), "cd '%s' && ", fixture.root);
	va_list args;

	va_start(args, fmt);
	vsnprintf(command + at, sizeof(command) - (size_t)at, fmt, args);
	va_end(args);
	return system(command) == 0;
}

static bool make_build(const char *name, const char *options)
{
	return run("gcc -g -O1 -shared -fPIC %s -o lib/%s.so source.c", options, name) &&
	       run("objcopy --only-keep-debug lib/%s.so parts/%s.names", name, name) &&
	       run("strip -s -o lib/%s.bare.so lib/%s.so", name, name);
}

/* Address of the symbol in .symtab. */
static uint64_t address_of(const struct elf_image *image, const char *name)
{
	Elf *elf = elf_image_libelf(image);
	Elf_Scn *section = NULL;
	GElf_Shdr shdr;
	GElf_Sym symbol;

	while ((section = elf_nextscn(elf, section))) {
		if (!gelf_getshdr(section, &shdr) || shdr.sh_type != SHT_SYMTAB)
			continue;
		for (int i = 0; gelf_getsym(elf_getdata(section, NULL), i, &symbol); i++)
			if (!strcmp(elf_strptr(elf, shdr.sh_link, symbol.st_name), name))
				return symbol.st_value;
	}
	fail_msg("no symbol %s", name);
	return 0;
}

static struct elf_image *open_file(const char *path)
{
	char full[2 * PATH_MAX];
	struct elf_image *image;

	snprintf(full, sizeof(full), "%s/%s", fixture.root, path);
	assert_int_equal(elf_image_open(full, &image), 0);
	return image;
}

static int make_files(void **state)
{
	char path[] = "/tmp/test-symbols-XXXXXX", file[PATH_MAX + 16];

	(void)state;
	if (system("command -v gcc objcopy strip xz >/dev/null 2>&1") != 0 || !mkdtemp(path)) {
		print_message("no gcc, objcopy, strip or xz on this machine\n");
		return 0;
	}
	strcpy(fixture.root, path);
	snprintf(file, sizeof(file), "%s/source.c", path);
	FILE *f = fopen(file, "w");
	if (!f || fputs(source, f) < 0 || fclose(f) || !run("mkdir lib parts") ||
	    !make_build("whole", "-DNUMBER=1 -Wl,--build-id=sha1") ||
	    !make_build("other", "-DNUMBER=2 -Wl,--build-id=sha1") ||
	    !make_build("nameless", "-DNUMBER=3 -Wl,--build-id=none"))
		return -1;
	fixture.fd = open(path, O_PATH | O_DIRECTORY);
	struct elf_image *image = open_file("lib/whole.so");
	fixture.inner = address_of(image, "inner");
	elf_image_close(image);
	return 0;
}

static int remove_files(void **state)
{
	(void)state;
	if (!fixture.root[0])
		return 0;
	close(fixture.fd);
	return run("rm -rf '%s'", fixture.root) ? 0 : -1;
}

/* Before each test: nothing where debug files are looked for. */
static int clean(void **state)
{
	(void)state;
	return !fixture.root[0] || run("rm -rf usr lib/.debug lib/*.names lib/made.so") ? 0 : -1;
}

#define NEED_FILES()                                                                               \
	do {                                                                                       \
		(void)state;                                                                       \
		if (!fixture.root[0])                                                              \
			skip();                                                                    \
	} while (0)

/* The names in a file, seen from a process whose root is the fixture's. */
static void expect(const char *path, enum symbols_source source, bool named)
{
	char inside[PATH_MAX];
	struct elf_image *image = open_file(path);

	snprintf(inside, sizeof(inside), "/%s", path);
	struct symbols *symbols = symbols_new(image, inside, dup(fixture.fd));
	const char *name = symbols_name(symbols, fixture.inner + 1);
	assert_string_equal(name ? name : "", named ? "inner" : "");
	assert_string_equal(symbols_source_name(symbols_source(symbols)),
			    symbols_source_name(source));
	/* What is exported has its name whatever else there is. */
	name = symbols_name(symbols, elf_image_symbol(image, "outer", NULL));
	assert_string_equal(name ? name : "", "outer");
	assert_null(symbols_name(symbols, 0));
	assert_null(symbols_name(symbols, UINT64_MAX));
	assert_null(symbols_note(symbols));
	symbols_free(symbols);
	elf_image_close(image);
}

static void names_are_from_symtab(void **state)
{
	NEED_FILES();
	expect("lib/whole.so", SYMBOLS_SYMTAB, true);
	expect("lib/whole.bare.so", SYMBOLS_NONE, false);
}

static void no_names_without_symbols(void **state)
{
	(void)state;
	assert_null(symbols_name(NULL, 1));
	assert_null(symbols_note(NULL));
	assert_int_equal(symbols_source(NULL), SYMBOLS_NONE);
	symbols_free(NULL);
}

/* The name ends where its function does. */
static void names_have_bounds(void **state)
{
	NEED_FILES();
	struct elf_image *image = open_file("lib/whole.so");
	struct symbols *symbols = symbols_new(image, "/lib/whole.so", -1);
	uint64_t size, outer = elf_image_symbol(image, "outer", &size);
	assert_string_equal(symbols_name(symbols, outer + size - 1), "outer");
	const char *after = symbols_name(symbols, outer + size);
	assert_true(!after || strcmp(after, "outer") != 0);
	assert_null(symbols_name(symbols, address_of(image, "unsized") + 4));
	symbols_free(symbols);
	elf_image_close(image);
}

static void place_by_build_id(const char *of, const char *names, const char *how)
{
	struct elf_image *image = open_file(of);
	const char *id = elf_image_build_id(image);

	assert_true(run("mkdir -p usr/lib/debug/.build-id/%.2s", id));
	assert_true(run("%s %s usr/lib/debug/.build-id/%.2s/%s.debug", how, names, id, id + 2));
	elf_image_close(image);
}

static void debug_file_by_build_id(void **state)
{
	NEED_FILES();
	place_by_build_id("lib/whole.bare.so", "parts/whole.names", "cp");
	expect("lib/whole.bare.so", SYMBOLS_DEBUGFILE, true);
	expect("lib/other.bare.so", SYMBOLS_NONE, false);
}

/* As packages have it: an absolute link, which is one of the target's root and not of ours. */
static void links_stay_in_the_root(void **state)
{
	NEED_FILES();
	place_by_build_id("lib/whole.bare.so", "/parts/whole.names", "ln -s");
	expect("lib/whole.bare.so", SYMBOLS_DEBUGFILE, true);
}

static void another_build_is_not_taken(void **state)
{
	NEED_FILES();
	place_by_build_id("lib/whole.bare.so", "parts/other.names", "cp");
	expect("lib/whole.bare.so", SYMBOLS_NONE, false);
	assert_true(run("cp parts/other.names lib/whole.names"));
	assert_true(
		run("objcopy --add-gnu-debuglink=lib/whole.names lib/whole.bare.so lib/made.so"));
	expect("lib/made.so", SYMBOLS_NONE, false);
}

static void what_is_no_debug_file_is_not_taken(void **state)
{
	static const char *const made[] = {
		"mkfifo",      "mkdir",	       "cp lib/whole.bare.so",
		"cp source.c", "cp /dev/null", "head -c 2000 parts/whole.names >",
		"ln -s loop",
	};

	NEED_FILES();
	for (size_t i = 0; i < sizeof(made) / sizeof(made[0]); i++) {
		clean(state);
		place_by_build_id("lib/whole.bare.so", "", made[i]);
		expect("lib/whole.bare.so", SYMBOLS_NONE, false);
	}
}

static void debug_file_by_link(void **state)
{
	static const char *const places[] = {"lib", "lib/.debug", "usr/lib/debug/lib"};
	static const char *const builds[] = {"whole", "nameless"};

	NEED_FILES();
	for (size_t i = 0; i < 6; i++) {
		const char *build = builds[i % 2], *place = places[i / 2];
		clean(state);
		assert_true(
			run("objcopy --add-gnu-debuglink=parts/%s.names lib/%s.bare.so lib/made.so",
			    build, build));
		expect("lib/made.so", SYMBOLS_NONE, false);
		assert_true(run("mkdir -p %s && cp parts/%s.names %s", place, build, place));
		expect("lib/made.so", SYMBOLS_DEBUGFILE, true);
	}
}

/* Without a build-id the checksum decides: one byte more, and it is another file. */
static void a_wrong_checksum_is_not_taken(void **state)
{
	NEED_FILES();
	assert_true(run("cp parts/nameless.names lib && "
			"objcopy --add-gnu-debuglink=lib/nameless.names lib/nameless.bare.so "
			"lib/made.so"));
	expect("lib/made.so", SYMBOLS_DEBUGFILE, true);
	assert_true(run("echo >> lib/nameless.names"));
	expect("lib/made.so", SYMBOLS_NONE, false);
}

static void names_are_from_debugdata(void **state)
{
	NEED_FILES();
	assert_true(run(
		"objcopy -S --keep-symbol=inner parts/whole.names parts/mini && "
		"xz -kf parts/mini && "
		"objcopy --add-section .gnu_debugdata=parts/mini.xz lib/whole.bare.so lib/made.so"));
	expect("lib/made.so", SYMBOLS_DEBUGDATA, true);
	/* All names are in a debug file that is at hand. */
	place_by_build_id("lib/whole.bare.so", "parts/whole.names", "cp");
	expect("lib/made.so", SYMBOLS_DEBUGFILE, true);
}

static void broken_debugdata_does_no_harm(void **state)
{
	struct copy copy;
	char path[2 * PATH_MAX];
	uint32_t seed = 1;

	NEED_FILES();
	assert_true(run(
		"head -c 3000 source.c > parts/rubbish && "
		"objcopy --add-section .gnu_debugdata=parts/rubbish lib/whole.bare.so lib/made.so"));
	expect("lib/made.so", SYMBOLS_NONE, false);
	assert_true(run(
		"objcopy -S --keep-symbol=inner parts/whole.names parts/mini && "
		"xz -kf parts/mini && "
		"objcopy --add-section .gnu_debugdata=parts/mini.xz lib/whole.bare.so lib/made.so"));
	snprintf(path, sizeof(path), "%s/lib/made.so", fixture.root);
	assert_true(copy_file(path, &copy));
	for (int round = 0; round < 2000; round++) {
		struct elf_image *image;
		seed = seed * 1664525 + 1013904223;
		const size_t at = (seed >> 8) % copy.size;
		const unsigned char saved = copy.data[at];
		copy.data[at] ^= (unsigned char)(1 + seed % 255);
		if (elf_image_open(copy.path, &image) == 0) {
			struct symbols *symbols =
				symbols_new(image, "/lib/made.so", dup(fixture.fd));
			symbols_name(symbols, fixture.inner);
			symbols_source(symbols);
			symbols_free(symbols);
			elf_image_close(image);
		}
		copy.data[at] = saved;
	}
	free_copy(&copy);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(names_are_from_symtab, clean),
		cmocka_unit_test_setup(no_names_without_symbols, clean),
		cmocka_unit_test_setup(names_have_bounds, clean),
		cmocka_unit_test_setup(debug_file_by_build_id, clean),
		cmocka_unit_test_setup(links_stay_in_the_root, clean),
		cmocka_unit_test_setup(another_build_is_not_taken, clean),
		cmocka_unit_test_setup(what_is_no_debug_file_is_not_taken, clean),
		cmocka_unit_test_setup(debug_file_by_link, clean),
		cmocka_unit_test_setup(a_wrong_checksum_is_not_taken, clean),
		cmocka_unit_test_setup(names_are_from_debugdata, clean),
		cmocka_unit_test_setup(broken_debugdata_does_no_harm, clean),
	};

	return cmocka_run_group_tests(tests, make_files, remove_files);
}
