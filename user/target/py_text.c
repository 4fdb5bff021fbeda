/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 gilscope contributors */
#include "target/py_text.h"

#include <stdint.h>
#include <string.h>

#define ELLIPSIS "\xe2\x80\xa6"

static uint32_t character(const void *chars, unsigned kind, size_t at)
{
	const uint8_t *bytes = (const uint8_t *)chars + at * kind;
	uint16_t two;
	uint32_t four;

	switch (kind) {
	case 1:
		return *bytes;
	case 2:
		memcpy(&two, bytes, sizeof(two));
		return two;
	default:
		memcpy(&four, bytes, sizeof(four));
		return four;
	}
}

static uint32_t presentable(uint32_t c)
{
	if (c < 0x20 || (c >= 0x7f && c < 0xa0))
		return '?';
	if ((c >= 0xd800 && c < 0xe000) || c > 0x10ffff)
		return 0xfffd;
	return c;
}

/* The bytes of one character; their number. */
static size_t encode(uint32_t c, char bytes[4])
{
	if (c < 0x80) {
		bytes[0] = (char)c;
		return 1;
	}
	const size_t length = c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
	for (size_t i = length - 1; i > 0; i--, c >>= 6)
		bytes[i] = (char)(0x80 | (c & 0x3f));
	bytes[0] = (char)((0xf00 >> length & 0xff) | c);
	return length;
}

size_t py_text_to_utf8(char *out, size_t size, const void *chars, unsigned kind, size_t count,
		       bool more)
{
	const size_t room = size - 1, mark = strlen(ELLIPSIS);
	size_t length = 0, fits = 0; /* the second: up to where there is room for the mark */
	char bytes[4];

	for (size_t i = 0; i < count; i++) {
		const size_t n = encode(presentable(character(chars, kind, i)), bytes);

		if (length + n > room) {
			more = true;
			break;
		}
		memcpy(out + length, bytes, n);
		length += n;
		if (length + mark <= room)
			fits = length;
	}
	if (more) {
		memcpy(out + fits, ELLIPSIS, mark);
		length = fits + mark;
	}
	out[length] = '\0';
	return length;
}
