/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 gilscope contributors */
/*
 * Names of functions, for people: no probe depends on them. They come from the first of these that
 * has them: the file's own .symtab; its separate debug file (debug_file.h), below the target's root
 * and then below ours; its .gnu_debugdata; debuginfod, if DEBUGINFOD_URLS is set. Finding them can
 * take seconds, so nothing is looked for before the first question, which is best asked after the
 * capture.
 */
#ifndef GILSCOPE_SYMBOLS_H
#define GILSCOPE_SYMBOLS_H

#include <stdint.h>
#include <sys/types.h>

#include "target/elf_image.h"

enum symbols_source {
	SYMBOLS_NONE, /* exported functions (.dynsym) have names all the same */
	SYMBOLS_SYMTAB,
	SYMBOLS_DEBUGDATA,
	SYMBOLS_DEBUGFILE,
	SYMBOLS_DEBUGINFOD,
};
/* "none", "symtab", "debugdata", "debugfile", "debuginfod" */
const char *symbols_source_name(enum symbols_source source);

struct symbols;

/*
 * The names of a file that is `path` below the directory `root`: a descriptor of it, which becomes
 * the symbols'; -1: our own root. Looks for nothing yet. One more owner of `image`. Free with
 * symbols_free.
 */
struct symbols *symbols_new(struct elf_image *image, const char *path, int root);

/* The same for a file that a running process maps; NULL if that has no image. They can be asked
 * when the process has ended, but mounts in a root of its own may be gone then. */
struct mapped_file;
struct symbols *symbols_of(const struct mapped_file *file, pid_t pid);
void symbols_free(struct symbols *symbols);

/*
 * Name of the function that holds an address of the file, NULL if nothing tells. Lives as long as
 * the symbols. `symbols` may be NULL, which knows no names. The first call of one of these looks
 * for the names: it reads files, and asks debuginfod for at most DEBUGINFOD_MAXTIME seconds (20 if
 * that is not set).
 */
const char *symbols_name(struct symbols *symbols, uint64_t vaddr);
enum symbols_source symbols_source(struct symbols *symbols);

/* What a reader of the report should know of where the names are from, a sentence, or NULL. Lives
 * as long as the symbols. */
const char *symbols_note(struct symbols *symbols);

#endif
