/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 gilscope contributors */
/* Telling forced releases from voluntary ones. */
#ifndef GILSCOPE_FORCED_H
#define GILSCOPE_FORCED_H

#include "probe/roles.h"

/*
 * Marks the release sites that the eval loop's own code holds or reaches, fills plan->returns with
 * the return addresses on the way, and sets plan->forced_known. Notes say why it is not known.
 */
void forced_find(struct planner *planner, struct graph *graph, struct gil_sites *sites);

#endif
