/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 gilscope contributors */
/* The format is that of Documentation/bpf/btf.rst in the kernel. */
#define _GNU_SOURCE
#include "probe/kernel_types.h"

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <bpf/btf.h>

#include "base/mem.h"

/* Types of types, and parts of parts: no kernel has as many. Nor so many members of those few structs
 * that are wanted, with the structs in them. */
#define MAX_DEPTH 32
#define MAX_MEMBERS 100000

/* The kernel's types, where they stand. */
struct types {
	const char *begin; /* of the section of types */
	uint32_t size;
	const char *strings;
	uint32_t strings_size; /* they end with a zero */
	uint32_t *at;	       /* of each type, from `begin`; ids begin with 1 */
	uint32_t count;	       /* with the 0, which is void */
};

/* A member of a struct, or of an anonymous one in it. */
struct member {
	const char *name;
	uint32_t type;
	uint32_t offset, size; /* bits; size 0: it is no bit field */
};

struct members {
	struct member *items;
	size_t count, cap;
};

/* A struct or union of the program's. */
struct wanted {
	const char *name;
	size_t length; /* of the name, without the flavor behind "___" */
	const struct btf_type *type;
};

struct part {
	const struct btf *program;
	struct {
		struct wanted *items;
		size_t count, cap;
	} wanted; /* by name */
	struct types types;
	struct btf *out;
	int pointer;	  /* id of the one pointer type in `out`: libbpf does not ask what to */
	unsigned members; /* looked at */
};

static bool read_header(struct types *types, const void *data, size_t size)
{
	struct btf_header header;

	if (size < sizeof(header) || size > UINT32_MAX)
		return false;
	memcpy(&header, data, sizeof(header));
	if (header.magic != BTF_MAGIC || header.version != BTF_VERSION ||
	    header.hdr_len < sizeof(header) || header.hdr_len > size || header.hdr_len % 4)
		return false;
	const uint64_t room = size - header.hdr_len;
	if ((uint64_t)header.type_off + header.type_len > room || header.type_off % 4 ||
	    (uint64_t)header.str_off + header.str_len > room || !header.str_len)
		return false;
	types->begin = (const char *)data + header.hdr_len + header.type_off;
	types->size = header.type_len;
	types->strings = (const char *)data + header.hdr_len + header.str_off;
	types->strings_size = header.str_len;
	return !types->strings[header.str_len - 1];
}

/* Bytes of a type, behind struct btf_type; negative for a kind that is not known. */
static int64_t size_behind(const struct btf_type *type)
{
	const int64_t count = btf_vlen(type);

	switch (btf_kind(type)) {
	case BTF_KIND_INT:
		return sizeof(uint32_t);
	case BTF_KIND_ARRAY:
		return sizeof(struct btf_array);
	case BTF_KIND_STRUCT:
	case BTF_KIND_UNION:
		return count * (int64_t)sizeof(struct btf_member);
	case BTF_KIND_ENUM:
		return count * (int64_t)sizeof(struct btf_enum);
	case BTF_KIND_ENUM64:
		return count * (int64_t)sizeof(struct btf_enum64);
	case BTF_KIND_FUNC_PROTO:
		return count * (int64_t)sizeof(struct btf_param);
	case BTF_KIND_VAR:
		return sizeof(struct btf_var);
	case BTF_KIND_DATASEC:
		return count * (int64_t)sizeof(struct btf_var_secinfo);
	case BTF_KIND_DECL_TAG:
		return sizeof(struct btf_decl_tag);
	case BTF_KIND_PTR:
	case BTF_KIND_FWD:
	case BTF_KIND_TYPEDEF:
	case BTF_KIND_VOLATILE:
	case BTF_KIND_CONST:
	case BTF_KIND_RESTRICT:
	case BTF_KIND_FUNC:
	case BTF_KIND_FLOAT:
	case BTF_KIND_TYPE_TAG:
		return 0;
	}
	return -1;
}

static bool index_types(struct types *types)
{
	/* Few types have less than four words. */
	size_t cap = types->size / 16 + 1;

	types->at = xrealloc_array(NULL, cap, sizeof(*types->at));
	types->at[0] = 0;
	types->count = 1;
	for (uint32_t at = 0; at < types->size;) {
		const struct btf_type *type = (const void *)(types->begin + at);
		const uint32_t room = types->size - at;

		if (room < sizeof(*type))
			return false;
		const int64_t behind = size_behind(type);
		if (behind < 0 || behind > room - (int64_t)sizeof(*type))
			return false;
		if (types->count == cap) {
			cap *= 2;
			types->at = xrealloc_array(types->at, cap, sizeof(*types->at));
		}
		types->at[types->count++] = at;
		at += (uint32_t)sizeof(*type) + (uint32_t)behind;
	}
	return true;
}

/* NULL: void, or no type. */
static const struct btf_type *type_at(const struct types *types, uint32_t id)
{
	return id && id < types->count ? (const void *)(types->begin + types->at[id]) : NULL;
}

static const char *string_at(const struct types *types, uint32_t at)
{
	return at < types->strings_size ? types->strings + at : "";
}

/* What a type is when its names and qualifiers are taken away; NULL: void, or broken. */
static const struct btf_type *resolve(const struct types *types, uint32_t id)
{
	for (int depth = 0; depth < MAX_DEPTH; depth++) {
		const struct btf_type *type = type_at(types, id);

		if (!type || !(btf_is_mod(type) || btf_is_typedef(type)))
			return type;
		id = type->type;
	}
	return NULL;
}

static size_t length_without_flavor(const char *name)
{
	const char *flavor = strstr(name, "___");

	return flavor ? (size_t)(flavor - name) : strlen(name);
}

static int by_name(const void *a, const void *b)
{
	const struct wanted *x = a, *y = b;
	const size_t length = x->length < y->length ? x->length : y->length;
	const int order = memcmp(x->name, y->name, length);

	return order ? order : x->length < y->length ? -1 : x->length > y->length;
}

static void find_wanted(struct part *part)
{
	for (uint32_t id = 1; id < btf__type_cnt(part->program); id++) {
		const struct btf_type *type = btf__type_by_id(part->program, id);
		const char *name = btf__name_by_offset(part->program, type->name_off);

		if (!btf_is_composite(type) || !name || !name[0])
			continue;
		*VEC_PUSH(&part->wanted) = (struct wanted){
			.name = name, .length = length_without_flavor(name), .type = type};
	}
	if (part->wanted.count)
		qsort(part->wanted.items, part->wanted.count, sizeof(*part->wanted.items), by_name);
}

static bool has_member(const struct btf *btf, const struct btf_type *type, const char *name)
{
	const struct btf_member *members = btf_members(type);

	for (uint16_t i = 0; i < btf_vlen(type); i++)
		if (!strcmp(btf__name_by_offset(btf, members[i].name_off), name))
			return true;
	return false;
}

/* Whether the program has a struct of `key`'s name, in any flavor, with such a member; key NULL: all
 * members are wanted. */
static bool is_wanted(const struct part *part, const struct wanted *key, const char *member)
{
	if (!key)
		return true;
	for (size_t i = 0; i < part->wanted.count; i++) {
		const struct wanted *w = &part->wanted.items[i];
		if (!by_name(key, w) && has_member(part->program, w->type, member))
			return true;
	}
	return false;
}

/* Collects members, those of anonymous structs too: C and CO-RE take them for the outer one's. False
 * if the data is broken. */
static bool collect(struct part *part, const struct btf_type *type, const struct wanted *key,
		    uint32_t base, int depth, struct members *out)
{
	const struct btf_member *members = btf_members(type);

	for (uint32_t i = 0; i < btf_vlen(type); i++) {
		const char *name = string_at(&part->types, members[i].name_off);
		const uint32_t offset = base + btf_member_bit_offset(type, i);

		if (!name[0]) {
			const struct btf_type *inner = resolve(&part->types, members[i].type);
			if (!inner || depth == MAX_DEPTH || part->members++ > MAX_MEMBERS)
				return false;
			if (btf_is_composite(inner) &&
			    !collect(part, inner, key, offset, depth + 1, out))
				return false;
		} else if (is_wanted(part, key, name)) {
			*VEC_PUSH(out) = (struct member){.name = name,
							 .type = members[i].type,
							 .offset = offset,
							 .size = btf_member_bitfield_size(type, i)};
		}
	}
	return true;
}

static int add_composite(struct part *part, const struct btf_type *type, const struct wanted *key,
			 int depth);

static int add_array(struct part *part, const struct btf_type *type, int depth);

/* Adds what a member is of; its id, 0 for void, or a negative errno. */
static int add_type(struct part *part, uint32_t id, int depth)
{
	const struct btf_type *type = resolve(&part->types, id);

	if (!type || depth == MAX_DEPTH)
		return -EINVAL;
	const char *name = string_at(&part->types, type->name_off);
	switch (btf_kind(type)) {
	case BTF_KIND_INT:
		return btf__add_int(part->out, name, type->size, btf_int_encoding(type));
	case BTF_KIND_FLOAT:
		return btf__add_float(part->out, name, type->size);
	case BTF_KIND_ENUM:
		return btf__add_enum(part->out, name, type->size);
	case BTF_KIND_ENUM64:
		return btf__add_enum64(part->out, name, type->size, btf_kflag(type));
	case BTF_KIND_PTR:
		if (part->pointer <= 0)
			part->pointer = btf__add_ptr(part->out, 0);
		return part->pointer;
	case BTF_KIND_ARRAY:
		return add_array(part, type, depth);
	case BTF_KIND_STRUCT:
	case BTF_KIND_UNION:
		return add_composite(part, type, NULL, depth + 1);
	}
	return -EINVAL;
}

static int add_array(struct part *part, const struct btf_type *type, int depth)
{
	const struct btf_array *array = btf_array(type);
	const int index = add_type(part, array->index_type, depth + 1);
	const int element = index < 0 ? index : add_type(part, array->type, depth + 1);

	return element < 0 ? element
			   : btf__add_array(part->out, index, element, (int)array->nelems);
}

/* Members first: libbpf adds fields to the latest type. */
static int add_composite(struct part *part, const struct btf_type *type, const struct wanted *key,
			 int depth)
{
	const char *name = string_at(&part->types, type->name_off);
	struct members members = {0};
	int err = collect(part, type, key, 0, 0, &members) ? 0 : -EINVAL;

	part->members += (unsigned)members.count;
	if (part->members > MAX_MEMBERS)
		err = -E2BIG;
	for (size_t i = 0; i < members.count && err >= 0; i++) {
		err = add_type(part, members.items[i].type, depth);
		members.items[i].type = (uint32_t)err;
	}
	const int id = err < 0		    ? err
		       : btf_is_union(type) ? btf__add_union(part->out, name, type->size)
					    : btf__add_struct(part->out, name, type->size);
	for (size_t i = 0; i < members.count && id > 0 && err >= 0; i++) {
		const struct member *m = &members.items[i];
		err = btf__add_field(part->out, m->name, (int)m->type, m->offset, m->size);
	}
	free(members.items);
	return err < 0 ? err : id;
}

/* All of a name: where there are several, libbpf sees whether they agree. */
static int add_wanted(struct part *part)
{
	for (uint32_t id = 1; id < part->types.count; id++) {
		const struct btf_type *type = type_at(&part->types, id);

		if (!btf_is_composite(type))
			continue;
		const char *name = string_at(&part->types, type->name_off);
		const struct wanted key = {.name = name, .length = length_without_flavor(name)};
		if (!key.length ||
		    !bsearch(&key, part->wanted.items, part->wanted.count, sizeof(key), by_name))
			continue;
		const int err = add_composite(part, type, &key, 0);
		if (err < 0)
			return err;
	}
	return 0;
}

struct btf *kernel_types_part(const struct btf *program, const void *data, size_t size)
{
	struct part part = {.program = program};
	bool ok = read_header(&part.types, data, size) && index_types(&part.types);

	if (ok) {
		find_wanted(&part);
		part.out = btf__new_empty();
		ok = part.out && !add_wanted(&part);
	}
	if (!ok) {
		btf__free(part.out);
		part.out = NULL;
	}
	free(part.wanted.items);
	free(part.types.at);
	return part.out;
}
