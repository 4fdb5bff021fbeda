/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 gilscope contributors */
#define _GNU_SOURCE /* wcwidth */
#include "report/layout.h"

#include <ctype.h>
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

#include "base/mem.h"
#include "report/clean.h"

enum { MIN_WIDTH = 40, MAX_WIDTH = 160, MAX_PROSE = 100 };

void page_init(struct page *page, FILE *out, const struct report_options *options)
{
	int width = options->width;

	*page = (struct page){
		.out = out,
		.width = width < MIN_WIDTH   ? MIN_WIDTH
			 : width > MAX_WIDTH ? MAX_WIDTH
					     : width,
		.ascii = options->ascii,
		.color = options->color,
	};
}

const char *page_bold(const struct page *page)
{
	return page->color ? "\033[1m" : "";
}

const char *page_red(const struct page *page)
{
	return page->color ? "\033[31m" : "";
}

const char *page_plain(const struct page *page)
{
	return page->color ? "\033[0m" : "";
}

void page_heading(const struct page *page, const char *title, const char *explanation)
{
	fprintf(page->out, "\n%s%s%s", page_bold(page), title, page_plain(page));
	if (explanation[0])
		fprintf(page->out, " (%s)", explanation);
	fputc('\n', page->out);
}

void page_rule(const struct page *page, const char *title, const char *explanation)
{
	const char *dash = page->ascii ? "-" : "\xe2\x94\x80";
	const int edges = 3 + 3 + 3; /* "-- ", " (" and ")", " --" */
	int right = page->width < MAX_PROSE ? page->width : MAX_PROSE;
	char *cut = fit_text(page, explanation, right - edges - text_width(title));
	char *words = cut[0] ? xasprintf(" (%s)", cut) : xstrdup("");
	int column = 3 + text_width(title) + text_width(words) + 1;

	fprintf(page->out, "\n%s%s%s %s%s%s ", page_bold(page), dash, dash, title, words,
		page_plain(page));
	for (; column < right; column++)
		fputs(dash, page->out);
	fputc('\n', page->out);
	free(words);
	free(cut);
}

/* Columns of the character at `text` and, in `size`, its bytes. */
static int char_width(const char *text, int *size)
{
	uint32_t code;

	*size = utf8_decode(text, &code);
	if (*size == 0) {
		*size = 1;
		return 1;
	}
	int width = wcwidth((wchar_t)code);
	return width < 0 ? 1 : width;
}

/* Columns of the first `bytes` bytes. */
static int text_width_n(const char *text, size_t bytes)
{
	const char *end = text + bytes;
	int width = 0, size;

	for (; text < end; text += size)
		width += char_width(text, &size);
	return width;
}

int text_width(const char *text)
{
	return text_width_n(text, strlen(text));
}

/* Bytes at the beginning of `text` that take at most `columns`. */
static size_t prefix(const char *text, int columns)
{
	size_t bytes = 0;
	int size;

	while (text[bytes]) {
		columns -= char_width(text + bytes, &size);
		if (columns < 0)
			break;
		bytes += size;
	}
	return bytes;
}

void page_right(const struct page *page, const char *text, int columns)
{
	int width = text_width(text);

	fprintf(page->out, "%*s%s", width < columns ? columns - width : 0, "", text);
}

char *fit_text(const struct page *page, const char *text, int columns)
{
	if (text_width(text) <= columns)
		return xstrdup(text);

	const char *ellipsis = page->ascii ? "..." : "\xe2\x80\xa6";
	int room = columns - text_width(ellipsis);

	return xasprintf("%.*s%s", (int)prefix(text, room > 0 ? room : 0), text, ellipsis);
}

/*
 * Bytes that must stay on one line of `columns`: a word, and with it what follows a number if it is
 * short: a unit, as a rule. A word longer than a line is cut.
 */
static size_t word_length(const char *text, int columns)
{
	enum { SHORT = 8 };
	size_t bytes = strcspn(text, " ");

	if (bytes > 0 && text[bytes] == ' ' && isdigit((unsigned char)text[bytes - 1])) {
		size_t next = strcspn(text + bytes + 1, " ");

		if (next <= SHORT)
			bytes += 1 + next;
	}
	size_t most = prefix(text, columns);
	return bytes < most ? bytes : most;
}

/* Prints words, breaking lines before column `right`; the cursor stands in column `indent`. */
static void put_words(const struct page *page, const char *text, int indent, int right)
{
	int column = indent;

	while (*text) {
		size_t bytes = word_length(text, right - indent);
		bool first = column == indent;
		int width = text_width_n(text, bytes);

		if (!first && column + 1 + width > right) {
			fprintf(page->out, "\n%*s", indent, "");
			column = indent;
			first = true;
		}
		fprintf(page->out, "%s%.*s", first ? "" : " ", (int)bytes, text);
		column += width + !first;
		text += bytes;
		text += strspn(text, " ");
	}
}

void page_paragraph(const struct page *page, const char *style, const char *label, int indent,
		    const char *fmt, ...)
{
	char *text = NULL;
	va_list args;

	va_start(args, fmt);
	if (vasprintf(&text, fmt, args) < 0)
		text = xstrdup("");
	va_end(args);
	fprintf(page->out, "%s%-*s", style, indent, label);
	put_words(page, text, indent, page->width < MAX_PROSE ? page->width : MAX_PROSE);
	fprintf(page->out, "%s\n", style[0] ? page_plain(page) : "");
	free(text);
}

int make_bar(char out[BAR_SIZE], uint64_t part, uint64_t whole, int cells, bool ascii)
{
	static const char *const eighths[] = {
		"\xe2\x96\x88", "\xe2\x96\x8f", "\xe2\x96\x8e", "\xe2\x96\x8d",
		"\xe2\x96\x8c", "\xe2\x96\x8b", "\xe2\x96\x8a", "\xe2\x96\x89",
	};
	const int steps = ascii ? 1 : 8;

	out[0] = '\0';
	if (part == 0 || whole == 0 || cells <= 0)
		return 0;
	if (cells > BAR_MAX_CELLS)
		cells = BAR_MAX_CELLS;
	long double share = part < whole ? (long double)part / whole : 1;
	int length = (int)lroundl(share * cells * steps);
	if (length == 0 && ascii) {
		strcpy(out, ".");
		return 1;
	}
	if (length == 0)
		length = 1;
	char *at = out;
	for (int i = 0; i < length / steps; i++)
		at = stpcpy(at, ascii ? "#" : eighths[0]);
	if (length % steps)
		at = stpcpy(at, eighths[length % steps]);
	return (length + steps - 1) / steps;
}
