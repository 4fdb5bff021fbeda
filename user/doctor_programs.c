/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 gilscope contributors */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "doctor.h"
#include "probe/attach.h"
#include "probe/bpf_object.h"
#include "probe/calibrate.h"
#include "probe/features.h"
#include "report/format.h"

#define RING_SIZE (1ULL << 20)
#define MESSAGE_SIZE 2048

static void measure(struct doctor_result *result, struct gil_bpf *skel)
{
	struct attachment attached = {0};

	result->hit_ns = calibrate_probe(skel, true, true, &attached);
	result->stepped_hit_ns = calibrate_probe(skel, false, true, &attached);
	attachment_detach(&attached);
}

static char *cost_words(const struct doctor_result *result)
{
	if (!result->hit_ns)
		return xstrdup("could not be measured");
	return xasprintf(
		"%s on an instruction that the kernel emulates, %s on one that it single-steps",
		format_time(result->hit_ns, true).text,
		result->stepped_hit_ns ? format_time(result->stepped_hit_ns, true).text
				       : "an unknown time");
}

/* All of them: which of the two for a process's probes is needed, only its interpreter says. */
static int load(struct gil_bpf **skel)
{
	const struct bpf_object_options options = {.ring_size = RING_SIZE};
	struct gil_bpf *libc_entry = NULL;
	int err = bpf_object_open(&options, skel);

	if (!err)
		err = bpf_object_open_libc_entry(*skel, &libc_entry);
	bpf_object_close(libc_entry);
	if (err) {
		bpf_object_close(*skel);
		*skel = NULL;
	}
	return err;
}

void doctor_programs(struct doctor_result *result)
{
	struct doctor_checks *checks = &result->machine;
	char message[MESSAGE_SIZE] = "";
	struct gil_bpf *skel = NULL;

	if (features_filtered() & FILTERED_BPF) {
		doctor_checks_add(checks, "programs", "Own programs", CHECK_FAILED,
				  xstrdup("not tried, since a seccomp filter denies bpf"), NULL);
		return;
	}
	log_divert(message, sizeof(message));
	const int err = load(&skel);
	log_divert(NULL, 0);
	if (err) {
		doctor_checks_add(checks, "programs", "Own programs", CHECK_FAILED,
				  xstrdup(message), NULL);
		return;
	}
	doctor_checks_add(checks, "programs", "Own programs", CHECK_OK,
			  xstrdup("the kernel accepts them"), NULL);
	measure(result, skel);
	bpf_object_close(skel);
	doctor_checks_add(checks, "probe-cost", "Cost of a probe",
			  result->hit_ns ? CHECK_OK : CHECK_WARNING, cost_words(result), NULL);
}
