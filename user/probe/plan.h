/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 gilscope contributors */
/*
 * The probe plan: where to probe, proven from the code of the file. A pure function of its
 * arguments: no process, no kernel, no messages.
 */
#ifndef GILSCOPE_PLAN_H
#define GILSCOPE_PLAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "target/elf_image.h"
#include "target/symbols.h"

#define PLAN_MAX_SITES 64
#define PLAN_MAX_RETURNS 32

/* What a hit at a site means. */
enum probe_role {
	ROLE_WAIT,	  /* call pthread_cond_timedwait(&gil->cond, ...) in take_gil */
	ROLE_ACQUIRE,	  /* call pthread_cond_signal(&gil->switch_cond) in take_gil */
	ROLE_RELEASE,	  /* call pthread_cond_signal(&gil->cond) in a copy of drop_gil */
	ROLE_LIBC_WAIT,	  /* entry of libc's pthread_cond_timedwait */
	ROLE_LIBC_SIGNAL, /* entry of libc's pthread_cond_signal: acquire or release, by its
			     argument */
};
const char *probe_role_name(
	enum probe_role role); /* "wait", "acquire", "release", "libc-wait", "libc-signal" */

enum plan_method { PLAN_CALL_SITES, PLAN_LIBC_ENTRY };
const char *plan_method_name(enum plan_method method); /* "call-sites", "libc-entry" */

struct probe_site {
	enum probe_role role;
	uint64_t vaddr;
	uint64_t offset;   /* in the file */
	uint8_t bytes[16]; /* what stands there, to compare with the process's memory */
	uint8_t length;	   /* of the instruction */
	char insn[64];	   /* disassembled, for people: "call 0x41d0f0" */
	char function[64]; /* name of the function that holds it, "" if not known; see names.h */
	bool emulated;	   /* the kernel emulates it (cheap), else single-steps a copy of it */
	bool forced;  /* ROLE_RELEASE: it stands in the eval loop's own code, so its releases are
			 forced */
	bool has_cfa; /* releases and libc entries only */
	uint32_t cfa_offset;   /* if has_cfa: CFA - sp at this instruction */
	uint32_t return_below; /* and the return address of the function = *(CFA - return_below);
				  0: it is in the link register */
};

/*
 * A return address on the way from the eval loop to a release. At a release the return address is
 * looked up here: `forced`: the caller is the eval loop; otherwise the next return address stands
 * return_below bytes below the caller's CFA, which is sp + cfa_offset, where sp is the stack pointer
 * just after that return: the CFA of the function that returned. A return address that is not
 * listed means voluntary.
 */
struct plan_return {
	uint64_t vaddr;
	bool forced;
	uint32_t cfa_offset;
	uint32_t return_below; /* never 0 unless forced */
};

struct probe_plan {
	enum plan_method method;
	struct probe_site sites[PLAN_MAX_SITES];
	size_t site_count;
	struct plan_return returns[PLAN_MAX_RETURNS];
	size_t return_count;
	bool forced_known;	     /* forced and voluntary releases can be told apart */
	enum symbols_source symbols; /* where the interpreter's names are from; see names.h */
	char **notes; /* reasons for every fallback and doubt, sentences for people */
	size_t note_count;
};

struct plan_request {
	const struct elf_image *python; /* the file that holds _PyRuntime */
	const struct elf_image
		*libc;	   /* the file that exports pthread_cond_signal; NULL: none is mapped */
	int version_minor; /* of CPython 3.x */
	bool force_libc;   /* the user asked for the libc-entry probes */
};

/*
 * Makes the plan. 0; -ENOENT if the GIL's code cannot be found in any way (the notes say why);
 * -ENOTSUP for a machine that is not known, or code that spans more than 4 GB. `plan` is valid in each case; free it with plan_free.
 */
int plan_probes(const struct plan_request *request, struct probe_plan *plan);
void plan_free(struct probe_plan *plan);

#endif
