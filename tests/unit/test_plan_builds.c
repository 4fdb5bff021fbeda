/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 gilscope contributors */
/*
 * Plans for interpreters built in many ways, checked by running them: at each release the code
 * under test decides by the plan alone whether it is forced, as the probes do.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>

#include <cmocka.h>

#include "fake_python.h"
#include "probe/plan.h"

/* The fake interpreter as it is loaded, and what was seen of it. */
struct loaded {
	void *handle;
	uint64_t bias;
	volatile int *drop_request;
	int (*eval)(void *gil, const char *code);
	void *gil;
	bool from_libc; /* decide as from the entry of libc's function */
	int forced, voluntary, acquires, unknown;
};

static struct probe_plan plan;
static struct loaded fake;

static const struct probe_site *site_before(uint64_t next)
{
	for (size_t i = 0; i < plan.site_count; i++) {
		if (fake.bias + plan.sites[i].vaddr + plan.sites[i].length == next)
			return &plan.sites[i];
	}
	return NULL;
}

static const struct plan_return *return_at(uint64_t address)
{
	for (size_t i = 0; i < plan.return_count; i++) {
		if (fake.bias + plan.returns[i].vaddr == address)
			return &plan.returns[i];
	}
	return NULL;
}

/* As plan.h says it: `at` is the address of the first return address. */
static bool leads_to_eval(uint64_t at)
{
	for (int depth = 0; depth < 8; depth++) {
		const struct plan_return *entry = return_at(*(uint64_t *)at);
		if (!entry || entry->forced)
			return entry != NULL;
		at += entry->cfa_offset;
	}
	return false;
}

/* Stands in for pthread_cond_signal. */
static __attribute__((noinline)) int signal_called(pthread_cond_t *cond)
{
	uint64_t frame = (uint64_t)__builtin_frame_address(0);
	const struct probe_site *site = site_before((uint64_t)__builtin_return_address(0));
	uint64_t sp = frame + 16; /* before the call: below are its return address and our fp */

	(void)cond;
	*fake.drop_request = 0;
	if (!site)
		fake.unknown++;
	else if (site->role == ROLE_ACQUIRE)
		fake.acquires++;
	else if (fake.from_libc ? leads_to_eval(frame + 8)
				: site->forced || (site->has_cfa &&
						   leads_to_eval(sp + site->cfa_offset - 8)))
		fake.forced++;
	else
		fake.voluntary++;
	return 0;
}

static long do_work(long n)
{
	return n == 9 || n == 1;
}

static void replace_slots(const struct elf_image *image)
{
	struct elf_got_slot slots[4];
	size_t count = elf_image_got_slots(image, "pthread_cond_signal", slots, 4);

	for (size_t i = 0; i < count; i++) {
		uint64_t address = fake.bias + slots[i].vaddr;
		assert_int_equal(
			mprotect((void *)(address & ~0xfffULL), 0x1000, PROT_READ | PROT_WRITE), 0);
		*(void **)address = (void *)signal_called;
	}
}

static void load(const char *path, const struct elf_image *image)
{
	memset(&fake, 0, sizeof(fake));
	fake.handle = dlopen(path, RTLD_NOW | RTLD_LOCAL);
	assert_non_null(fake.handle);
	fake.gil = dlsym(fake.handle, "_PyRuntime");
	fake.bias = (uint64_t)fake.gil - elf_image_symbol(image, "_PyRuntime", NULL);
	fake.drop_request = dlsym(fake.handle, "drop_request");
	fake.eval = (int (*)(void *, const char *))dlsym(fake.handle, "_PyEval_EvalFrameDefault");
	*(long (**)(long))dlsym(fake.handle, "work") = do_work;
	replace_slots(image);
}

/* Runs one code and expects that many of each kind of release. */
static void run(const char *code, bool drop_request, int forced, int voluntary)
{
	fake.forced = fake.voluntary = fake.acquires = fake.unknown = 0;
	*fake.drop_request = drop_request;
	fake.eval(fake.gil, code);
	assert_int_equal(fake.unknown, 0);
	assert_int_equal(fake.forced, forced);
	assert_int_equal(fake.voluntary, voluntary);
	assert_int_equal(fake.acquires, forced + voluntary);
}

static void run_all(void)
{
	run("\1", true, 0, 1);
	run("\2", true, 0, 1);
	run("\3", true, 1, 0);
	run("\4", true, 0, 1);
	run("\3\1\3\2", false, 0, 2);
}

/* The same from libc's entry: sites of the first plan, returns of the second. */
static void run_from_libc(const struct elf_image *image)
{
	static struct probe_plan libc_plan;
	struct plan_request request = {.python = image, .libc = NULL, .force_libc = true};

	assert_int_equal(plan_probes(&request, &libc_plan), -ENOENT);
	assert_true(libc_plan.forced_known);
	memcpy(plan.returns, libc_plan.returns, sizeof(plan.returns));
	plan.return_count = libc_plan.return_count;
	plan_free(&libc_plan);
	fake.from_libc = true;
	run_all();
}

static size_t count_role(enum probe_role role)
{
	size_t count = 0;

	for (size_t i = 0; i < plan.site_count; i++)
		count += plan.sites[i].role == role;
	return count;
}

static void check_build(const char *flags)
{
	char path[64];
	struct elf_image *image;

	if (!make_fake_python(flags, path)) {
		print_message("the C compiler does not take %s\n", flags);
		return;
	}
	print_message("%s\n", flags);
	assert_int_equal(elf_image_open(path, &image), 0);
	struct plan_request request = {.python = image};
	assert_int_equal(plan_probes(&request, &plan), 0);
	assert_int_equal(plan.method, PLAN_CALL_SITES);
	assert_int_equal(count_role(ROLE_WAIT), 1);
	assert_int_equal(count_role(ROLE_ACQUIRE), 1);
	assert_int_equal(count_role(ROLE_RELEASE), 2); /* drop_gil, blocking_inlined */
	assert_true(plan.forced_known);
	load(path, image);
	unlink(path);
	run_all();
	run_from_libc(image);
	dlclose(fake.handle);
	plan_free(&plan);
	elf_image_close(image);
}

static const char *const versions[] = {
	"",			       /* 3.8 to 3.11: in the eval loop */
	"-DPENDING_HIDDEN",	       /* 3.12 */
	"-DPENDING_EXPORTED -DDETACH", /* 3.13 and newer */
};

static void check_versions(const char *flags)
{
	char all[256];

	for (size_t i = 0; i < sizeof(versions) / sizeof(versions[0]); i++) {
		snprintf(all, sizeof(all), "%s %s", flags, versions[i]);
		check_build(all);
	}
}

static void need_compiler(void)
{
#ifndef __x86_64__
	skip();
#endif
	if (system("cc --version >/dev/null 2>&1") != 0) {
		print_message("no C compiler on this machine\n");
		skip();
	}
}

static void plain_builds(void **state)
{
	(void)state;
	need_compiler();
	check_versions("-fomit-frame-pointer -fcf-protection=none");
	check_versions("-O3 -fomit-frame-pointer");
	check_versions("-O1 -fomit-frame-pointer");
	check_versions("-fno-toplevel-reorder -fomit-frame-pointer");
}

static void builds_with_landing_pads(void **state)
{
	(void)state;
	need_compiler();
	check_versions("-fcf-protection=full -Wl,-z,ibtplt");
}

static void builds_with_frame_pointers(void **state)
{
	(void)state;
	need_compiler();
	check_versions("-fno-omit-frame-pointer");
	check_versions("-O3 -fno-omit-frame-pointer -fcf-protection=full");
	check_versions("-Os -fno-omit-frame-pointer");
}

/* As in an executable, and in a library that binds its own functions: not over the PLT. */
static void builds_with_direct_calls(void **state)
{
	(void)state;
	need_compiler();
	check_versions("-fno-semantic-interposition -Wl,-Bsymbolic");
}

static void builds_without_sections(void **state)
{
	(void)state;
	need_compiler();
	check_versions("-Wl,-z,now -Wl,--hash-style=sysv -s");
}

/*
 * A compiler may also load the address once and call through a register: then not all calls can be
 * found, and the plan must say so.
 */
static void builds_without_plt(void **state)
{
	char flags[64], path[64];

	(void)state;
	need_compiler();
	for (size_t i = 0; i < sizeof(versions) / sizeof(versions[0]); i++) {
		struct elf_image *image;
		snprintf(flags, sizeof(flags), "-fno-plt %s", versions[i]);
		assert_true(make_fake_python(flags, path));
		assert_int_equal(elf_image_open(path, &image), 0);
		unlink(path);
		struct plan_request request = {.python = image};
		int err = plan_probes(&request, &plan);
		assert_true(plan.note_count > 0);
		for (size_t j = 0; j < plan.site_count; j++)
			assert_int_equal(plan.sites[j].emulated, plan.sites[j].bytes[0] == 0xe8);
		plan_free(&plan);
		elf_image_close(image);
		if (err)
			assert_int_equal(err, -ENOENT);
		else
			check_build(flags);
	}
}

/* Two functions that the eval loop calls and that drop and take the GIL themselves: which one is
 * it? */
static void an_ambiguous_eval_loop_is_not_guessed(void **state)
{
	char path[64];
	struct elf_image *image;

	(void)state;
	need_compiler();
	assert_true(make_fake_python("-DPENDING_HIDDEN -DRESTORE_INLINED", path));
	assert_int_equal(elf_image_open(path, &image), 0);
	unlink(path);
	struct plan_request request = {.python = image};
	assert_int_equal(plan_probes(&request, &plan), 0);
	assert_int_equal(plan.method, PLAN_CALL_SITES);
	assert_false(plan.forced_known);
	assert_true(plan.note_count > 0);
	plan_free(&plan);
	elf_image_close(image);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(plain_builds),
		cmocka_unit_test(builds_with_landing_pads),
		cmocka_unit_test(builds_with_frame_pointers),
		cmocka_unit_test(builds_with_direct_calls),
		cmocka_unit_test(builds_without_sections),
		cmocka_unit_test(builds_without_plt),
		cmocka_unit_test(an_ambiguous_eval_loop_is_not_guessed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
