/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 gilscope contributors */
/* Plans for every interpreter of this machine: checked against its symbols, never against a list.
 */
#define _GNU_SOURCE
#include <capstone/capstone.h>
#include <elf.h>
#include <errno.h>
#include <gelf.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "fake_python.h"
#include "find_python.h"
#include "probe/names.h"
#include "probe/plan.h"

#ifndef __x86_64__
#define SKIP_OTHER_MACHINES() skip()
#else
#define SKIP_OTHER_MACHINES() (void)0
#endif

static struct pythons pythons;

static int find(void **state)
{
	(void)state;
	find_pythons(&pythons);
	if (pythons.count == 0)
		print_message("no CPython on this machine: nothing to plan for\n");
	return 0;
}

static int forget(void **state)
{
	(void)state;
	free_pythons(&pythons);
	return 0;
}

/* Plans the probes of a file; the image is closed again. */
static int plan_file(const char *path, struct probe_plan *plan)
{
	struct elf_image *image;

	assert_int_equal(elf_image_open(path, &image), 0);
	struct plan_request request = {.python = image};
	int err = plan_probes(&request, plan);
	elf_image_close(image);
	return err;
}

static size_t count_role(const struct probe_plan *plan, enum probe_role role)
{
	size_t count = 0;

	for (size_t i = 0; i < plan->site_count; i++)
		count += plan->sites[i].role == role;
	return count;
}

static bool begins(const char *text, const char *with)
{
	return strncmp(text, with, strlen(with)) == 0;
}

static void every_python_has_its_call_sites(void **state)
{
	(void)state;
	for (size_t i = 0; i < pythons.count; i++) {
		static struct probe_plan plan;
		assert_int_equal(plan_file(pythons.paths[i], &plan), 0);
		print_message("%s: %zu wait, %zu acquire, %zu release, %zu returns\n",
			      pythons.paths[i], count_role(&plan, ROLE_WAIT),
			      count_role(&plan, ROLE_ACQUIRE), count_role(&plan, ROLE_RELEASE),
			      plan.return_count);
		assert_int_equal(plan.method, PLAN_CALL_SITES);
		assert_true(count_role(&plan, ROLE_WAIT) >= 1);
		assert_true(count_role(&plan, ROLE_ACQUIRE) >= 1);
		assert_true(count_role(&plan, ROLE_RELEASE) >= 1);
		for (size_t j = 1; j < plan.site_count; j++) {
			const struct probe_site *a = &plan.sites[j - 1], *b = &plan.sites[j];
			assert_true(a->role < b->role ||
				    (a->role == b->role && a->vaddr < b->vaddr));
		}
		plan_free(&plan);
	}
}

/* The slot that the PLT stub at `vaddr` jumps through, read independently of the finder. */
static uint64_t stub_slot(const struct elf_image *image, uint64_t vaddr)
{
	for (int skip = 0; skip < 6; skip++) {
		const uint8_t *p = elf_image_bytes(image, vaddr + skip, 6);
		int32_t displacement;
		if (!p || p[0] != 0xff || p[1] != 0x25)
			continue;
		memcpy(&displacement, p + 2, sizeof(displacement));
		return vaddr + skip + 6 + (uint64_t)(int64_t)displacement;
	}
	return 0;
}

static void sites_call_what_they_say(void **state)
{
	SKIP_OTHER_MACHINES();
	(void)state;
	for (size_t i = 0; i < pythons.count; i++) {
		static struct probe_plan plan;
		struct elf_image *image;
		struct elf_got_slot slots[4];
		assert_int_equal(plan_file(pythons.paths[i], &plan), 0);
		assert_int_equal(elf_image_open(pythons.paths[i], &image), 0);
		for (size_t j = 0; j < plan.site_count; j++) {
			const struct probe_site *site = &plan.sites[j];
			uint64_t offset, slot;
			int32_t displacement;
			assert_true(elf_image_offset(image, site->vaddr, &offset));
			assert_int_equal(site->offset, offset);
			assert_memory_equal(site->bytes,
					    elf_image_bytes(image, site->vaddr, site->length),
					    site->length);
			memcpy(&displacement, site->bytes + site->length - 4, sizeof(displacement));
			slot = site->vaddr + site->length + (uint64_t)(int64_t)displacement;
			if (site->bytes[0] == 0xe8) {
				assert_true(site->emulated);
				assert_int_equal(site->length, 5);
				slot = stub_slot(image, slot);
			} else {
				assert_int_equal(site->bytes[0], 0xff);
				assert_false(site->emulated);
			}
			size_t count = elf_image_got_slots(image,
							   site->role == ROLE_WAIT
								   ? "pthread_cond_timedwait"
								   : "pthread_cond_signal",
							   slots, 4);
			bool found = false;
			for (size_t k = 0; k < count; k++)
				found |= slots[k].vaddr == slot;
			assert_true(found);
		}
		elf_image_close(image);
		plan_free(&plan);
	}
}

/* The symbol of .symtab that holds an address: its start, 0 if there is none. */
static uint64_t symbol_start(Elf *elf, uint64_t vaddr)
{
	Elf_Scn *section = NULL;
	GElf_Shdr shdr;
	GElf_Sym symbol;

	while ((section = elf_nextscn(elf, section))) {
		if (!gelf_getshdr(section, &shdr) || shdr.sh_type != SHT_SYMTAB)
			continue;
		Elf_Data *data = elf_getdata(section, NULL);
		for (int i = 0; gelf_getsym(data, i, &symbol); i++) {
			if (GELF_ST_TYPE(symbol.st_info) == STT_FUNC && vaddr >= symbol.st_value &&
			    vaddr < symbol.st_value + symbol.st_size)
				return symbol.st_value;
		}
	}
	return 0;
}

/* Whether decoding from the start of the function, as its symbol says it, comes by an address. */
static bool is_boundary(csh capstone, struct elf_image *image, uint64_t vaddr)
{
	uint64_t at = symbol_start(elf_image_libelf(image), vaddr);
	size_t size = vaddr - at + 16;
	const uint8_t *code = at ? elf_image_bytes(image, at, size) : NULL;
	cs_insn *insn = cs_malloc(capstone);

	while (code && at < vaddr && cs_disasm_iter(capstone, &code, &size, &at, insn))
		;
	cs_free(insn, 1);
	return at == vaddr;
}

static void sites_and_returns_agree_with_the_symbols(void **state)
{
	csh capstone;
	size_t checked = 0;

	SKIP_OTHER_MACHINES();
	(void)state;
	assert_int_equal(cs_open(CS_ARCH_X86, CS_MODE_64, &capstone), CS_ERR_OK);
	for (size_t i = 0; i < pythons.count; i++) {
		static struct probe_plan plan;
		struct elf_image *image;
		assert_int_equal(elf_image_open(pythons.paths[i], &image), 0);
		bool has_symtab = elf_image_has_symtab(image);
		struct symbols *symbols = symbols_new(image, pythons.paths[i], -1);
		assert_int_equal(plan_file(pythons.paths[i], &plan), 0);
		plan_name_sites(&plan, symbols, NULL);
		assert_true(!has_symtab || plan.symbols == SYMBOLS_SYMTAB);
		for (size_t j = 0; has_symtab && j < plan.site_count; j++) {
			const struct probe_site *site = &plan.sites[j];
			assert_true(is_boundary(capstone, image, site->vaddr));
			assert_int_equal(begins(site->function, "take_gil"),
					 site->role != ROLE_RELEASE);
			checked++;
		}
		for (size_t j = 0; has_symtab && j < plan.return_count; j++) {
			uint64_t vaddr = plan.returns[j].vaddr;
			const char *name = symbols_name(symbols, vaddr - 1);
			assert_true(is_boundary(capstone, image, vaddr - 5));
			assert_int_equal(*(const uint8_t *)elf_image_bytes(image, vaddr - 5, 1),
					 0xe8);
			assert_non_null(name);
			assert_int_equal(begins(name, "_PyEval_EvalFrameDefault") ||
						 begins(name, "_Py_HandlePending") ||
						 begins(name, "eval_frame_handle_pending"),
					 plan.returns[j].forced);
			assert_false(begins(name, "PyEval_SaveThread"));
			assert_false(begins(name, "take_gil"));
		}
		plan_free(&plan);
		symbols_free(symbols);
		elf_image_close(image);
	}
	cs_close(&capstone);
	if (!checked) {
		print_message("no interpreter with symbols on this machine\n");
		skip();
	}
}

static void forced_releases_are_known(void **state)
{
	(void)state;
	for (size_t i = 0; i < pythons.count; i++) {
		static struct probe_plan plan;
		size_t forced = 0;
		assert_int_equal(plan_file(pythons.paths[i], &plan), 0);
		assert_true(plan.forced_known);
		for (size_t j = 0; j < plan.site_count; j++) {
			forced += plan.sites[j].forced;
			if (plan.sites[j].forced)
				assert_int_equal(plan.sites[j].role, ROLE_RELEASE);
		}
		for (size_t j = 0; j < plan.return_count; j++) {
			forced += plan.returns[j].forced;
			if (!plan.returns[j].forced) {
				assert_true(plan.returns[j].cfa_offset >= 8);
				assert_in_range(plan.returns[j].return_below, 8,
						plan.returns[j].cfa_offset);
			}
		}
		assert_true(forced > 0);
		plan_free(&plan);
	}
}

static void assert_same_plan(const struct probe_plan *a, const struct probe_plan *b)
{
	assert_int_equal(a->method, b->method);
	assert_int_equal(a->site_count, b->site_count);
	assert_int_equal(a->return_count, b->return_count);
	assert_int_equal(a->forced_known, b->forced_known);
	assert_int_equal(a->note_count, b->note_count);
	for (size_t i = 0; i < a->site_count; i++)
		assert_memory_equal(&a->sites[i], &b->sites[i], sizeof(a->sites[i]));
	assert_memory_equal(a->returns, b->returns, a->return_count * sizeof(a->returns[0]));
}

static void planning_is_deterministic(void **state)
{
	(void)state;
	for (size_t i = 0; i < pythons.count; i++) {
		static struct probe_plan first, second;
		memset(&first, 0xff, sizeof(first));
		assert_int_equal(plan_file(pythons.paths[i], &first), 0);
		assert_int_equal(plan_file(pythons.paths[i], &second), 0);
		assert_same_plan(&first, &second);
		plan_free(&first);
		plan_free(&second);
	}
}

static void a_stripped_copy_has_the_same_plan(void **state)
{
	char stripped[] = "/tmp/stripped-python-XXXXXX", command[PATH_MAX + 64];
	size_t checked = 0;

	(void)state;
	int fd = mkstemp(stripped);
	assert_true(fd >= 0);
	close(fd);
	for (size_t i = 0; i < pythons.count; i++) {
		static struct probe_plan whole, bare;
		struct elf_image *image;
		assert_int_equal(elf_image_open(pythons.paths[i], &image), 0);
		bool has_symtab = elf_image_has_symtab(image);
		elf_image_close(image);
		snprintf(command, sizeof(command), "strip -s -o %s '%s' 2>/dev/null", stripped,
			 pythons.paths[i]);
		if (!has_symtab || system(command) != 0)
			continue;
		assert_int_equal(plan_file(pythons.paths[i], &whole), 0);
		assert_int_equal(plan_file(stripped, &bare), 0);
		assert_same_plan(&whole, &bare);
		plan_free(&whole);
		plan_free(&bare);
		checked++;
	}
	unlink(stripped);
	if (!checked) {
		print_message("no interpreter with symbols, or no strip, on this machine\n");
		skip();
	}
}

static void what_is_no_python_is_refused(void **state)
{
	static struct probe_plan plan;

	(void)state;
	assert_int_equal(plan_file("/proc/self/exe", &plan), -ENOENT);
	assert_int_equal(plan.site_count, 0);
	assert_true(plan.note_count > 0);
	plan_free(&plan);
}

static void other_machines_are_refused(void **state)
{
	static struct probe_plan plan;
	struct copy copy;

	(void)state;
	assert_true(copy_file("/proc/self/exe", &copy));
	((Elf64_Ehdr *)copy.data)->e_machine = EM_S390;
	assert_int_equal(plan_file(copy.path, &plan), -ENOTSUP);
	assert_true(plan.note_count > 0);
	plan_free(&plan);
	free_copy(&copy);
}

/* The file that exports this process's pthread_cond_signal; NULL if it is linked statically. */
static struct elf_image *open_own_libc(void)
{
	FILE *maps = fopen("/proc/self/maps", "r");
	char line[PATH_MAX + 128], path[PATH_MAX];
	struct elf_image *image = NULL;

	while (maps && !image && fgets(line, sizeof(line), maps)) {
		if (sscanf(line, "%*s %*s %*s %*s %*s %4095s", path) != 1 || path[0] != '/' ||
		    elf_image_open(path, &image) != 0)
			continue;
		if (!elf_image_default_symbol(image, "pthread_cond_signal")) {
			elf_image_close(image);
			image = NULL;
		}
	}
	if (maps)
		fclose(maps);
	return image;
}

static bool has_return(const struct probe_plan *plan, uint64_t vaddr)
{
	for (size_t i = 0; i < plan->return_count; i++) {
		if (plan->returns[i].vaddr == vaddr)
			return true;
	}
	return false;
}

static void libc_can_be_forced(void **state)
{
	struct elf_image *libc = open_own_libc();

	(void)state;
	if (!libc || pythons.count == 0)
		skip();
	uint64_t wait = elf_image_default_symbol(libc, "pthread_cond_timedwait");
	uint64_t signal = elf_image_default_symbol(libc, "pthread_cond_signal");
	for (size_t i = 0; i < pythons.count; i++) {
		static struct probe_plan sites, plan;
		struct elf_image *image;
		assert_int_equal(elf_image_open(pythons.paths[i], &image), 0);
		struct plan_request request = {.python = image, .libc = libc, .force_libc = true};
		assert_int_equal(plan_probes(&request, &plan), 0);
		assert_int_equal(plan.method, PLAN_LIBC_ENTRY);
		assert_int_equal(plan.site_count, 2);
		assert_int_equal(plan.sites[0].role, ROLE_LIBC_WAIT);
		assert_int_equal(plan.sites[1].role, ROLE_LIBC_SIGNAL);
		assert_in_range(plan.sites[0].vaddr, wait, wait + 4);
		assert_in_range(plan.sites[1].vaddr, signal, signal + 4);
		assert_true(plan.sites[1].has_cfa);
		/* On the stack, as a call leaves it, or in the link register. */
		const uint32_t pushed = elf_image_machine(libc) == EM_X86_64 ? 8 : 0;
		assert_int_equal(plan.sites[1].cfa_offset, pushed);
		assert_int_equal(plan.sites[1].return_below, pushed);
		assert_true(plan.forced_known);
		assert_true(plan.note_count > 0);
		/* What tells forced releases apart is there, and the way to it from libc. */
		assert_int_equal(plan_file(pythons.paths[i], &sites), 0);
		for (size_t j = 0; j < sites.return_count; j++)
			assert_true(has_return(&plan, sites.returns[j].vaddr));
		assert_true(plan.return_count > sites.return_count);
		plan_free(&sites);
		plan_free(&plan);

		request.libc = NULL;
		assert_int_equal(plan_probes(&request, &plan), -ENOENT);
		assert_int_equal(plan.site_count, 0);
		plan_free(&plan);
		elf_image_close(image);
	}
	elf_image_close(libc);
}

/* A generator with a fixed seed: every run breaks the same bytes. */
static uint32_t next_random(uint32_t *seed)
{
	*seed = *seed * 1664525 + 1013904223;
	return *seed >> 8;
}

static void broken_files_do_no_harm(void **state)
{
	char path[64];
	struct copy copy;
	uint32_t seed = 1;

	SKIP_OTHER_MACHINES();
	(void)state;
	if (!make_fake_python("", path)) {
		print_message("no C compiler on this machine\n");
		skip();
	}
	assert_true(copy_file(path, &copy));
	unlink(path);
	for (int round = 0; round < 3000; round++) {
		static struct probe_plan plan;
		struct elf_image *image;
		size_t at[3];
		unsigned char saved[3];
		for (int i = 0; i < 3; i++) {
			at[i] = next_random(&seed) % copy.size;
			saved[i] = copy.data[at[i]];
			copy.data[at[i]] = (unsigned char)next_random(&seed);
		}
		if (elf_image_open(copy.path, &image) == 0) {
			struct plan_request request = {.python = image};
			int err = plan_probes(&request, &plan);
			assert_true(err == 0 || plan.note_count > 0);
			plan_free(&plan);
			elf_image_close(image);
		}
		for (int i = 3; i-- > 0;)
			copy.data[at[i]] = saved[i];
	}
	free_copy(&copy);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_python_has_its_call_sites),
		cmocka_unit_test(sites_call_what_they_say),
		cmocka_unit_test(sites_and_returns_agree_with_the_symbols),
		cmocka_unit_test(forced_releases_are_known),
		cmocka_unit_test(planning_is_deterministic),
		cmocka_unit_test(a_stripped_copy_has_the_same_plan),
		cmocka_unit_test(what_is_no_python_is_refused),
		cmocka_unit_test(other_machines_are_refused),
		cmocka_unit_test(libc_can_be_forced),
		cmocka_unit_test(broken_files_do_no_harm),
	};

	return cmocka_run_group_tests(tests, find, forget);
}
