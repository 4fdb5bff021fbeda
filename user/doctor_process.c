/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 gilscope contributors */
#define _GNU_SOURCE
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "doctor.h"
#include "probe/code.h"
#include "probe/features.h"
#include "probe/names.h"
#include "report/format.h"
#include "target/process.h"

#define MESSAGE_SIZE 2048

static void add(struct doctor_process *p, const char *id, const char *title,
		enum check_status status, char *detail, char *advice)
{
	doctor_checks_add(&p->checks, id, title, status, detail, advice);
}

/* A check whose message, if it failed, says what failed, why and what to do. */
static void add_message(struct doctor_process *p, const char *id, const char *title,
			const char *message)
{
	add(p, id, title, CHECK_FAILED, xstrdup(message), NULL);
}

static bool resolve(struct doctor_process *p)
{
	char message[MESSAGE_SIZE] = "";
	struct process_status status;

	log_divert(message, sizeof(message));
	const int err = target_resolve(p->pid, &p->target);
	log_divert(NULL, 0);
	if (err) {
		add_message(p, "process", "Process", message);
		return false;
	}
	if (process_status(p->pid, &status))
		memset(&status, 0, sizeof(status));
	add(p, "process", "Process", CHECK_OK,
	    xasprintf("%s, user %u, %d thread%s", p->target.exe, status.uid, status.threads,
		      status.threads == 1 ? "" : "s"),
	    NULL);
	return true;
}

static void check_interpreter(struct doctor_process *p)
{
	const struct target *t = &p->target;

	add(p, "interpreter", "Interpreter", CHECK_OK,
	    xasprintf("CPython %s, %s, %s%s, %s", t->version.text,
		      t->free_threaded ? "free-threaded" : "with a GIL",
		      t->is_static ? "static" : "shared", t->stripped ? ", stripped" : "",
		      strcmp(t->libc_kind, "none") != 0 ? t->libc_kind : "no shared libc"),
	    NULL);
}

static void check_file(struct doctor_process *p)
{
	const char *path = p->target.python.path;

	switch (p->surroundings.file) {
	case FILE_SAME:
		add(p, "file", "File", CHECK_OK, xstrdup(path), NULL);
		break;
	case FILE_GONE:
		add(p, "file", "File", CHECK_OK,
		    xasprintf(
			    "%s, deleted or replaced since the process began: the one that it runs is "
			    "used, through /proc/%d/map_files",
			    path, (int)p->pid),
		    NULL);
		break;
	case FILE_UNKNOWN:
		add(p, "file", "File", CHECK_WARNING,
		    xasprintf("%s; whether it is still what the process runs cannot be told", path),
		    NULL);
		break;
	}
}

static void check_container(struct doctor_process *p)
{
	const struct surroundings *s = &p->surroundings;
	char *text = xstrdup("");

	for (enum namespace_kind kind = 0; kind < NAMESPACE_COUNT; kind++) {
		if (!s->other[kind])
			continue;
		char *longer = xasprintf("%s%s%s namespace", text, text[0] ? ", " : "another ",
					 namespace_name(kind));
		free(text);
		text = longer;
	}
	add(p, "container", "Container", CHECK_OK,
	    xasprintf("%s%s", text[0] ? text : "none: in our own namespaces",
		      s->overlay ? "; its interpreter is on an overlay file system" : ""),
	    NULL);
	free(text);
	add(p, "shadow-stack", "Shadow stack", CHECK_OK, xstrdup(s->shadow_stack ? "on" : "off"),
	    NULL);
}

/* The notes as one text of sentences. */
static char *join_notes(const struct probe_plan *plan)
{
	char *text = xstrdup("");

	for (size_t i = 0; i < plan->note_count; i++) {
		char *longer = xasprintf("%s%s%s", text, i ? "; " : "", plan->notes[i]);
		free(text);
		text = longer;
	}
	return text;
}

static void check_plan(struct doctor_process *p)
{
	const struct plan_request request = {
		.python = p->target.python.image,
		.libc = p->target.libc.image,
		.version_minor = p->target.version.minor,
	};
	struct probe_plan *plan = &p->plan;
	const int err = plan_probes(&request, plan);
	const bool libc = plan->method == PLAN_LIBC_ENTRY;
	char *notes = join_notes(plan);
	size_t emulated = 0;

	for (size_t i = 0; i < plan->site_count; i++)
		emulated += plan->sites[i].emulated;
	if (err)
		add(p, "plan", "Probe sites", CHECK_FAILED,
		    xasprintf("where it takes and drops its GIL cannot be found: %s", notes),
		    xstrdup("please report it with the file's build-id"));
	else
		add(p, "plan", "Probe sites", libc || plan->note_count ? CHECK_WARNING : CHECK_OK,
		    xasprintf("%zu at %s, %zu of them emulated by the kernel%s%s", plan->site_count,
			      libc ? "the entries of libc's functions" : "CPython's own call sites",
			      emulated, notes[0] ? ": " : "", notes),
		    NULL);
	free(notes);
}

static void check_code(struct doctor_process *p)
{
	char message[MESSAGE_SIZE] = "";

	log_divert(message, sizeof(message));
	const int err = code_compare(&p->target, &p->plan);
	log_divert(NULL, 0);
	if (err)
		add_message(p, "code", "Code in memory", message);
	else
		add(p, "code", "Code in memory", CHECK_OK, xstrdup("the same as in the file"),
		    NULL);
}

/* The same file and offsets, for our own process, which does not run them. */
static void check_attach(struct doctor_process *p)
{
	const struct mapped_file *file = code_file(&p->target, &p->plan);
	uint64_t offsets[PLAN_MAX_SITES];

	for (size_t i = 0; i < p->plan.site_count; i++)
		offsets[i] = p->plan.sites[i].offset;
	const int err = feature_attach(file->open_path, offsets, p->plan.site_count);
	if (err)
		add(p, "attach", "Attaching", CHECK_FAILED,
		    xasprintf("the kernel does not take probes in %s: %s", file->path,
			      strerror(-err)),
		    xstrdup("see what failed above; some file systems take none"));
	else
		add(p, "attach", "Attaching", CHECK_OK,
		    xstrdup("tried on its file, for gilscope's own process"), NULL);
}

static void check_gils(struct doctor_process *p)
{
	const int count = target_read_gils(&p->target, p->gils, ARRAY_SIZE(p->gils));
	size_t interpreters = 0;

	p->gil_count = count > 0 ? (size_t)count : 0;
	for (size_t i = 0; i < p->gil_count; i++)
		interpreters += p->gils[i].interp_count;
	if (count < 0)
		add(p, "gils", "GILs", CHECK_FAILED, xstrdup("its memory cannot be read"),
		    xstrdup("see what failed above, or the process has ended"));
	else if (!count)
		add(p, "gils", "GILs", CHECK_OK,
		    xstrdup("none yet, since the interpreter has not begun"), NULL);
	else
		add(p, "gils", "GILs", CHECK_OK,
		    xasprintf("%zu, of %zu interpreter%s; switch interval %s", p->gil_count,
			      interpreters, interpreters == 1 ? "" : "s",
			      format_round_time(p->gils[0].switch_interval_ns, true).text),
		    NULL);
}

/* CPython gives the kernel the names of its threads from 3.14 on. */
#define NAMES_IN_KERNEL_MINOR 14

static void check_thread_names(struct doctor_process *p)
{
	const bool passed = p->target.version.minor >= NAMES_IN_KERNEL_MINOR;

	add(p, "thread-names", "Thread names", CHECK_OK,
	    xstrdup(passed ? "the kernel's, which CPython sets"
			   : "the kernel's: the process's own unless the program sets them (CPython sets "
			     "them from 3.14 on)"),
	    NULL);
}

static const char *names_source(enum symbols_source source)
{
	switch (source) {
	case SYMBOLS_SYMTAB:
		return "from the file's .symtab";
	case SYMBOLS_DEBUGDATA:
		return "from the file's .gnu_debugdata";
	case SYMBOLS_DEBUGFILE:
		return "from its separate debug file";
	case SYMBOLS_DEBUGINFOD:
		return "from debuginfod";
	case SYMBOLS_NONE:
		break;
	}
	return "exported ones only: the file is stripped (probes need none)";
}

static void check_function_names(struct doctor_process *p)
{
	struct symbols *python = symbols_of(&p->target.python, p->target.pid);
	struct symbols *libc = symbols_of(&p->target.libc, p->target.pid);

	plan_name_sites(&p->plan, python, libc);
	symbols_free(python);
	symbols_free(libc);
	add(p, "function-names", "Function names", CHECK_OK, xstrdup(names_source(p->plan.symbols)),
	    NULL);
}

void doctor_process(struct doctor_result *result)
{
	struct doctor_process *p = &result->process;
	const bool readable = !(features_filtered() & FILTERED_PROCESS_READ);

	if (!resolve(p))
		return;
	p->resolved = true;
	surroundings_read(&p->target, &p->surroundings);
	check_interpreter(p);
	check_file(p);
	check_container(p);
	check_plan(p);
	check_thread_names(p);
	check_function_names(p);
	if (readable)
		check_gils(p);
	if (readable && p->plan.site_count)
		check_code(p);
	if (p->plan.site_count)
		check_attach(p);
}
