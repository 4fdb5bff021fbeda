/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 gilscope contributors */
/* Finding out what works: each step fills its part of the result and prints nothing. */
#ifndef GILSCOPE_DOCTOR_H
#define GILSCOPE_DOCTOR_H

#include "report/doctor.h"

/* The machine and what we may do on it. */
void doctor_machine(struct doctor_result *result);

/* The process result->process.pid: its interpreter, plan, GILs, surroundings. */
void doctor_process(struct doctor_result *result);

/* gilscope's own programs, for the process if it has a plan: whether they load, what a hit costs.
 */
void doctor_programs(struct doctor_result *result);

#endif
