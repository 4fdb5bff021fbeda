/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 gilscope contributors */
#define _GNU_SOURCE
#include "probe/calibrate.h"

#include <link.h>
#include <stdlib.h>
#include <stdbool.h>

#include "base/clock.h"
#include "gil.skel.h"

#define BATCHES 40
#define BATCH_CALLS 25

/*
 * A function with two sites: a direct call, which the kernel emulates, as at the sites in CPython;
 * and a register move, which it single-steps.
 */
#if defined(__x86_64__)
__asm__(".pushsection .text\n"
	".type gilscope_calibration, @function\n"
	"gilscope_calibration:\n"
	"gilscope_calibration_emulated:\n"
	"	call 1f\n"
	"gilscope_calibration_stepped:\n"
	"	mov %eax, %eax\n"
	"	ret\n"
	"1:	ret\n"
	".size gilscope_calibration, . - gilscope_calibration\n"
	".popsection\n");
#elif defined(__aarch64__)
__asm__(".pushsection .text\n"
	".type gilscope_calibration, %function\n"
	"gilscope_calibration:\n"
	"	stp x29, x30, [sp, -16]!\n"
	"gilscope_calibration_emulated:\n"
	"	bl 1f\n"
	"gilscope_calibration_stepped:\n"
	"	mov x0, x0\n"
	"	ldp x29, x30, [sp], 16\n"
	"	ret\n"
	"1:	ret\n"
	".size gilscope_calibration, . - gilscope_calibration\n"
	".popsection\n");
#else
#error "no calibration call for this architecture"
#endif
void gilscope_calibration(void);
extern const char gilscope_calibration_emulated[];
extern const char gilscope_calibration_stepped[];

struct own_offset {
	uintptr_t address;
	uint64_t offset;
	bool found;
};

static int find_offset(struct dl_phdr_info *info, size_t size, void *ctx)
{
	struct own_offset *own = ctx;

	(void)size;
	for (int i = 0; i < info->dlpi_phnum; i++) {
		const ElfW(Phdr) *p = &info->dlpi_phdr[i];
		const uintptr_t begin = info->dlpi_addr + p->p_vaddr;

		if (p->p_type != PT_LOAD || own->address < begin ||
		    own->address - begin >= p->p_filesz)
			continue;
		own->offset = own->address - begin + p->p_offset;
		own->found = true;
		return 1;
	}
	return 0;
}

static uint64_t time_batch(void)
{
	const uint64_t begin = clock_mono_ns();

	for (int i = 0; i < BATCH_CALLS; i++)
		gilscope_calibration();
	return clock_mono_ns() - begin;
}

static int compare(const void *a, const void *b)
{
	const uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

/* The lower quartile: a batch that was preempted says nothing of the cost, and there may be many. */
static uint64_t usual_batch(void)
{
	uint64_t times[BATCHES];

	for (int i = 0; i < BATCHES; i++)
		times[i] = time_batch();
	qsort(times, BATCHES, sizeof(times[0]), compare);
	return times[BATCHES / 4];
}

uint64_t calibrate_probe(struct gil_bpf *skel, bool emulated, bool records,
			 struct attachment *attached)
{
	struct own_offset own = {.address = (uintptr_t)(emulated ? gilscope_calibration_emulated
								 : gilscope_calibration_stepped)};

	dl_iterate_phdr(find_offset, &own);
	if (!own.found)
		return 0;
	skel->bss->calibrate_records = records;
	const uint64_t before = usual_batch();
	if (attachment_attach_self(attached, skel, own.offset))
		return 0;
	const uint64_t probed = usual_batch();
	return probed > before ? (probed - before) / BATCH_CALLS : 0;
}
