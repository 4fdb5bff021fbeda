/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 gilscope contributors */
/*
 * threading._active is a dict from a thread's ident, which is its pthread_t, to its Thread, which has
 * _name and _native_id (Lib/threading.py, the same from 3.8 to 3.15). A Thread puts itself there after
 * it has set _native_id, in its own thread, and takes itself out before that ends.
 *
 * The process runs on while this is read, so for each Thread, in this order: its entry (E), the
 * values of both attributes (A), the id, the name's characters, the kernel's id that the C library
 * keeps for the ident, E again, A again, the id again; all must be what they were. Then the name is
 * that of the thread with that id:
 *  - The second E shows a Thread at that address which is registered and so has its final id; the
 *    second id, read after it, is the first one again: the same thread's, since the kernel gives an
 *    id anew only after all others.
 *  - So the Thread was there all the while, and its memory was not another's when the name was read.
 *  - The second A shows that the string was the Thread's own before and after its characters were
 *    read, and not freed and used for another name.
 * What can still race: between two of these reads the objects would have to be freed, their memory used
 * for those of another thread, and freed and filled with the very same pointers and id again.
 */
#include "target/py_names.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "target/ns_tids.h"
#include "target/py_objects.h"

struct names_offsets {
	uint32_t interp_modules; /* sys.modules in the interpreter state */
};

/* Up to 3.12 the offsets, from 3.13 on where _Py_DebugOffsets has them. */
#include "target/names_table.h"

/* Bounds for what is read from memory that may be anything. */
#define MAX_INTERPRETERS 256
#define MAX_MODULES (1U << 16)
#define MAX_THREADS (1U << 15)
#define OFFSET_LIMIT (1U << 20)
/* Values of both attributes, Thread.__init__ sets them within a few. */
#define MAX_APART 64
/* A second of them: for as many threads as a process ever has. */
#define MAX_READS (1U << 19)
/* Looks that are begun again because _active moved. */
#define MAX_TRIES 4

/* Where a key stood in a dict; it mostly still does. */
struct hint {
	uint32_t index;
};

/* One interpreter's threading. */
struct place {
	uint64_t interp;
	struct hint threading, active;
};

struct py_names {
	const struct target *target;
	struct py_objects objects;
	uint64_t reads_left;	 /* of this look */
	uint32_t interp_modules; /* 0: not known */
	struct ns_tids tids;
	pid_t main_tid; /* in the process's own PID namespace */
	struct {
		struct place *items;
		size_t count, cap;
	} places;
};

struct found {
	pid_t tid;	 /* in the process's own PID namespace */
	uint32_t interp; /* the older, the smaller */
	bool sure;	 /* its ident leads to the same id */
	char name[PY_NAME_SIZE];
};

/* Both attributes of a Thread: which of its entries they are, and their values. */
struct attributes {
	struct py_dict dict;
	uint32_t name_at, native_id_at;
	uint64_t name, native_id;
};

struct look {
	const struct py_objects *objects;
	uint32_t pthread_tid; /* offset of the kernel's id in what an ident points to */
	pid_t main_tid;
	uint32_t interp;
	uint64_t str_type;
	uint64_t name_key, native_id_key; /* the strings "_name" and "_native_id", once met */
	/* Of Threads before: most are of the same type. */
	struct py_type type;
	struct attributes shared;
	uint64_t active; /* the dict */
	bool moved;	 /* its keys have: the rest must be read again */
	struct {
		struct found *items;
		size_t count, cap;
	} found;
};

static uint32_t find_interp_modules(const struct target *target)
{
	const int minor = target->version.minor;
	const struct elf_image *image = target->python.image;
	uint64_t word;

	for (size_t i = 0; i < ARRAY_SIZE(names_table); i++)
		if (names_table[i].minor == minor)
			return names_table[i].at.interp_modules;
	for (size_t i = 0; i < ARRAY_SIZE(names_debug_table); i++) {
		if (names_debug_table[i].minor != minor)
			continue;
		/* offsets_find has shown that these are there, and of this version. */
		const uint64_t at = elf_image_symbol(image, "_PyRuntime", NULL) +
				    names_debug_table[i].at.interp_modules;
		const void *bytes = elf_image_bytes(image, at, sizeof(word));
		if (!bytes)
			return 0;
		memcpy(&word, bytes, sizeof(word));
		return word < OFFSET_LIMIT ? (uint32_t)word : 0;
	}
	return 0;
}

struct py_names *py_names_new(const struct target *target)
{
	struct py_names *names = xcalloc(1, sizeof(*names));

	names->target = target;
	names->tids.pid = target->pid;
	names->interp_modules = find_interp_modules(target);
	py_objects_init(&names->objects, target, &names->reads_left);
	return names;
}

void py_names_free(struct py_names *names)
{
	if (!names)
		return;
	ns_tids_free(&names->tids);
	free(names->places.items);
	free(names);
}

static bool find_key_anew(const struct py_objects *o, const struct py_dict *dict, const char *key,
			  struct hint *hint, struct py_entry *entry)
{
	struct py_entry *entries = py_dict_entries(o, dict);
	bool found = false;

	for (uint32_t i = 0; entries && i < dict->count && i < MAX_MODULES && !found; i++) {
		found = entries[i].value && py_str_equals(o, entries[i].key, key);
		if (found) {
			*entry = entries[i];
			hint->index = i;
		}
	}
	free(entries);
	return found;
}

static bool find_key(const struct py_objects *o, uint64_t object, const char *key,
		     struct hint *hint, struct py_entry *entry)
{
	struct py_dict dict;

	if (!py_dict_find(o, object, &dict) || !py_dict_open(o, &dict))
		return false;
	if (py_dict_entry(o, &dict, hint->index, entry) && entry->value &&
	    py_str_equals(o, entry->key, key))
		return true;
	return find_key_anew(o, &dict, key, hint, entry);
}

static struct place *place_of(struct py_names *names, uint64_t interp)
{
	for (size_t i = 0; i < names->places.count; i++)
		if (names->places.items[i].interp == interp)
			return &names->places.items[i];
	/* Interpreters come and go: what is lost is only where to look first. */
	if (names->places.count >= MAX_INTERPRETERS)
		names->places.count = 0;
	struct place *place = VEC_PUSH(&names->places);
	place->interp = interp;
	return place;
}

/* The dict threading._active of an interpreter that has imported threading. */
static bool find_active(struct py_names *names, uint64_t interp, struct look *look)
{
	const struct py_objects *o = &names->objects;
	struct place *place = place_of(names, interp);
	uint64_t modules, namespace, dict_type, type;
	struct py_entry entry;

	if (!py_read_word(o, interp + names->interp_modules, &modules) ||
	    !py_type_of(o, modules, &dict_type) ||
	    !find_key(o, modules, "threading", &place->threading, &entry) ||
	    !py_read_word(o, entry.value + o->header, &namespace) ||
	    !py_type_of(o, namespace, &type) || type != dict_type ||
	    !find_key(o, namespace, "_active", &place->active, &entry) ||
	    !py_type_of(o, entry.key, &look->str_type) || !py_type_of(o, entry.value, &type))
		return false;
	look->active = entry.value;
	return type == dict_type;
}

/* Names of attributes are interned: after the first time the address tells. */
static bool is_key(const struct py_objects *o, const struct py_entry *entry, const char *text,
		   uint64_t *known)
{
	if (!entry->key)
		return false;
	if (!*known && py_str_equals(o, entry->key, text))
		*known = entry->key;
	return entry->key == *known;
}

static void find_attributes(struct look *look, struct attributes *a)
{
	const struct py_objects *o = look->objects;
	struct py_entry *entries = py_dict_open(o, &a->dict) ? py_dict_entries(o, &a->dict) : NULL;

	for (uint32_t i = 0; entries && i < a->dict.count; i++) {
		if (is_key(o, &entries[i], "_name", &look->name_key)) {
			a->name = entries[i].value;
			a->name_at = i;
		} else if (is_key(o, &entries[i], "_native_id", &look->native_id_key)) {
			a->native_id = entries[i].value;
			a->native_id_at = i;
		}
	}
	free(entries);
}

/* The values of both, of an object whose values stand in an array. */
static bool read_values(const struct py_objects *o, const struct attributes *a, uint64_t *name,
			uint64_t *native_id)
{
	const uint32_t first = a->name_at < a->native_id_at ? a->name_at : a->native_id_at;
	const uint32_t last = a->name_at + a->native_id_at - first;
	uint64_t words[MAX_APART];

	if (last - first >= MAX_APART ||
	    !py_read(o, a->dict.values + 8ULL * first, words, 8ULL * (last - first + 1)))
		return false;
	*name = words[a->name_at - first];
	*native_id = words[a->native_id_at - first];
	return true;
}

/* Objects of a type mostly share their keys: then only the values are read. */
static bool read_attributes(struct look *look, uint64_t thread, struct attributes *a)
{
	const struct py_objects *o = look->objects;
	uint64_t type;

	a->name = a->native_id = 0;
	if (!py_type_of(o, thread, &type) ||
	    (type != look->type.address && !py_type_read(o, type, &look->type)) ||
	    !py_attributes_find(o, thread, &look->type, &a->dict))
		return false;
	if (a->dict.values && a->dict.keys == look->shared.dict.keys) {
		a->name_at = look->shared.name_at;
		a->native_id_at = look->shared.native_id_at;
		return read_values(o, a, &a->name, &a->native_id) && a->name && a->native_id;
	}
	find_attributes(look, a);
	if (!a->name || !a->native_id)
		return false;
	if (a->dict.values)
		look->shared = *a;
	return true;
}

static bool has_attributes(const struct py_objects *o, const struct attributes *a)
{
	struct py_entry name, native_id;

	if (a->dict.values)
		return read_values(o, a, &name.value, &native_id.value) && name.value == a->name &&
		       native_id.value == a->native_id;
	return py_dict_entry(o, &a->dict, a->name_at, &name) &&
	       py_dict_entry(o, &a->dict, a->native_id_at, &native_id) && name.value == a->name &&
	       native_id.value == a->native_id;
}

static bool is_active(struct look *look, const struct py_dict *active, uint32_t index,
		      const struct py_entry *entry)
{
	struct py_entry again;

	if (!py_dict_stayed(look->objects, look->active, active)) {
		look->moved = true;
		return false;
	}
	return py_dict_entry(look->objects, active, index, &again) && again.key == entry->key &&
	       again.value == entry->value;
}

static bool read_str(const struct look *look, uint64_t object, char *out)
{
	uint64_t type;

	return py_str_read(look->objects, object, out, PY_NAME_SIZE, &type) &&
	       type == look->str_type;
}

/*
 * After a fork the Thread of the child's main thread may still have the id of the parent's
 * (Thread._after_fork of 3.8 to 3.12): the C library knows better.
 */
static void set_tid(const struct look *look, int64_t native_id, int64_t ident, struct found *found)
{
	int32_t tid = 0;

	if (!py_read(look->objects, (uint64_t)ident + look->pthread_tid, &tid, sizeof(tid)))
		tid = 0;
	found->sure = tid == native_id || tid == look->main_tid;
	found->tid = found->sure ? tid : (pid_t)native_id;
}

static bool read_thread(struct look *look, const struct py_dict *active, uint32_t index,
			const struct py_entry *entry, struct found *found)
{
	const struct py_objects *o = look->objects;
	int64_t ident, native_id, again;
	uint64_t type, int_type;
	struct attributes a;

	if (!entry->key || !entry->value || !py_int_read(o, entry->key, &ident, &int_type) ||
	    !read_attributes(look, entry->value, &a) ||
	    !py_int_read(o, a.native_id, &native_id, &type) || type != int_type ||
	    !read_str(look, a.name, found->name))
		return false;
	set_tid(look, native_id, ident, found);
	return is_active(look, active, index, entry) && has_attributes(o, &a) &&
	       py_int_read(o, a.native_id, &again, &type) && again == native_id && found->tid > 0;
}

static void read_threads(struct look *look)
{
	struct py_dict active;
	struct found found = {.interp = look->interp};

	if (!py_dict_find(look->objects, look->active, &active) ||
	    !py_dict_open(look->objects, &active))
		return;
	struct py_entry *entries = py_dict_entries(look->objects, &active);
	/* If the entries have moved, these may never have been some. */
	look->moved = !py_dict_stayed(look->objects, look->active, &active);
	for (uint32_t i = 0; entries && i < active.count && i < MAX_THREADS && !look->moved; i++)
		if (read_thread(look, &active, i, &entries[i], &found))
			*VEC_PUSH(&look->found) = found;
	free(entries);
}

static void read_interpreter(struct py_names *names, uint64_t interp, struct look *look)
{
	const size_t before = look->found.count;

	look->name_key = look->native_id_key = look->type.address = look->shared.dict.keys = 0;
	for (int tries = 0; tries < MAX_TRIES; tries++) {
		look->moved = false;
		if (!find_active(names, interp, look))
			return;
		look->found.count = before;
		read_threads(look);
		if (!look->moved)
			return;
	}
}

/* The interpreters that there are; the list begins with the youngest. Their number or -ESRCH. */
static int read_interpreters(const struct py_names *names, uint64_t *interps)
{
	const struct target *target = names->target;
	uint64_t interp;
	int count = 0;

	if (!py_read_word(&names->objects, target->runtime + target->off.runtime_interpreters_head,
			  &interp))
		return -ESRCH;
	while (interp && count < MAX_INTERPRETERS) {
		interps[count++] = interp;
		if (!py_read_word(&names->objects, interp + target->off.interp_next, &interp))
			break;
	}
	return count;
}

static int compare_found(const void *a, const void *b)
{
	const struct found *x = a, *y = b;

	if (x->tid != y->tid)
		return x->tid < y->tid ? -1 : 1;
	if (x->sure != y->sure)
		return x->sure ? -1 : 1;
	return (x->interp > y->interp) - (x->interp < y->interp);
}

/*
 * A thread that runs code of several interpreters may have a Thread in each; the oldest interpreter's
 * counts. Two of the same interpreter are none: where threads are played by one (greenlets), their
 * idents lead nowhere.
 */
static bool is_told(const struct look *look, size_t first, size_t count, bool any_sure)
{
	const struct found *found = &look->found.items[first];

	if (any_sure && !found->sure)
		return false;
	return count < 2 || found[1].sure != found->sure || found[1].interp != found->interp;
}

static int tell(struct py_names *names, struct look *look,
		void (*each)(void *ctx, pid_t tid, const char *name), void *ctx)
{
	const struct found *found = look->found.items;
	const size_t count = look->found.count;
	bool any_sure = false;
	int told = 0;

	if (!count)
		return 0;
	for (size_t i = 0; i < count; i++)
		any_sure |= found[i].sure;
	qsort(look->found.items, count, sizeof(*found), compare_found);
	for (size_t i = 0, next; i < count; i = next) {
		for (next = i + 1; next < count && found[next].tid == found[i].tid;)
			next++;
		const pid_t tid = ns_tids_find(&names->tids, found[i].tid);
		if (!tid || !is_told(look, i, next - i, any_sure))
			continue;
		each(ctx, tid, found[i].name);
		told++;
	}
	return told;
}

int py_names_read(struct py_names *names, void (*each)(void *ctx, pid_t tid, const char *name),
		  void *ctx)
{
	uint64_t interps[MAX_INTERPRETERS];
	struct look look = {
		.objects = &names->objects,
		.pthread_tid = names->target->off.pthread_tid,
	};

	if (!names->interp_modules)
		return 0;
	names->reads_left = MAX_READS;
	const int count = read_interpreters(names, interps);
	if (count < 0)
		return count;
	if (!names->main_tid)
		names->main_tid = ns_tids_main(&names->tids);
	look.main_tid = names->main_tid;
	ns_tids_expire(&names->tids);
	for (int i = count; i-- > 0; look.interp++)
		read_interpreter(names, interps[i], &look);
	const int told = tell(names, &look, each, ctx);
	free(look.found.items);
	return told;
}
