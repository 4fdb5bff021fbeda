/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 gilscope contributors */
#include <errno.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "report/view.h"

struct backend {
	int (*write)(FILE *out, const struct view *view);
	bool locale; /* read by people: the strings follow options.ascii; data is always UTF-8 */
};

static const struct backend backends[] = {
	[FORMAT_TEXT] = {report_text, true},
	[FORMAT_JSON] = {report_json, false},
	[FORMAT_CSV] = {report_csv, false},
};

int report_write(FILE *out, const struct result *result, const struct report_options *options)
{
	const struct backend *backend = &backends[options->format];
	struct view view;

	view_init(&view, result, options, backend->locale && options->ascii);
	errno = 0;
	int err = backend->write(out, &view);
	view_free(&view);
	if (err)
		return log_err(err, "the report could not be made: %s", strerror(-err));
	/* A failed write leaves the error in the stream, fflush may then succeed. */
	if (fflush(out) != 0 || ferror(out)) {
		err = errno ? errno : EIO;
		return log_err(-err, "the report could not be written: %s%s", strerror(err),
			       err == ENOSPC ? ": free some space or write it elsewhere" : "");
	}
	return 0;
}
