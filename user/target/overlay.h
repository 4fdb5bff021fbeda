/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 gilscope contributors */
#ifndef GILSCOPE_OVERLAY_H
#define GILSCOPE_OVERLAY_H

#include <stdio.h>
#include <sys/types.h>

/*
 * overlayfs copies a file of a lower layer up into the upper one when it is changed, be it its mode
 * or its time stamps. A process that has mapped it before goes on with the lower layer's file; who
 * opens it now, by whatever path, reaches the upper layer's.
 *
 * The path, from here, of the lower layer's file that stands under `path` in the mount namespace of
 * the process; owned by the caller. NULL: `path` is on no overlay, or no layer that we can reach has
 * it.
 */
char *overlay_lower_path(pid_t pid, const char *path);

/* The same with the text of /proc/PID/mountinfo. `root` comes before the path of each layer: "" but
 * for tests. */
char *overlay_find_lower(FILE *mountinfo, const char *path, const char *root);

#endif
