/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 gilscope contributors */
/*
 * Histograms of holds and waits over all threads, in rows of 1, 2, 5, 10, ... A row's edge is the
 * edge of a histogram bucket, the nearest one: within 1/64 of the time that is printed.
 */
#include "base/mem.h"
#include "report/format.h"
#include "report/text.h"

/* 1, 2, 5 for each power of ten up to 5 * 10^12 ns, beyond what a histogram tells apart */
enum {
	ROWS = 3 * 13,
	INDENT = 2,
	TIME = 6, /* "200 us" */
	LABEL = TIME + 3 + TIME,
	GAP = 3,
	SHARE = 8,
	MIN_BAR = 8, /* panels stand one below the other rather than have shorter bars */
	MAX_BAR = 40,
};

struct panel {
	const char *title;
	const struct hist *hist;
	uint64_t counts[ROWS];
	uint64_t largest;
	int count_width;
	int bar_width;
};

static uint64_t row_begin(int row)
{
	static const uint64_t steps[] = {1, 2, 5};
	uint64_t begin = steps[row % 3];

	for (int i = 0; i < row / 3; i++)
		begin *= 10;
	return begin;
}

/* The lower bound of a bucket that is nearest to `ns`; see model/hist.h for the buckets. */
static uint64_t nearest_bucket(uint64_t ns)
{
	uint64_t width = 2;

	while (width * HIST_SUB * 2 <= ns)
		width *= 2;
	return (ns + width / 2) / width * width;
}

static void fill_panel(struct panel *panel)
{
	panel->count_width = text_width(panel->title);
	for (int row = 0; row < ROWS; row++) {
		uint64_t from = row == 0 ? 0 : nearest_bucket(row_begin(row));
		uint64_t to = row + 1 < ROWS ? nearest_bucket(row_begin(row + 1)) : UINT64_MAX;

		panel->counts[row] = hist_count_between(panel->hist, from, to);
		if (panel->counts[row] > panel->largest)
			panel->largest = panel->counts[row];
	}
	int width = text_width(format_count(panel->largest).text);
	if (width > panel->count_width)
		panel->count_width = width;
}

/* Number of panels up to the last one that has something in this row. */
static size_t used_panels(const struct panel *panels, size_t count, int row)
{
	while (count > 0 && panels[count - 1].counts[row] == 0)
		count--;
	return count;
}

static void put_cell(const struct page *page, const struct panel *panel, int row, bool last)
{
	uint64_t n = panel->counts[row];
	char bar[BAR_SIZE];
	int used = make_bar(bar, n, panel->largest, panel->bar_width, page->ascii);

	fprintf(page->out, "%*s", GAP, "");
	page_right(page, n ? format_count(n).text : "", panel->count_width);
	page_right(page, n ? format_share(n, panel->hist->count).text : "", SHARE);
	fprintf(page->out, "  %s%*s", bar, last ? 0 : panel->bar_width - used, "");
}

static void put_row(const struct page *page, const struct panel *panels, size_t count, int row)
{
	size_t used = used_panels(panels, count, row);

	fprintf(page->out, "%*s", INDENT, "");
	page_right(page, row == 0 ? "0 ns" : format_round_time(row_begin(row), page->ascii).text,
		   TIME);
	fputs(" - ", page->out);
	page_right(page, format_round_time(row_begin(row + 1), page->ascii).text, TIME);
	for (size_t i = 0; i < used; i++)
		put_cell(page, &panels[i], row, i + 1 == used);
	fputc('\n', page->out);
}

static void put_titles(const struct page *page, const struct panel *panels, size_t count)
{
	fprintf(page->out, "%s%*s", page_bold(page), INDENT + LABEL, "");
	for (size_t i = 0; i < count; i++) {
		bool last = i + 1 == count;

		fprintf(page->out, "%*s%*s%*s", GAP, "", panels[i].count_width, panels[i].title,
			SHARE, "SHARE");
		fprintf(page->out, "%*s", last ? 0 : 2 + panels[i].bar_width, "");
	}
	fprintf(page->out, "%s\n", page_plain(page));
}

/* Width of the bars of panels that stand side by side. */
static int bar_width(const struct page *page, const struct panel *panels, size_t count)
{
	int room = page->width - INDENT - LABEL;

	for (size_t i = 0; i < count; i++)
		room -= GAP + panels[i].count_width + SHARE + 2;
	room /= (int)count;
	return room < MAX_BAR ? room : MAX_BAR;
}

static void put_panels(const struct page *page, struct panel *panels, size_t count)
{
	int first = 0, last = ROWS - 1;

	while (first < ROWS && used_panels(panels, count, first) == 0)
		first++;
	while (last >= first && used_panels(panels, count, last) == 0)
		last--;
	if (last < first)
		return;
	for (size_t i = 0; i < count; i++)
		panels[i].bar_width = bar_width(page, panels, count);
	put_titles(page, panels, count);
	for (int row = first; row <= last; row++)
		put_row(page, panels, count, row);
}

static void put_clipped(const struct page *page, const struct view *view)
{
	const struct view_clipped *hold = &view->sums.hold_clipped,
				  *wait = &view->sums.wait_clipped;

	if (!hold->count && !wait->count)
		return;
	page_paragraph(page, "", "", INDENT,
		       "Not in the histograms, because they were cut off: %s hold%s (%s), "
		       "%s wait%s (%s).",
		       format_count(hold->count).text, hold->count == 1 ? "" : "s",
		       format_time(hold->ns, page->ascii).text, format_count(wait->count).text,
		       wait->count == 1 ? "" : "s", format_time(wait->ns, page->ascii).text);
}

void text_histograms(const struct page *page, const struct view *view)
{
	struct panel panels[] = {
		{.title = "HOLDS", .hist = &view->hold},
		{.title = "WAITS", .hist = &view->wait},
	};

	page_heading(page, "Histograms", "complete holds and waits of all threads");
	for (size_t i = 0; i < ARRAY_SIZE(panels); i++)
		fill_panel(&panels[i]);
	if (bar_width(page, panels, ARRAY_SIZE(panels)) >= MIN_BAR)
		put_panels(page, panels, ARRAY_SIZE(panels));
	else
		for (size_t i = 0; i < ARRAY_SIZE(panels); i++)
			put_panels(page, &panels[i], 1);
	if (!view->hold.count && !view->wait.count)
		page_paragraph(page, "", "", INDENT,
			       "No hold or wait began and ended during the capture.");
	put_clipped(page, view);
}
