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

/* A return address that code stored: it may be signed (pac-ret). */
static uint64_t read_return(uint64_t at)
{
	return *(uint64_t *)at & ((UINT64_C(1) << 48) - 1);
}

/* As plan.h says it: `address` is the first return address, of a function with that CFA. */
static bool leads_to_eval(uint64_t address, uint64_t cfa)
{
	for (int depth = 0; depth < 8; depth++) {
		const struct plan_return *entry = return_at(address);
		if (!entry || entry->forced)
			return entry != NULL;
		cfa += entry->cfa_offset;
		address = read_return(cfa - entry->return_below);
	}
	return false;
}

static bool is_forced(const struct probe_site *site, uint64_t sp)
{
	if (site->forced || !site->has_cfa)
		return site->forced;
	assert_int_not_equal(site->return_below, 0); /* a call needs the link register itself */
	uint64_t cfa = sp + site->cfa_offset;
	return leads_to_eval(read_return(cfa - site->return_below), cfa);
}

/* Stands in for pthread_cond_signal. */
static __attribute__((noinline)) int signal_called(pthread_cond_t *cond)
{
	const uint64_t next = (uint64_t)__builtin_return_address(0);
	const struct probe_site *site = site_before(next);
	const uint64_t sp = (uint64_t)__builtin_dwarf_cfa(); /* before the call */

	(void)cond;
	*fake.drop_request = 0;
	if (!site)
		fake.unknown++;
	else if (site->role == ROLE_ACQUIRE)
		fake.acquires++;
	else if (fake.from_libc ? leads_to_eval(next, sp) : is_forced(site, sp))
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

/* Builds, plans and checks what can be checked without running it. NULL: it cannot be built. */
static struct elf_image *plan_build(const char *flags, char path[64])
{
	struct elf_image *image;

	if (!make_fake_python(flags, path)) {
		print_message("the C compiler does not take %s\n", flags);
		return NULL;
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
	return image;
}

static void check_build(const char *flags)
{
	char path[64];
	struct elf_image *image = plan_build(flags, path);

	if (!image)
		return;
	load(path, image);
	unlink(path);
	run_all();
	run_from_libc(image);
	dlclose(fake.handle);
	plan_free(&plan);
	elf_image_close(image);
}

#if defined(__aarch64__)
#define NO_LANDING_PADS " -mbranch-protection=none "
#define LANDING_PADS " -mbranch-protection=standard " /* and signed return addresses */
#else
#define NO_LANDING_PADS " -fcf-protection=none "
#define LANDING_PADS " -fcf-protection=full "
#endif

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
	char command[256];

	snprintf(command, sizeof(command), "%s --version >/dev/null 2>&1", fake_python_compiler());
	if (system(command) != 0) {
		print_message("no C compiler on this machine\n");
		skip();
	}
}

static void plain_builds(void **state)
{
	(void)state;
	need_compiler();
	check_versions("-fomit-frame-pointer" NO_LANDING_PADS);
	check_versions("-O3 -fomit-frame-pointer");
	check_versions("-O1 -fomit-frame-pointer");
	check_versions("-fno-toplevel-reorder -fomit-frame-pointer");
}

static void builds_with_landing_pads(void **state)
{
	(void)state;
	need_compiler();
#if defined(__aarch64__)
	check_versions(LANDING_PADS);
	check_versions("-O3 -fomit-frame-pointer -mbranch-protection=pac-ret+leaf");
#else
	check_versions(LANDING_PADS "-Wl,-z,ibtplt");
#endif
}

#if defined(__aarch64__)
/* Stubs of the PLT that begin with bti, or that authenticate what they branch to. They are only
 * planned for: what replace_slots writes is not signed, and an executable cannot be loaded here. */
static void protected_stubs(void **state)
{
	(void)state;
	static const char *const flags[] = {
		LANDING_PADS "-Wl,-z,pac-plt",
		LANDING_PADS "-no-pie -nostartfiles -Wl,-e,0,-E,-z,force-bti,--no-warnings",
		LANDING_PADS "-no-pie -nostartfiles -Wl,-e,0,-E,-z,pac-plt,-z,force-bti",
	};

	need_compiler();
	for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++) {
		char path[64];
		struct elf_image *image = plan_build(flags[i], path);
		if (!image)
			skip();
		unlink(path);
		plan_free(&plan);
		elf_image_close(image);
	}
}
#endif

static void builds_with_frame_pointers(void **state)
{
	(void)state;
	need_compiler();
	check_versions("-fno-omit-frame-pointer");
	check_versions("-O3 -fno-omit-frame-pointer" LANDING_PADS);
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
 * found, and the plan must say so. x86_64 has a call through the slot itself, which the kernel
 * single-steps; on arm64 each call is through a register, which it emulates.
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
		assert_true(err == 0 || plan.note_count > 0);
		for (size_t j = 0; j < plan.site_count; j++)
#if defined(__aarch64__)
			assert_true(plan.sites[j].emulated);
#else
			assert_int_equal(plan.sites[j].emulated, plan.sites[j].bytes[0] == 0xe8);
#endif
		plan_free(&plan);
		elf_image_close(image);
		if (err)
			assert_int_equal(err, -ENOENT);
		else
			check_build(flags);
	}
}

/* take_gil without a cold part, for which the plan would have to follow the register elsewhere. */
#define WHOLE "-fno-plt -fno-reorder-blocks-and-partition"

/* As clang does without a PLT: the call in take_gil's loop is through a register. */
static void builds_with_calls_through_a_register(void **state)
{
	char path[64];
	struct elf_image *image;

	(void)state;
	need_compiler();
#ifndef __x86_64__
	print_message("no other machine's compilers are known to do it\n");
	skip();
#endif
	check_versions(WHOLE " '-DREGISTER=\"\"'");

	/* Its value changes: nothing says any more what is called. */
	assert_true(make_fake_python(WHOLE " '-DREGISTER=\"lea 0(%0), %0\"'", path));
	assert_int_equal(elf_image_open(path, &image), 0);
	unlink(path);
	struct plan_request request = {.python = image};
	assert_int_equal(plan_probes(&request, &plan), -ENOENT);
	assert_int_equal(plan.method, PLAN_LIBC_ENTRY);
	assert_non_null(strstr(plan.notes[0], "through a register"));
	plan_free(&plan);
	elf_image_close(image);
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
#if defined(__aarch64__)
		cmocka_unit_test(protected_stubs),
#endif
		cmocka_unit_test(builds_with_frame_pointers),
		cmocka_unit_test(builds_with_direct_calls),
		cmocka_unit_test(builds_without_sections),
		cmocka_unit_test(builds_without_plt),
		cmocka_unit_test(builds_with_calls_through_a_register),
		cmocka_unit_test(an_ambiguous_eval_loop_is_not_guessed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
