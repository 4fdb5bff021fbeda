/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 gilscope contributors */
/* The part of the kernel's types against the whole, of this kernel and of one made here. */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <bpf/btf.h>
#include <bpf/libbpf.h>

#include "probe/bpf_object.h"
/* */
#include "gil.skel.h"
#include "probe/kernel_types.h"

#define KERNEL_BTF "/sys/kernel/btf/vmlinux"

/* What a relocation asks of a member. */
struct place {
	uint64_t offset, bits; /* bits: 0, or of the bit field */
	uint64_t kind;
	int64_t size;
};

static const struct btf_type *skip_names(const struct btf *btf, uint32_t id)
{
	const struct btf_type *type = btf__type_by_id(btf, id);

	while (btf_is_mod(type) || btf_is_typedef(type))
		type = btf__type_by_id(btf, type->type);
	return type;
}

static bool find_member(const struct btf *btf, const struct btf_type *type, const char *name,
			uint32_t base, struct place *out)
{
	for (uint32_t i = 0; i < btf_vlen(type); i++) {
		const struct btf_member *m = &btf_members(type)[i];
		const char *found = btf__name_by_offset(btf, m->name_off);
		const struct btf_type *inner = skip_names(btf, m->type);
		const uint32_t offset = base + btf_member_bit_offset(type, i);

		if (!found[0] && btf_is_composite(inner) &&
		    find_member(btf, inner, name, offset, out))
			return true;
		if (strcmp(found, name) != 0)
			continue;
		*out = (struct place){.offset = offset,
				      .bits = btf_member_bitfield_size(type, i),
				      .kind = btf_kind(inner),
				      .size = btf__resolve_size(btf, m->type)};
		return true;
	}
	return false;
}

/* Every member that both the program and the whole have is at the same place in the part. Their
 * number. */
static size_t compare(const struct btf *program, const struct btf *whole, const struct btf *part)
{
	size_t compared = 0;

	for (uint32_t id = 1; id < btf__type_cnt(program); id++) {
		const struct btf_type *type = btf__type_by_id(program, id);
		const char *name = btf__name_by_offset(program, type->name_off);

		if (!btf_is_composite(type) || !name[0])
			continue;
		const int in_whole = btf__find_by_name_kind(whole, name, btf_kind(type));
		const int in_part = btf__find_by_name_kind(part, name, btf_kind(type));
		assert_int_equal(in_whole > 0, in_part > 0);
		if (in_whole <= 0)
			continue;
		for (uint32_t i = 0; i < btf_vlen(type); i++) {
			const char *member =
				btf__name_by_offset(program, btf_members(type)[i].name_off);
			struct place a, b;

			if (!find_member(whole, btf__type_by_id(whole, in_whole), member, 0, &a))
				continue;
			assert_true(
				find_member(part, btf__type_by_id(part, in_part), member, 0, &b));
			assert_memory_equal(&a, &b, sizeof(a));
			compared++;
		}
	}
	return compared;
}

static void test_running_kernel(void **state)
{
	struct gil_bpf *skel = gil_bpf__open();
	struct btf *whole = btf__parse(KERNEL_BTF, NULL);
	const int fd = memfd_create("part", MFD_CLOEXEC);
	char path[64];

	(void)state;
	assert_non_null(skel);
	if (!whole) {
		gil_bpf__destroy(skel);
		close(fd);
		print_message("skipped: this kernel has no " KERNEL_BTF "\n");
		skip();
	}
	assert_true(fd >= 0);
	assert_true(kernel_types_write(bpf_object__btf(skel->obj), fd));
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	struct btf *part = btf__parse(path, NULL);
	assert_non_null(part);
	/* task_struct alone has seven. */
	assert_true(compare(bpf_object__btf(skel->obj), whole, part) >= 10);
	assert_true(btf__type_cnt(part) < 200);
	btf__free(part);
	btf__free(whole);
	close(fd);
	gil_bpf__destroy(skel);
}

/* struct task { int pid; struct counter { int value; } live; }, with a flavor of task that asks for
 * other members, and what no kernel has. */
static struct btf *make_program(void)
{
	struct btf *btf = btf__new_empty();
	const int number = btf__add_int(btf, "int", 4, BTF_INT_SIGNED);
	const int numbers = btf__add_array(btf, number, number, 2);
	const int counter = btf__add_struct(btf, "counter", 4);

	btf__add_field(btf, "value", number, 0, 0);
	btf__add_struct(btf, "task", 12);
	btf__add_field(btf, "pid", number, 0, 0);
	btf__add_field(btf, "live", counter, 32, 0);
	btf__add_field(btf, "of_another_kernel", number, 64, 0);
	btf__add_struct(btf, "task___new", 16);
	btf__add_field(btf, "flags", number, 0, 0);
	btf__add_field(btf, "names", numbers, 32, 0);
	btf__add_struct(btf, "only_ours", 4);
	btf__add_field(btf, "pid", number, 0, 0);
	return btf;
}

/* A task whose members are where no compiler would put them: in anonymous structs, behind names of
 * types, as bit fields; and all kinds of types before it. */
static struct btf *make_kernel(void)
{
	struct btf *btf = btf__new_empty();
	const int number = btf__add_int(btf, "int", 4, BTF_INT_SIGNED);
	const int renamed = btf__add_typedef(btf, "pid_t", btf__add_const(btf, number));

	btf__add_enum(btf, "state", 4);
	btf__add_enum_value(btf, "RUNNING", 0);
	btf__add_enum64(btf, "large", 8, false);
	btf__add_enum64_value(btf, "HUGE", 1ULL << 40);
	btf__add_func(btf, "f", BTF_FUNC_STATIC, btf__add_func_proto(btf, number));
	btf__add_var(btf, "v", BTF_VAR_STATIC, number);
	btf__add_fwd(btf, "elsewhere", BTF_FWD_STRUCT);
	btf__add_float(btf, "double", 8);
	const int counter = btf__add_struct(btf, "", 4);
	btf__add_field(btf, "value", number, 0, 0);
	const int counter_t = btf__add_typedef(btf, "counter_t", counter);
	const int inner = btf__add_union(btf, "", 8);
	btf__add_field(btf, "pid", renamed, 0, 0);
	btf__add_field(btf, "other", number, 0, 0);
	const int outer = btf__add_struct(btf, "", 16);
	btf__add_field(btf, "live", counter_t, 0, 0);
	btf__add_field(btf, "", inner, 64, 0);
	const int names = btf__add_array(btf, number, renamed, 7);
	const int pointer = btf__add_ptr(btf, outer);
	btf__add_struct(btf, "task", 400);
	btf__add_field(btf, "", outer, 128, 0);
	btf__add_field(btf, "flags", number, 1027, 3);
	btf__add_field(btf, "names", names, 1600, 0);
	btf__add_field(btf, "next", pointer, 2048, 0);
	btf__add_struct(btf, "unwanted", 4);
	btf__add_field(btf, "pid", number, 0, 0);
	return btf;
}

static void test_members_are_found_in_what_has_no_name(void **state)
{
	struct btf *program = make_program(), *whole = make_kernel();
	struct place place;
	__u32 size;

	(void)state;
	const void *data = btf__raw_data(whole, &size);
	struct btf *part = kernel_types_part(program, data, size);
	assert_non_null(part);
	assert_int_equal(compare(program, whole, part), 2);
	const struct btf_type *task =
		btf__type_by_id(part, btf__find_by_name_kind(part, "task", BTF_KIND_STRUCT));
	assert_int_equal(task->size, 400);
	assert_true(find_member(part, task, "pid", 0, &place));
	assert_int_equal(place.offset, 128 + 64);
	assert_true(find_member(part, task, "flags", 0, &place));
	assert_int_equal(place.offset, 1027);
	assert_int_equal(place.bits, 3);
	assert_true(find_member(part, task, "names", 0, &place));
	assert_int_equal(place.size, 7 * 4);
	assert_true(find_member(part, task, "live", 0, &place));
	assert_int_equal(place.kind, BTF_KIND_STRUCT);
	assert_false(find_member(part, task, "next", 0, &place));
	assert_false(find_member(part, task, "other", 0, &place));
	assert_true(btf__find_by_name_kind(part, "unwanted", BTF_KIND_STRUCT) < 0);
	btf__free(part);
	btf__free(whole);
	btf__free(program);
}

/* libbpf refuses a program that two structs of one name are fitted to differently: it must see both. */
static void test_all_of_a_name(void **state)
{
	struct btf *program = make_program(), *whole = make_kernel();
	size_t found = 0;
	__u32 size;

	(void)state;
	btf__add_struct(whole, "task", 8);
	btf__add_field(whole, "pid", 1, 32, 0);
	const void *data = btf__raw_data(whole, &size);
	struct btf *part = kernel_types_part(program, data, size);
	assert_non_null(part);
	for (uint32_t id = 1; id < btf__type_cnt(part); id++) {
		const struct btf_type *type = btf__type_by_id(part, id);
		found += !strcmp(btf__name_by_offset(part, type->name_off), "task");
	}
	assert_int_equal(found, 2);
	btf__free(part);
	btf__free(whole);
	btf__free(program);
}

/* From a buffer of its own of just that size, so that a sanitizer sees what is read beyond it. */
static void try_part(const struct btf *program, const uint8_t *data, size_t size, bool must_fail)
{
	uint8_t *copy = malloc(size ? size : 1);

	memcpy(copy, data, size);
	struct btf *part = kernel_types_part(program, copy, size);
	if (must_fail)
		assert_null(part);
	btf__free(part);
	free(copy);
}

static void test_broken(void **state)
{
	struct btf *program = make_program(), *whole = make_kernel();
	static const uint8_t flips[] = {0x01, 0x04, 0x0f, 0x80, 0xff};
	__u32 size;
	const uint8_t *data = btf__raw_data(whole, &size);

	(void)state;
	for (size_t cut = 0; cut < size; cut++)
		try_part(program, data, cut, true);
	uint8_t *broken = malloc(size);
	for (size_t at = 0; at < size; at++) {
		for (size_t i = 0; i < sizeof(flips); i++) {
			memcpy(broken, data, size);
			broken[at] ^= flips[i];
			try_part(program, broken, size, false);
		}
	}
	free(broken);
	btf__free(whole);
	btf__free(program);
}

/* A section of types that ends within the last one. */
static void test_cut_type(void **state)
{
	struct btf *program = make_program(), *whole = make_kernel();
	struct btf_header header;
	__u32 size;
	const void *data = btf__raw_data(whole, &size);
	uint8_t *copy = malloc(size);

	(void)state;
	memcpy(copy, data, size);
	memcpy(&header, data, sizeof(header));
	header.type_len -= sizeof(struct btf_member) / 3;
	memcpy(copy, &header, sizeof(header));
	assert_null(kernel_types_part(program, copy, size));
	free(copy);
	btf__free(whole);
	btf__free(program);
}

/* A struct in itself, without a name or with one, has no end. */
static void test_endless(void **state)
{
	struct btf *program = make_program();
	static const char *const names[] = {"", "live"};

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct btf *whole = btf__new_empty();
		__u32 size;

		btf__add_struct(whole, "task", 4);
		btf__add_field(whole, names[i], 1, 0, 0);
		btf__add_field(whole, names[i], 1, 32, 0);
		const void *data = btf__raw_data(whole, &size);
		assert_null(kernel_types_part(program, data, size));
		btf__free(whole);
	}
	btf__free(program);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_running_kernel),
		cmocka_unit_test(test_members_are_found_in_what_has_no_name),
		cmocka_unit_test(test_all_of_a_name),
		cmocka_unit_test(test_broken),
		cmocka_unit_test(test_cut_type),
		cmocka_unit_test(test_endless),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
