/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 gilscope contributors */
#ifndef GILSCOPE_CMD_DOCTOR_H
#define GILSCOPE_CMD_DOCTOR_H

/* Says what works here and what does not, argv[0] being "doctor". The exit status of the program: 0
 * only if a capture would work. */
int cmd_doctor(int argc, char **argv);

#endif
