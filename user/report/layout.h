/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 gilscope contributors */
/* How text is set on a page: paragraphs, headings, bars, for a width and with or without colour. */
#ifndef GILSCOPE_LAYOUT_H
#define GILSCOPE_LAYOUT_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "report/result.h"

struct page {
	FILE *out;
	int width; /* columns; 40 to 160 */
	bool ascii, color;
};

void page_init(struct page *page, FILE *out, const struct report_options *options);

/* Terminal escapes, "" without colour. */
const char *page_bold(const struct page *page);
const char *page_red(const struct page *page);
const char *page_plain(const struct page *page);

/* A section's heading after an empty line; `explanation` follows it in parentheses, "" for none. */
void page_heading(const struct page *page, const char *title, const char *explanation);

/*
 * The beginning of a part of the report that has headings of its own: the title in a line across
 * the page; `explanation` follows it in parentheses, cut to fit, "" for none.
 */
void page_rule(const struct page *page, const char *title, const char *explanation);

/*
 * A paragraph: `label` (may be ""), then the text wrapped to the page, its further lines under the
 * beginning of the text, which stands in column `indent`. `style` is an escape for the whole, or
 * "".
 */
void page_paragraph(const struct page *page, const char *style, const char *label, int indent,
		    const char *fmt, ...) __attribute__((format(printf, 5, 6)));

/* Columns that valid UTF-8 takes on the terminal. */
int text_width(const char *text);

/* Prints the text after the blanks that make it `columns` wide. */
void page_right(const struct page *page, const char *text, int columns);

/* The text, cut at `columns` with an ellipsis if it is wider; owned by the caller. */
char *fit_text(const struct page *page, const char *text, int columns);

/*
 * A bar as long as part / whole of `cells` columns, in eighths of a column (ASCII: whole ones). A
 * part that is not 0 always shows. The bar's text goes to `out`; the columns it takes are returned.
 */
#define BAR_MAX_CELLS 160
#define BAR_SIZE (BAR_MAX_CELLS * 3 + 1)
int make_bar(char out[BAR_SIZE], uint64_t part, uint64_t whole, int cells, bool ascii);

#endif
