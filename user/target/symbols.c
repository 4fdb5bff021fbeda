/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 gilscope contributors */
#define _GNU_SOURCE
#include "target/symbols.h"

#include <elfutils/libdwfl.h>
#include <errno.h>
#include <fcntl.h>
#include <gelf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "target/debug_file.h"
#include "target/target.h"

struct symbols {
	struct elf_image *image;
	char *path;
	int root;
	char *note;

	bool loaded;
	enum symbols_source source;
	enum symbols_source separate; /* kind of the separate file that find_debuginfo opened */
	Dwfl *dwfl;
	Dwfl_Module *module; /* NULL: there are no names */
	Dwfl_Callbacks callbacks;
	char *debuginfo_path; /* of libdwfl's own search */
};

const char *symbols_source_name(enum symbols_source source)
{
	switch (source) {
	case SYMBOLS_SYMTAB:
		return "symtab";
	case SYMBOLS_DEBUGDATA:
		return "debugdata";
	case SYMBOLS_DEBUGFILE:
		return "debugfile";
	case SYMBOLS_DEBUGINFOD:
		return "debuginfod";
	case SYMBOLS_NONE:
		break;
	}
	return "none";
}

struct symbols *symbols_new(struct elf_image *image, const char *path, int root)
{
	struct symbols *symbols = xcalloc(1, sizeof(*symbols));

	symbols->image = elf_image_share(image);
	symbols->path = xstrdup(path);
	symbols->root = root;
	return symbols;
}

/* The root directory of the process, -1 if its paths lead to the same files from here. */
static int open_root(pid_t pid)
{
	char *root = xasprintf("/proc/%d/root", pid), *mounts = xasprintf("/proc/%d/ns/mnt", pid);
	struct stat own_root, its_root, own_mounts, its_mounts;
	int fd = -1;

	if (stat("/", &own_root) || stat(root, &its_root) ||
	    stat("/proc/self/ns/mnt", &own_mounts) || stat(mounts, &its_mounts) ||
	    own_root.st_dev != its_root.st_dev || own_root.st_ino != its_root.st_ino ||
	    own_mounts.st_ino != its_mounts.st_ino)
		fd = open(root, O_PATH | O_DIRECTORY | O_CLOEXEC);
	free(root);
	free(mounts);
	return fd;
}

struct symbols *symbols_of(const struct mapped_file *file, pid_t pid)
{
	return file->image ? symbols_new(file->image, file->path, open_root(pid)) : NULL;
}

void symbols_free(struct symbols *symbols)
{
	if (!symbols)
		return;
	if (symbols->dwfl)
		dwfl_end(symbols->dwfl);
	if (symbols->root >= 0)
		close(symbols->root);
	elf_image_close(symbols->image);
	free(symbols->debuginfo_path);
	free(symbols->note);
	free(symbols->path);
	free(symbols);
}

static int find_on_disk(const struct symbols *symbols)
{
	int fd = -1;

	if (symbols->root >= 0)
		fd = debug_file_find(symbols->image, symbols->path, symbols->root);
	if (fd < 0) {
		const int own = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
		fd = debug_file_find(symbols->image, symbols->path, own);
		close(own);
	}
	return fd;
}

static bool has_debugdata(const struct elf_image *image)
{
	Elf *elf = elf_image_libelf(image);
	Elf_Scn *section = NULL;
	GElf_Shdr shdr;
	size_t names;

	if (elf_getshdrstrndx(elf, &names))
		return false;
	while ((section = elf_nextscn(elf, section))) {
		const char *name =
			gelf_getshdr(section, &shdr) ? elf_strptr(elf, names, shdr.sh_name) : NULL;
		if (name && !strcmp(name, ".gnu_debugdata"))
			return true;
	}
	return false;
}

/* What libdebuginfod has no limit for by itself, in seconds. */
#define MAX_DOWNLOAD "20"

/*
 * Asks the servers of DEBUGINFOD_URLS; libdwfl does so last, after a search of its own, which finds
 * nothing because it is given no path. A descriptor or -1.
 */
static int download(struct symbols *symbols, Dwfl_Module *module)
{
	char *found = NULL;

	setenv("DEBUGINFOD_MAXTIME", MAX_DOWNLOAD, 0);
	/* Somebody waits for the report. */
	if (isatty(STDERR_FILENO) || log_get_level() >= LOG_INFO)
		fprintf(stderr,
			"gilscope: asking debuginfod for names of functions in %s (at most %s s)\n",
			symbols->path, getenv("DEBUGINFOD_MAXTIME"));
	int fd = dwfl_standard_find_debuginfo(module, NULL, NULL, 0, NULL, NULL, 0, &found);
	free(found);
	if (fd < 0) {
		symbols->note = xasprintf("debuginfod has given no names of functions for %s: %s",
					  symbols->path, strerror(-fd));
		return -1;
	}
	if (!debug_file_matches(symbols->image, fd)) {
		symbols->note = xasprintf("what debuginfod has given for %s belongs to another "
					  "build, so it is not used",
					  symbols->path);
		close(fd);
		return -1;
	}
	symbols->note = xasprintf("names of functions in %s are from debuginfod", symbols->path);
	return fd;
}

/* A download is for what has no names otherwise, and for who has asked for it. */
static bool may_download(const struct elf_image *image)
{
	const char *urls = getenv("DEBUGINFOD_URLS");

	return urls && urls[0] && elf_image_build_id(image)[0] && !has_debugdata(image);
}

/* libdwfl calls it if the file has no .symtab, once. */
static int find_debuginfo(Dwfl_Module *module, void **userdata, const char *name, Dwarf_Addr base,
			  const char *file, const char *link, GElf_Word checksum, char **found)
{
	struct symbols *symbols = *userdata;

	(void)name;
	(void)base;
	(void)file;
	(void)link;
	(void)checksum;
	*found = NULL;
	int fd = find_on_disk(symbols);
	symbols->separate = SYMBOLS_DEBUGFILE;
	if (fd < 0 && may_download(symbols->image)) {
		fd = download(symbols, module);
		symbols->separate = SYMBOLS_DEBUGINFOD;
	}
	if (fd < 0)
		symbols->separate = SYMBOLS_NONE;
	return fd;
}

/* Where the functions' names are from, of those that the module has now. */
static enum symbols_source source_of(const struct symbols *symbols)
{
	GElf_Addr bias;
	Elf *own = dwfl_module_getelf(symbols->module, &bias);
	const int count = dwfl_module_getsymtab(symbols->module);

	if (elf_image_has_symtab(symbols->image))
		return SYMBOLS_SYMTAB;
	for (int i = 1; i < count; i++) {
		GElf_Sym symbol;
		GElf_Addr vaddr;
		Elf *from = own;

		if (dwfl_module_getsym_info(symbols->module, i, &symbol, &vaddr, NULL, &from,
					    NULL) &&
		    from != own && GELF_ST_TYPE(symbol.st_info) == STT_FUNC)
			return symbols->separate ? symbols->separate : SYMBOLS_DEBUGDATA;
	}
	return SYMBOLS_NONE;
}

static Dwfl_Module *report_module(struct symbols *symbols)
{
	void **userdata;
	/* libdwfl takes the descriptor; the file may have no path any more. */
	const int fd = fcntl(elf_image_fd(symbols->image), F_DUPFD_CLOEXEC, 0);

	dwfl_report_begin(symbols->dwfl);
	Dwfl_Module *module =
		dwfl_report_elf(symbols->dwfl, symbols->path, symbols->path, fd, 0, true);
	if (!module)
		close(fd);
	if (dwfl_report_end(symbols->dwfl, NULL, NULL) || !module)
		return NULL;
	dwfl_module_info(module, &userdata, NULL, NULL, NULL, NULL, NULL, NULL);
	*userdata = symbols;
	return module;
}

static void load(struct symbols *symbols)
{
	symbols->loaded = true;
	symbols->debuginfo_path = xstrdup(":");
	symbols->callbacks = (Dwfl_Callbacks){.find_debuginfo = find_debuginfo,
					      .debuginfo_path = &symbols->debuginfo_path};
	symbols->dwfl = dwfl_begin(&symbols->callbacks);
	if (symbols->dwfl)
		symbols->module = report_module(symbols);
	if (symbols->module)
		symbols->source = source_of(symbols);
}

const char *symbols_name(struct symbols *symbols, uint64_t vaddr)
{
	GElf_Off offset;
	GElf_Sym symbol;

	if (symbols && !symbols->loaded)
		load(symbols);
	if (!symbols || !symbols->module)
		return NULL;
	const char *name =
		dwfl_module_addrinfo(symbols->module, vaddr, &offset, &symbol, NULL, NULL, NULL);
	/* libdwfl also takes the nearest symbol before that has no size. */
	return name && GELF_ST_TYPE(symbol.st_info) == STT_FUNC && offset < symbol.st_size ? name
											   : NULL;
}

enum symbols_source symbols_source(struct symbols *symbols)
{
	if (symbols && !symbols->loaded)
		load(symbols);
	return symbols ? symbols->source : SYMBOLS_NONE;
}

const char *symbols_note(struct symbols *symbols)
{
	if (symbols && !symbols->loaded)
		load(symbols);
	return symbols ? symbols->note : NULL;
}
