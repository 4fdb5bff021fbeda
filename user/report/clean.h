/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 gilscope contributors */
/*
 * The one place where strings of the target (names, paths, arguments) become safe to print. They
 * hold whatever the target likes: terminal escapes, line breaks, bytes that are no UTF-8.
 */
#ifndef GILSCOPE_CLEAN_H
#define GILSCOPE_CLEAN_H

#include <stdbool.h>
#include <stdint.h>

/*
 * A copy that is valid UTF-8 without control characters, line separators and marks that change the
 * direction of text; each of these, and each byte that is no UTF-8, becomes U+FFFD. With `ascii`
 * all that is not printable ASCII becomes '?'. NULL is taken as "". Release with free().
 */
char *clean_text(const char *text, bool ascii);

/*
 * Decodes the character at `text`, which is not empty, into `code`; the number of its bytes, or 0
 * if there is no valid UTF-8 there (overlong forms, surrogates and what is cut off are invalid).
 */
int utf8_decode(const char *text, uint32_t *code);

#endif
