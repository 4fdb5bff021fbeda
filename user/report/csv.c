/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 gilscope contributors */
/*
 * The thread table as CSV: a heading, then a line for each process, thread (or group of them) and GIL, and one for each
 * process and GIL of threads that are told together. Times in ns, integers without separators, quoting
 * after RFC 4180, lines end with a line feed. A value that is not known, or that several threads do
 * not have, is an empty field.
 */
#include <inttypes.h>
#include <string.h>

#include "report/columns.h"
#include "report/view.h"

static void put_text(FILE *out, const char *text)
{
	if (!strpbrk(text, ",\"\r\n")) {
		fputs(text, out);
		return;
	}
	fputc('"', out);
	for (; *text; text++) {
		if (*text == '"')
			fputc('"', out);
		fputc(*text, out);
	}
	fputc('"', out);
}

static void put_field(FILE *out, const struct view_process *process, const struct column *column,
		      const struct view_thread *row)
{
	if (column->kind == COLUMN_NAME)
		put_text(out, column_text(column, row));
	else if ((!column->releases || process->sums.forced_known) &&
		 (!column->of_one || !row->thread->together))
		fprintf(out, "%" PRIu64, column_value(column, process, row->thread));
}

static void put_rows(FILE *out, const struct view_process *process, const struct view_thread *rows,
		     size_t row_count)
{
	size_t count;
	const struct column *columns = columns_all(&count);

	for (size_t r = 0; r < row_count; r++) {
		for (size_t i = 0; i < count; i++) {
			if (i)
				fputc(',', out);
			put_field(out, process, &columns[i], &rows[r]);
		}
		fputc('\n', out);
	}
}

static void put_process(FILE *out, const struct view_process *process)
{
	if (process->view->options->group)
		put_rows(out, process, process->groups, process->group_count);
	else
		put_rows(out, process, process->threads, process->thread_count);
	put_rows(out, process, process->exited, process->exited_count);
}

int report_csv(FILE *out, const struct view *view)
{
	size_t count;
	const struct column *columns = columns_all(&count);

	for (size_t i = 0; i < count; i++)
		fprintf(out, "%s%s", i ? "," : "", columns[i].key);
	fputc('\n', out);
	for (size_t p = 0; p < view->result->process_count; p++)
		put_process(out, &view->processes[p]);
	return 0;
}

void report_list_columns(FILE *out)
{
	size_t count;
	const struct column *columns = columns_all(&count);

	for (size_t i = 0; i < count; i++)
		fprintf(out, "%-20s %s\n", columns[i].key, columns[i].help);
}
