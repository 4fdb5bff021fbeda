/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 gilscope contributors */
#include <locale.h>

#include "cmd_stat.h"
#include "options.h"

int main(int argc, char **argv)
{
	struct options options;

	setlocale(LC_ALL, "");
	setlocale(LC_NUMERIC, "C"); /* numbers in durations and reports have a point everywhere */
	options_parse(argc, argv, &options);
	return cmd_stat(&options);
}
