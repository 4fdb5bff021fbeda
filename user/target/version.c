/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 gilscope contributors */
#define _GNU_SOURCE
#include "target/version.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"

bool version_is_python(const struct elf_image *image)
{
	return elf_image_symbol(image, "_PyRuntime", NULL) &&
	       elf_image_symbol(image, "PyEval_RestoreThread", NULL);
}

/* PY_VERSION_HEX: major, minor, micro, level and serial (Include/patchlevel.h). */
static void from_hex(uint32_t hex, struct py_version *out)
{
	const char *level = "";
	char serial[16] = "";

	switch (hex >> 4 & 0xf) {
	case 0xa:
		level = "a";
		break;
	case 0xb:
		level = "b";
		break;
	case 0xc:
		level = "rc";
		break;
	}
	if (*level)
		snprintf(serial, sizeof(serial), "%u", hex & 0xf);
	out->major = (int)(hex >> 24);
	out->minor = (int)(hex >> 16 & 0xff);
	out->micro = (int)(hex >> 8 & 0xff);
	snprintf(out->text, sizeof(out->text), "%d.%d.%d%s%s", out->major, out->minor, out->micro,
		 level, serial);
}

/* PY_VERSION, a string literal such as "3.9.2" or "3.8.0rc1": "3.MINOR." DIGITS [a-z0-9+]* NUL, not
 * in the middle of a number. */
static bool from_literal(const uint8_t *text, size_t size, struct py_version *out)
{
	char prefix[16];
	const size_t length = (size_t)snprintf(prefix, sizeof(prefix), "3.%d.", out->minor);
	const uint8_t *at = text, *end = text + size;

	while ((at = memmem(at, (size_t)(end - at), prefix, length))) {
		const uint8_t *p = at + length;
		int micro = 0;

		while (p < end && isdigit(*p) && micro < 1000)
			micro = micro * 10 + (*p++ - '0');
		bool found = p > at + length && (at == text || !(isalnum(at[-1]) || at[-1] == '.'));
		while (p < end && (isalnum(*p) || *p == '+'))
			p++;
		if (found && p < end && !*p && (size_t)(p - at) < sizeof(out->text)) {
			out->micro = micro;
			memcpy(out->text, at, (size_t)(p - at) + 1);
			return true;
		}
		at += length;
	}
	return false;
}

/* Before Py_Version (3.11), the newest function of the C API that is there tells the minor version
 * ("New in version" in its manual). */
static int minor_by_api(const struct elf_image *image)
{
	static const struct {
		const char *name;
		int minor;
	} added[] = {
		{"PyModule_AddObjectRef", 10},
		{"PyModule_AddType", 9},
		{"PyCode_NewWithPosOnlyArgs", 8},
	};

	for (size_t i = 0; i < ARRAY_SIZE(added); i++)
		if (elf_image_symbol(image, added[i].name, NULL))
			return added[i].minor;
	return 7; /* _PyRuntime is new in it, and without that no file is looked at */
}

void version_find(const struct elf_image *image, struct py_version *out)
{
	const uint64_t hex_at = elf_image_symbol(image, "Py_Version", NULL);
	const uint32_t *hex = hex_at ? elf_image_bytes(image, hex_at, sizeof(*hex)) : NULL;
	const struct elf_segment *segments;

	memset(out, 0, sizeof(*out));
	if (hex) {
		uint32_t value;
		memcpy(&value, hex, sizeof(value));
		from_hex(value, out);
		return;
	}
	out->major = 3;
	out->minor = minor_by_api(image);
	const size_t count = elf_image_segments(image, &segments);
	for (size_t i = 0; i < count; i++) {
		const uint8_t *text = elf_image_bytes(image, segments[i].vaddr, segments[i].filesz);

		if (text && !segments[i].writable && from_literal(text, segments[i].filesz, out))
			return;
	}
	snprintf(out->text, sizeof(out->text), "3.%d", out->minor);
}
