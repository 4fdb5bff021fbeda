/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 gilscope contributors */
/*
 * empty_probes OBJECT PID FILE OFFSET...: attaches an empty program to the offsets as gilscope
 * attaches its own, prints "attached" and stays until stdin ends: the cost below which no tool that
 * sees each event can get.
 */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "base/log.h"
#include "probe/multi.h"

#define MAX_OFFSETS 64

int main(int argc, char **argv)
{
	uint64_t offsets[MAX_OFFSETS];
	size_t count = 0;

	if (argc < 5 || argc - 4 > MAX_OFFSETS)
		return log_err(2, "usage: empty_probes OBJECT PID FILE OFFSET...");
	for (int i = 4; i < argc; i++)
		offsets[count++] = strtoull(argv[i], NULL, 0);

	const bool multi = multi_supported();
	const pid_t pid = atoi(argv[2]);
	struct bpf_object *object = bpf_object__open_file(argv[1], NULL);
	struct bpf_program *program = object ? bpf_object__next_program(object, NULL) : NULL;
	if (program && multi)
		bpf_program__set_expected_attach_type(program, MULTI_ATTACH_TYPE);
	if (!program || bpf_object__load(object))
		return log_err(1, "cannot load %s", argv[1]);
	bool ok = true;
	if (multi)
		ok = multi_attach(bpf_program__fd(program), argv[3], offsets, count, pid) >= 0;
	for (size_t i = 0; i < count && !multi; i++)
		ok = ok && bpf_program__attach_uprobe(program, false, pid, argv[3], offsets[i]);
	if (!ok)
		return log_err(1, "cannot attach to %s", argv[3]);
	puts("attached");
	fflush(stdout);
	char byte;
	while (read(STDIN_FILENO, &byte, 1) > 0)
		;
	return 0;
}
