/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 gilscope contributors */
#include <locale.h>
#include <string.h>

#include "cmd_doctor.h"
#include "cmd_stat.h"
#include "options.h"

int main(int argc, char **argv)
{
	struct options options;

	setlocale(LC_ALL, "");
	setlocale(LC_NUMERIC, "C"); /* numbers in durations and reports have a point everywhere */
	if (argc > 1 && !strcmp(argv[1], "doctor"))
		return cmd_doctor(argc - 1, argv + 1);
	options_parse(argc, argv, &options);
	return cmd_stat(&options);
}
