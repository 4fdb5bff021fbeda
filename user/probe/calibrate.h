/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 gilscope contributors */
#ifndef GILSCOPE_CALIBRATE_H
#define GILSCOPE_CALIBRATE_H

#include <stdint.h>

#include "probe/attach.h"

/*
 * What one hit of a probe costs on this machine, in ns, on an instruction that the kernel emulates
 * or single-steps: measured on our own code with a program that does what a release does, which
 * writes a record (`records`) or not. 0 if it cannot be measured. Takes a few milliseconds; the
 * probe stays attached until attachment_detach, since detaching is slow.
 */
uint64_t calibrate_probe(struct gil_bpf *skel, bool emulated, bool records,
			 struct attachment *attached);

#endif
