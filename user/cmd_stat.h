/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 gilscope contributors */
#ifndef GILSCOPE_CMD_STAT_H
#define GILSCOPE_CMD_STAT_H

#include "options.h"

/* Captures, then reports. The exit status of the program. */
int cmd_stat(const struct options *options);

#endif
