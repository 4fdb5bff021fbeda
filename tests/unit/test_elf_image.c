/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 gilscope contributors */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <elf.h>
#include <errno.h>
#include <gelf.h>
#include <link.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "find_python.h"
#include "target/elf_image.h"

/* libc as this process maps it. */
struct loaded {
	char path[PATH_MAX];
	uint64_t base;
	char build_id[128];
};

static void build_id_in_memory(const struct dl_phdr_info *info, const ElfW(Phdr) * phdr, char *out)
{
	const char *p = (const char *)(info->dlpi_addr + phdr->p_vaddr);
	ElfW(Nhdr) note;

	memcpy(&note, p, sizeof(note));
	if (note.n_type != NT_GNU_BUILD_ID)
		return;
	for (unsigned i = 0; i < note.n_descsz; i++)
		sprintf(out + 2 * i, "%02x", (unsigned char)p[sizeof(note) + 4 + i]);
}

static int look_for_libc(struct dl_phdr_info *info, size_t size, void *arg)
{
	struct loaded *libc = arg;
	Dl_info at;

	(void)size;
	if (!dladdr(dlsym(RTLD_DEFAULT, "pthread_cond_signal"), &at) ||
	    (uint64_t)at.dli_fbase != info->dlpi_addr)
		return 0;
	snprintf(libc->path, sizeof(libc->path), "%s", at.dli_fname);
	libc->base = info->dlpi_addr;
	for (int i = 0; i < info->dlpi_phnum; i++) {
		if (info->dlpi_phdr[i].p_type == PT_NOTE && !libc->build_id[0])
			build_id_in_memory(info, &info->dlpi_phdr[i], libc->build_id);
	}
	return 1;
}

static struct elf_image *open_libc(struct loaded *libc)
{
	struct elf_image *image;

	memset(libc, 0, sizeof(*libc));
	if (!dl_iterate_phdr(look_for_libc, libc)) {
		print_message("libc is not a shared object here\n");
		skip();
	}
	assert_int_equal(elf_image_open(libc->path, &image), 0);
	return image;
}

static void symbols_are_those_of_the_loader(void **state)
{
	struct loaded libc;
	struct elf_image *image = open_libc(&libc);

	(void)state;
	uint64_t size = 0;
	assert_int_equal(libc.base + elf_image_symbol(image, "getppid", &size),
			 (uint64_t)dlsym(RTLD_DEFAULT, "getppid"));
	assert_true(size > 0);
	uint64_t signal = elf_image_default_symbol(image, "pthread_cond_signal");
	assert_int_equal(libc.base + signal, (uint64_t)dlsym(RTLD_DEFAULT, "pthread_cond_signal"));
	assert_true(elf_image_exports(image, signal));
	assert_false(elf_image_exports(image, signal + 1));
	assert_int_equal(elf_image_symbol(image, "pthread_cond_signa", NULL), 0);
	assert_int_equal(elf_image_symbol(image, "pthread_cond_signal_", NULL), 0);
	void *old = dlvsym(RTLD_DEFAULT, "pthread_cond_signal", "GLIBC_2.2.5");
	if (old)
		assert_int_not_equal(libc.base + signal, (uint64_t)old);
	elf_image_close(image);
}

static void build_id_is_that_in_memory(void **state)
{
	struct loaded libc;
	struct elf_image *image = open_libc(&libc);

	(void)state;
	assert_string_equal(elf_image_build_id(image), libc.build_id);
	elf_image_close(image);
}

static void bytes_are_those_in_memory(void **state)
{
	struct loaded libc;
	struct elf_image *image = open_libc(&libc);
	uint64_t vaddr = elf_image_symbol(image, "pthread_mutex_lock", NULL), offset;

	(void)state;
	const void *bytes = elf_image_bytes(image, vaddr, 64);
	assert_non_null(bytes);
	assert_memory_equal(bytes, (const void *)(libc.base + vaddr), 64);
	assert_true(elf_image_offset(image, vaddr, &offset));
	FILE *f = fopen(libc.path, "rb");
	char from_file[64];
	assert_int_equal(fseek(f, (long)offset, SEEK_SET), 0);
	assert_int_equal(fread(from_file, 1, 64, f), 64);
	assert_memory_equal(bytes, from_file, 64);
	fclose(f);
	elf_image_close(image);
}

/* What this process has in memory, in KiB; exact, unlike VmRSS. */
static long resident(void)
{
	FILE *f = fopen("/proc/self/smaps_rollup", "re");
	char line[256];
	long size = -1;

	if (!f) {
		print_message("skipped: this kernel has no /proc/self/smaps_rollup\n");
		skip();
	}
	while (fgets(line, sizeof(line), f))
		if (sscanf(line, "Rss: %ld", &size) == 1)
			break;
	fclose(f);
	return size;
}

static unsigned sum_of_bytes(const struct elf_image *image)
{
	const struct elf_segment *segments;
	const size_t count = elf_image_segments(image, &segments);
	unsigned sum = 0;

	for (size_t i = 0; i < count; i++) {
		const uint8_t *p = elf_image_bytes(image, segments[i].vaddr, segments[i].filesz);
		for (uint64_t at = 0; at < segments[i].filesz; at++)
			sum = sum * 31 + p[at];
	}
	return sum;
}

static void an_image_at_rest_takes_no_memory(void **state)
{
	struct loaded libc;
	struct elf_image *image = open_libc(&libc);

	(void)state;
	elf_image_rest(image);
	const long before = resident();
	const unsigned sum = sum_of_bytes(image);
	const long looked_at = resident();
	elf_image_rest(image);
	const long at_rest = resident();
	assert_true(looked_at - before > 500);
	assert_true(at_rest - before < (looked_at - before) / 10);
	assert_int_equal(sum_of_bytes(image), sum);
	elf_image_close(image);
}

static void each_mapping_gives_the_same_bias(void **state)
{
	struct loaded libc;
	struct elf_image *image = open_libc(&libc);
	char line[PATH_MAX + 128], real[PATH_MAX];
	size_t seen = 0;

	(void)state;
	assert_non_null(realpath(libc.path, real));
	FILE *maps = fopen("/proc/self/maps", "r");
	assert_non_null(maps);
	while (fgets(line, sizeof(line), maps)) {
		uint64_t start, end, offset, vaddr;
		char path[PATH_MAX], how[5];
		if (sscanf(line, "%lx-%lx %4s %lx %*s %*s %4095s", &start, &end, how, &offset,
			   path) != 5 ||
		    strcmp(path, real) != 0)
			continue;
		assert_true(elf_image_vaddr_of_mapping(image, offset, &vaddr));
		/* The image maps the file too, somewhere else and from its beginning. */
		if (offset == 0 && start != libc.base)
			continue;
		assert_int_equal(start - vaddr, libc.base);
		seen++;
	}
	fclose(maps);
	assert_true(seen >= 2);
	elf_image_close(image);
}

/* Two segments can lie on one page of the file: a mapping that begins with it is the later one's.
 */
static void a_segment_begins_its_mapping(void **state)
{
	struct loaded libc;
	struct elf_image *image = open_libc(&libc);
	const struct elf_segment *segments;
	const uint64_t in_page = (uint64_t)sysconf(_SC_PAGESIZE) - 1;
	uint64_t vaddr;

	(void)state;
	for (int self = 0; self < 2; self++) {
		size_t count = elf_image_segments(image, &segments);
		for (size_t i = 0; i < count; i++) {
			assert_true(elf_image_vaddr_of_mapping(image, segments[i].offset & ~in_page,
							       &vaddr));
			assert_int_equal(vaddr, segments[i].vaddr & ~in_page);
		}
		assert_false(elf_image_vaddr_of_mapping(image, 1ULL << 40, &vaddr));
		elf_image_close(image);
		if (!self)
			assert_int_equal(elf_image_open("/proc/self/exe", &image), 0);
	}
}

/* The section headers say how many symbols there are; the image must find them all without. */
static void every_exported_function_is_found(void **state)
{
	struct loaded libc;
	struct elf_image *image = open_libc(&libc);
	Elf *elf = elf_image_libelf(image);
	Elf_Scn *section = NULL;
	GElf_Shdr shdr;
	GElf_Sym symbol;
	size_t seen = 0;

	(void)state;
	while ((section = elf_nextscn(elf, section))) {
		if (!gelf_getshdr(section, &shdr) || shdr.sh_type != SHT_DYNSYM)
			continue;
		Elf_Data *data = elf_getdata(section, NULL);
		for (int i = 0; gelf_getsym(data, i, &symbol); i++) {
			const char *name = elf_strptr(elf, shdr.sh_link, symbol.st_name);
			if (symbol.st_shndx == SHN_UNDEF ||
			    GELF_ST_TYPE(symbol.st_info) != STT_FUNC)
				continue;
			assert_int_not_equal(elf_image_symbol(image, name, NULL), 0);
			assert_true(elf_image_exports(image, symbol.st_value));
			seen++;
		}
	}
	elf_image_close(image);
	if (!seen)
		skip();
}

static void got_slots_hold_the_function(void **state)
{
	static pthread_cond_t cond = PTHREAD_COND_INITIALIZER;
	struct elf_image *image;
	struct elf_got_slot slots[4];
	Dl_info self;

	(void)state;
	assert_int_equal(pthread_cond_signal(&cond), 0); /* a lazy slot is filled now */
	assert_int_equal(elf_image_open("/proc/self/exe", &image), 0);
	assert_true(dladdr((void *)got_slots_hold_the_function, &self));
	size_t count = elf_image_got_slots(image, "pthread_cond_signal", slots, 4);
	assert_true(count >= 1);
	/* An executable that is not PIE is mapped where it says. */
	const struct elf_segment *segments;
	elf_image_segments(image, &segments);
	uint64_t bias = (uint64_t)self.dli_fbase - (segments[0].vaddr & ~0xfffULL);
	for (size_t i = 0; i < count; i++)
		assert_ptr_equal(*(void **)(bias + slots[i].vaddr),
				 dlsym(RTLD_DEFAULT, "pthread_cond_signal"));
	assert_int_equal(elf_image_got_slots(image, "no_such_function", slots, 4), 0);
	elf_image_close(image);
}

static void what_is_no_elf_file_is_refused(void **state)
{
	struct elf_image *image = (void *)1;

	(void)state;
	assert_int_equal(elf_image_open("/proc/self/no-such-file", &image), -ENOENT);
	assert_null(image);
	assert_int_equal(elf_image_open("/proc/self/cmdline", &image), -ENOEXEC);
	assert_int_equal(elf_image_open("/proc/self", &image), -ENOEXEC);
	assert_int_equal(elf_image_open("/dev/null", &image), -ENOEXEC);
	assert_null(image);
	elf_image_close(NULL);
}

/* Asks for everything that reads the file. */
static void use_image(const char *path)
{
	struct elf_image *image;
	struct elf_got_slot slots[4];
	const struct elf_segment *segments;
	uint64_t a, b;

	if (elf_image_open(path, &image) != 0)
		return;
	size_t count = elf_image_segments(image, &segments);
	for (size_t i = 0; i < count; i++) {
		const unsigned char *p =
			elf_image_bytes(image, segments[i].vaddr, segments[i].filesz);
		if (p && segments[i].filesz)
			(void)*(volatile const unsigned char *)(p + segments[i].filesz - 1);
		assert_null(elf_image_bytes(image, segments[i].vaddr, SIZE_MAX));
	}
	elf_image_symbol(image, "main", &a);
	elf_image_default_symbol(image, "main");
	elf_image_got_slots(image, "pthread_cond_signal", slots, 4);
	elf_image_exports(image, 0x1234);
	elf_image_has_symtab(image);
	elf_image_build_id(image);
	elf_image_eh_frame_hdr(image, &a, &b);
	elf_image_vaddr_of_mapping(image, 0x1000, &a);
	elf_image_offset(image, 0x1000, &a);
	elf_image_close(image);
}

static void truncated_files_are_refused(void **state)
{
	struct copy copy;
	struct elf_image *image;

	(void)state;
	assert_true(copy_file("/proc/self/exe", &copy));
	assert_int_equal(elf_image_open(copy.path, &image), 0);
	const struct elf_segment *segments;
	size_t count = elf_image_segments(image, &segments), needed = 0;
	for (size_t i = 0; i < count; i++) {
		if (segments[i].offset + segments[i].filesz > needed)
			needed = segments[i].offset + segments[i].filesz;
	}
	elf_image_close(image);
	for (size_t size = needed; size > 0; size -= size > 4096 ? 1021 : 1) {
		assert_int_equal(ftruncate(copy.fd, (off_t)size - 1), 0);
		assert_int_equal(elf_image_open(copy.path, &image), -ENOEXEC);
	}
	free_copy(&copy);
}

/* A generator with a fixed seed: every run breaks the same bytes. */
static uint32_t next_random(uint32_t *seed)
{
	*seed = *seed * 1664525 + 1013904223;
	return *seed >> 8;
}

static void broken_bytes_do_no_harm(void **state)
{
	struct copy copy;
	struct elf_image *image;
	uint32_t seed = 1;

	(void)state;
	assert_true(copy_file("/proc/self/exe", &copy));
	/* The headers, the tables behind them, and the dynamic section. */
	size_t places[64], place_count = 0;
	assert_int_equal(elf_image_open(copy.path, &image), 0);
	const struct elf_segment *segments;
	size_t count = elf_image_segments(image, &segments);
	for (size_t i = 0; i < count && i < 64; i++)
		places[place_count++] = segments[i].offset;
	elf_image_close(image);
	for (int round = 0; round < 4000; round++) {
		size_t at[4];
		unsigned char saved[4];
		for (int i = 0; i < 4; i++) {
			at[i] = (places[next_random(&seed) % place_count] +
				 next_random(&seed) % 4096) %
				copy.size;
			saved[i] = copy.data[at[i]];
			copy.data[at[i]] = (unsigned char)next_random(&seed);
		}
		use_image(copy.path);
		for (int i = 4; i-- > 0;)
			copy.data[at[i]] = saved[i];
	}
	use_image(copy.path);
	free_copy(&copy);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(symbols_are_those_of_the_loader),
		cmocka_unit_test(build_id_is_that_in_memory),
		cmocka_unit_test(bytes_are_those_in_memory),
		cmocka_unit_test(an_image_at_rest_takes_no_memory),
		cmocka_unit_test(each_mapping_gives_the_same_bias),
		cmocka_unit_test(a_segment_begins_its_mapping),
		cmocka_unit_test(every_exported_function_is_found),
		cmocka_unit_test(got_slots_hold_the_function),
		cmocka_unit_test(what_is_no_elf_file_is_refused),
		cmocka_unit_test(truncated_files_are_refused),
		cmocka_unit_test(broken_bytes_do_no_harm),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
