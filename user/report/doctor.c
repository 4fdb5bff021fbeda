/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 gilscope contributors */
#include "report/doctor.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"

const char *check_status_name(enum check_status status)
{
	static const char *const names[] = {
		[CHECK_OK] = "ok", [CHECK_WARNING] = "warning", [CHECK_FAILED] = "failed"};

	return names[status];
}

void doctor_checks_add(struct doctor_checks *checks, const char *id, const char *title,
		       enum check_status status, char *detail, char *advice)
{
	*VEC_PUSH(checks) = (struct doctor_check){
		.id = id,
		.title = title,
		.status = status,
		.detail = detail,
		.advice = advice ? advice : xstrdup(""),
	};
}

size_t doctor_checks_count(const struct doctor_checks *checks, enum check_status status)
{
	size_t count = 0;

	for (size_t i = 0; i < checks->count; i++)
		count += checks->items[i].status == status;
	return count;
}

void doctor_checks_free(struct doctor_checks *checks)
{
	for (size_t i = 0; i < checks->count; i++) {
		free(checks->items[i].detail);
		free(checks->items[i].advice);
	}
	free(checks->items);
	memset(checks, 0, sizeof(*checks));
}

bool doctor_works(const struct doctor_result *result)
{
	return !doctor_checks_count(&result->machine, CHECK_FAILED) &&
	       !doctor_checks_count(&result->process.checks, CHECK_FAILED);
}

int doctor_write(FILE *out, const struct doctor_result *result,
		 const struct report_options *options)
{
	errno = 0;
	int err = options->format == FORMAT_JSON ? doctor_json(out, result, options)
						 : doctor_text(out, result, options);

	if (err)
		return log_err(err, "the checklist could not be made: %s", strerror(-err));
	/* A failed write leaves the error in the stream, fflush may then succeed. */
	if (fflush(out) != 0 || ferror(out)) {
		err = errno ? errno : EIO;
		return log_err(-err, "the checklist could not be written: %s%s", strerror(err),
			       err == ENOSPC ? ": free some space or write it elsewhere" : "");
	}
	return 0;
}
