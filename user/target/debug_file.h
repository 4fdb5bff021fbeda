/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 gilscope contributors */
/*
 * The separate debug file of an ELF file, where distributions and gdb keep it: by build-id in
 * /usr/lib/debug/.build-id, or by the name in .gnu_debuglink beside the file, in .debug there, or
 * below /usr/lib/debug.
 */
#ifndef GILSCOPE_DEBUG_FILE_H
#define GILSCOPE_DEBUG_FILE_H

#include <stdbool.h>

#include "target/elf_image.h"

/*
 * Looks below the directory `root` (a descriptor; links are followed as from inside of it) for the
 * debug file of `image`, which is `path` there. A read-only descriptor, owned by the caller; -1:
 * there is none. No message.
 */
int debug_file_find(const struct elf_image *image, const char *path, int root);

/*
 * Whether the open file `fd` is the debug file of `image` and names functions: it has the same
 * build-id or, if `image` has none, the checksum that its .gnu_debuglink says.
 */
bool debug_file_matches(const struct elf_image *image, int fd);

#endif
