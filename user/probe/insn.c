/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 gilscope contributors */
#include "probe/insn.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "probe/insn_private.h"

static const struct machine *const machines[] = {&machine_x86, &machine_arm64};

static const struct machine *machine_of(const struct elf_image *image)
{
	for (size_t i = 0; i < ARRAY_SIZE(machines); i++) {
		if (machines[i]->elf_machine == elf_image_machine(image))
			return machines[i];
	}
	return NULL;
}

/* False if it is more than the index has numbers for: no linker makes that, since branches do not
 * reach as far. */
static bool find_code(struct decoder *d)
{
	d->segment_count = elf_image_segments(d->image, &d->segments);
	d->code_begin = UINT64_MAX;
	for (size_t i = 0; i < d->segment_count; i++) {
		const struct elf_segment *s = &d->segments[i];

		if (!s->executable)
			continue;
		if (s->vaddr < d->code_begin)
			d->code_begin = s->vaddr;
		if (s->vaddr + s->filesz > d->code_end)
			d->code_end = s->vaddr + s->filesz;
	}
	return d->code_end < d->code_begin || d->code_end - d->code_begin <= UINT32_MAX;
}

int decoder_open(const struct elf_image *image, struct decoder **out)
{
	const struct machine *machine = machine_of(image);

	*out = NULL;
	if (!machine)
		return -ENOTSUP;
	struct decoder *d = xcalloc(1, sizeof(*d));
	d->image = image;
	d->machine = machine;
	if (!find_code(d) || cs_open(machine->arch, machine->mode, &d->capstone) != CS_ERR_OK) {
		free(d);
		return -ENOTSUP;
	}
	cs_option(d->capstone, CS_OPT_DETAIL, CS_OPT_ON);
	d->insn = cs_malloc(d->capstone);
	cs_option(d->capstone, CS_OPT_DETAIL, CS_OPT_OFF);
	*out = d;
	return 0;
}

void decoder_close(struct decoder *decoder)
{
	if (!decoder)
		return;
	cs_free(decoder->insn, 1);
	cs_close(&decoder->capstone);
	for (size_t i = 0; i < REF_KINDS; i++)
		free(decoder->index[i].items);
	free(decoder);
}

const uint8_t *decoder_code(const struct decoder *decoder, uint64_t vaddr, size_t *size)
{
	for (size_t i = 0; i < decoder->segment_count; i++) {
		const struct elf_segment *s = &decoder->segments[i];
		const uint64_t at = vaddr - s->vaddr;

		if (!s->executable || vaddr < s->vaddr || at >= s->filesz)
			continue;
		*size = s->filesz - at;
		return elf_image_bytes(decoder->image, vaddr, *size);
	}
	return NULL;
}

bool decoder_decode(struct decoder *decoder, uint64_t vaddr)
{
	size_t size;
	const uint8_t *code = decoder_code(decoder, vaddr, &size);

	return code && cs_disasm_iter(decoder->capstone, &code, &size, &vaddr, decoder->insn);
}

bool decoder_insn(struct decoder *decoder, uint64_t vaddr, struct insn *out)
{
	if (!decoder_decode(decoder, vaddr))
		return false;
	memset(out, 0, sizeof(*out));
	out->vaddr = vaddr;
	out->length = (uint8_t)decoder->insn->size;
	memcpy(out->bytes, decoder->insn->bytes, out->length);
	snprintf(out->text, sizeof(out->text), "%.20s%s%.40s", decoder->insn->mnemonic,
		 decoder->insn->op_str[0] ? " " : "", decoder->insn->op_str);
	decoder->machine->classify(out);
	return true;
}

bool decoder_entry(struct decoder *decoder, uint64_t vaddr, struct insn *out)
{
	return decoder_insn(decoder, decoder->machine->entry(decoder, vaddr), out);
}

bool decoder_effect(struct decoder *decoder, uint64_t vaddr, struct insn_effect *out)
{
	memset(out, 0, sizeof(*out));
	return decoder->machine->effect(decoder, vaddr, out);
}

const char *decoder_string(const struct decoder *decoder, uint64_t vaddr, const char *prefix)
{
	const char *string = elf_image_bytes(decoder->image, vaddr, ERROR_STRING_SIZE);

	return string && !memcmp(string, prefix, strlen(prefix)) ? string : NULL;
}

const char *decoder_error_string(struct decoder *decoder, uint64_t vaddr, const char *prefix)
{
	return decoder->machine->error_string(decoder, vaddr, prefix);
}
