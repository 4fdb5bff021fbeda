/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 gilscope contributors */
#include "report/clean.h"

#include <string.h>

#include "base/mem.h"

#define REPLACEMENT "\xef\xbf\xbd" /* U+FFFD */

int utf8_decode(const char *text, uint32_t *code)
{
	/* smallest code that needs that many bytes: anything below it is an overlong form */
	static const uint32_t smallest[] = {0, 0, 0x80, 0x800, 0x10000};
	const unsigned char *s = (const unsigned char *)text;
	int size = s[0] < 0x80		   ? 1
		   : (s[0] & 0xe0) == 0xc0 ? 2
		   : (s[0] & 0xf0) == 0xe0 ? 3
		   : (s[0] & 0xf8) == 0xf0 ? 4
					   : 0;

	if (size <= 1) {
		*code = s[0];
		return size;
	}
	*code = s[0] & (0x7f >> size);
	for (int i = 1; i < size; i++) {
		if ((s[i] & 0xc0) != 0x80)
			return 0;
		*code = *code << 6 | (s[i] & 0x3f);
	}
	if (*code < smallest[size] || *code > 0x10ffff || (*code >= 0xd800 && *code <= 0xdfff))
		return 0;
	return size;
}

static bool printable(uint32_t code, bool ascii)
{
	if (code < 0x20 || code == 0x7f)
		return false;
	if (ascii)
		return code < 0x7f;
	if (code >= 0x80 && code < 0xa0) /* C1: 0x9b begins an escape like ESC [ */
		return false;
	if (code >= 0x200b && code <= 0x200f) /* no width, direction marks */
		return false;
	if (code >= 0x2028 && code <= 0x202e) /* line separators, direction overrides */
		return false;
	if (code >= 0x2060 && code <= 0x206f)
		return false;
	return code != 0xfeff && (code & 0xfffe) != 0xfffe;
}

char *clean_text(const char *text, bool ascii)
{
	const char *replacement = ascii ? "?" : REPLACEMENT;
	size_t room = strlen(replacement);

	if (!text)
		text = "";
	char *out = xcalloc(strlen(text) * room + 1, 1);
	char *at = out;
	while (*text) {
		uint32_t code;
		int size = utf8_decode(text, &code);

		if (size > 0 && printable(code, ascii)) {
			memcpy(at, text, size);
			at += size;
		} else {
			memcpy(at, replacement, room);
			at += room;
		}
		text += size > 0 ? size : 1;
	}
	return out;
}
