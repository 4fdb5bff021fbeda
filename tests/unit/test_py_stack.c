/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 gilscope contributors */
/* The walk of Python's frames, over frames that are made here. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "native_walk.h"

#define MAX_FRAMES 300

/* Nothing is mapped there. */
#define UNMAPPED 0x10000

struct fake_frame {
	uint64_t code, previous, pad[5], instruction;
	uint8_t more[8]; /* its owner is at 6 */
};

struct fake_code {
	uint64_t pad[7];
	uint64_t window[PY_CODE_WINDOW / 8];
};

/* A thread with frames: 0 is the leaf. */
struct fake {
	struct py_layout layout;
	struct {
		uint64_t interp, frame, cframe;
	} tstate;
	struct {
		uint64_t pad, frame;
	} cframe;
	struct {
		uint64_t pad;
		uint32_t collecting;
	} interp;
	struct fake_frame frames[MAX_FRAMES];
	struct fake_code codes[MAX_FRAMES];
	struct py_walk walk;
};

static uint64_t address(const void *pointer)
{
	return (uint64_t)(uintptr_t)pointer;
}

static struct fake *make(size_t count)
{
	struct fake *fake = calloc(1, sizeof(*fake));

	fake->layout = (struct py_layout){
		.code_mask = ~3ULL,
		.instruction_mask = ~0ULL,
		.tstate_interp = 0,
		.interp_collecting = 8,
		.tstate_frame = 8,
		.cframe_frame = PY_NO_OFFSET,
		.frame_size = sizeof(struct fake_frame),
		.frame_code = offsetof(struct fake_frame, code),
		.frame_previous = offsetof(struct fake_frame, previous),
		.frame_instruction = offsetof(struct fake_frame, instruction),
		.frame_owner = offsetof(struct fake_frame, more) + 6,
		.skip_owner = 3,
		.code_window = offsetof(struct fake_code, window),
	};
	fake->tstate.interp = address(&fake->interp);
	fake->tstate.frame = count ? address(fake->frames) : 0;
	for (size_t i = 0; i < count; i++) {
		struct fake_frame *frame = &fake->frames[i];

		frame->code = address(&fake->codes[i]) | 1; /* with a tag */
		frame->instruction = 1000 + i;
		frame->previous = i + 1 < count ? address(frame + 1) : 0;
		memset(frame->more, 0xff, sizeof(frame->more));
		frame->more[6] = i % 3;
		for (size_t word = 0; word < PY_CODE_WINDOW / 8; word++)
			fake->codes[i].window[word] = i * 100 + word;
	}
	return fake;
}

static const struct py_stack *walk(struct fake *fake)
{
	/* What an earlier walk left must not matter. */
	memset(&fake->walk, 0xa5, sizeof(fake->walk));
	native_walk(getpid(), &fake->layout, address(&fake->tstate), &fake->walk);
	return &fake->walk.stack;
}

static void assert_frame(const struct fake *fake, size_t at, size_t from)
{
	const struct py_frame *frame = &fake->walk.stack.frames[at];

	assert_int_equal(frame->code, address(&fake->codes[from]));
	assert_int_equal(frame->instruction, 1000 + from);
	assert_int_equal(frame->fingerprint,
			 py_fingerprint((const __u64 *)fake->codes[from].window));
}

static void frames_are_told_leaf_first(void **state)
{
	struct fake *fake = make(5);
	const struct py_stack *stack = walk(fake);

	(void)state;
	assert_int_equal(stack->count, 5);
	assert_int_equal(stack->flags, 0);
	for (size_t i = 0; i < 5; i++)
		assert_frame(fake, i, i);
	/* Two reads a frame; one for the first frame, two for the collector, two at the end. */
	assert_int_equal(walk_reads, 5 * 2 + 5);
	free(fake);
}

static void the_id_is_that_of_the_frames(void **state)
{
	struct fake *fake = make(3);
	const uint64_t id = walk(fake)->id;

	(void)state;
	assert_true(walk(fake)->id == id);
	fake->frames[2].instruction++;
	assert_true(walk(fake)->id != id);
	fake->frames[2].instruction--;
	fake->codes[1].window[10] ^= 1ULL << 63;
	assert_true(walk(fake)->id != id);
	fake->codes[1].window[10] ^= 1ULL << 63;
	assert_true(walk(fake)->id == id);
	fake->frames[1].previous = 0;
	assert_true(walk(fake)->id != id);
	free(fake);
}

static void frames_without_code_are_left_out(void **state)
{
	struct fake *fake = make(2 * PY_STACK_MAX);
	const struct py_stack *stack;

	(void)state;
	/* Each second one: those that run code are all there, the outermost of all is no frame. */
	for (size_t i = 1; i < 2 * PY_STACK_MAX; i += 2) {
		fake->frames[i].more[6] = 3 + i % 4;
		fake->frames[i].code = UNMAPPED;
	}
	stack = walk(fake);
	assert_int_equal(stack->count, PY_STACK_MAX);
	assert_int_equal(stack->flags, 0);
	for (size_t i = 0; i < PY_STACK_MAX; i++)
		assert_frame(fake, i, 2 * i);
	free(fake);
}

static void a_deep_stack_is_truncated(void **state)
{
	struct fake *fake = make(PY_STACK_MAX);

	(void)state;
	assert_int_equal(walk(fake)->flags, 0);
	free(fake);
	fake = make(PY_STACK_MAX + 1);
	assert_int_equal(walk(fake)->flags, PY_STACK_TRUNCATED);
	assert_int_equal(fake->walk.stack.count, PY_STACK_MAX);
	assert_frame(fake, PY_STACK_MAX - 1, PY_STACK_MAX - 1);
	/* The one that is left runs no code. */
	fake->frames[PY_STACK_MAX].more[6] = 3;
	assert_int_equal(walk(fake)->flags, 0);
	free(fake);
}

static void circles_end(void **state)
{
	struct fake *fake = make(3);

	(void)state;
	fake->frames[2].previous = address(&fake->frames[0]);
	assert_int_equal(walk(fake)->flags, PY_STACK_TRUNCATED);
	assert_int_equal(fake->walk.stack.count, PY_STACK_MAX);
	for (size_t i = 0; i < 3; i++)
		fake->frames[i].more[6] = 200;
	assert_int_equal(walk(fake)->flags, PY_STACK_TRUNCATED);
	assert_int_equal(fake->walk.stack.count, 0);
	assert_true(walk_reads <= 2 * PY_STACK_MAX + 7);
	free(fake);
}

static void what_cannot_be_read_is_said(void **state)
{
	struct fake *fake = make(4);

	(void)state;
	fake->codes[1].pad[0] = 0;
	fake->frames[1].code = UNMAPPED;
	fake->frames[2].previous = UNMAPPED;
	assert_int_equal(walk(fake)->flags, PY_STACK_FAULTED | PY_STACK_NO_CODE);
	assert_int_equal(fake->walk.stack.count, 3);
	assert_int_equal(fake->walk.stack.frames[1].fingerprint, 0);
	assert_int_equal(fake->walk.stack.frames[1].code, UNMAPPED);
	assert_frame(fake, 2, 2);
	fake->frames[2].previous = address(&fake->frames[3]) + 4;
	assert_int_equal(walk(fake)->flags, PY_STACK_FAULTED | PY_STACK_NO_CODE);
	fake->tstate.frame = UNMAPPED;
	assert_int_equal(walk(fake)->flags, PY_STACK_FAULTED);
	assert_int_equal(fake->walk.stack.count, 0);
	free(fake);
}

static void thread_states_that_are_none(void **state)
{
	struct fake *fake = make(1);
	const uint64_t bad[] = {0, 1, address(&fake->tstate) + 4, UNMAPPED, ~7ULL};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		native_walk(getpid(), &fake->layout, bad[i], &fake->walk);
		assert_int_equal(fake->walk.stack.flags, PY_STACK_BAD_TSTATE);
		assert_int_equal(fake->walk.stack.count, 0);
	}
	fake->tstate.frame = 0;
	assert_int_equal(walk(fake)->flags, PY_STACK_NO_FRAMES);
	free(fake);
}

static void frames_behind_a_cframe(void **state)
{
	struct fake *fake = make(2);

	(void)state;
	fake->layout.cframe_frame = 8;
	fake->cframe.frame = fake->tstate.frame;
	fake->tstate.frame = address(&fake->cframe);
	assert_int_equal(walk(fake)->count, 2);
	assert_frame(fake, 1, 1);
	fake->cframe.frame = 0;
	assert_int_equal(walk(fake)->flags, PY_STACK_NO_FRAMES);
	fake->tstate.frame = 0;
	assert_int_equal(walk(fake)->flags, PY_STACK_NO_FRAMES);
	fake->tstate.frame = UNMAPPED;
	assert_int_equal(walk(fake)->flags, PY_STACK_BAD_TSTATE);
	free(fake);
}

/* Up to 3.10: an index of 32 bits beside something else, no owner, no tag. */
static void frames_with_an_index(void **state)
{
	struct fake *fake = make(1);

	(void)state;
	fake->layout.instruction_mask = 0xffffffff;
	fake->layout.skip_owner = 256;
	fake->layout.frame_owner = 0;
	fake->frames[0].more[6] = 200;
	fake->frames[0].instruction |= 77ULL << 32;
	assert_int_equal(walk(fake)->count, 1);
	assert_frame(fake, 0, 0);
	free(fake);
}

static void a_collection_is_marked(void **state)
{
	struct fake *fake = make(1);

	(void)state;
	fake->interp.collecting = 1;
	assert_int_equal(walk(fake)->flags, PY_STACK_COLLECTING);
	fake->layout.interp_collecting = PY_NO_OFFSET;
	assert_int_equal(walk(fake)->flags, 0);
	fake->layout.interp_collecting = 8;
	fake->tstate.interp = UNMAPPED;
	assert_int_equal(walk(fake)->flags, 0);
	free(fake);
}

/* What the thread does at the given read of a walk. */
static struct {
	unsigned at;
	uint64_t *word, value;
} step;

static void take_step(void)
{
	if (walk_reads == step.at)
		*step.word = step.value;
}

static void a_thread_that_runs_on_is_marked(void **state)
{
	struct fake *fake = make(3);
	uint64_t *const words[] = {&fake->tstate.frame, &fake->frames[0].code,
				   &fake->frames[0].previous};

	(void)state;
	walk_hook = take_step;
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		const uint64_t before = *words[i];

		/* Read 4 is that of the first frame. */
		step.at = 6;
		step.word = words[i];
		step.value = i ? before + 8 : address(&fake->frames[1]);
		assert_int_equal(walk(fake)->flags, PY_STACK_MOVED);
		assert_int_equal(fake->walk.stack.count, 3);
		*words[i] = before;
		step.value = before;
		assert_int_equal(walk(fake)->flags, 0);
	}
	/* To go on in the same function is no move. */
	step.word = &fake->frames[0].instruction;
	step.value = 5;
	assert_int_equal(walk(fake)->flags, 0);
	walk_hook = NULL;
	free(fake);
}

/* Pointers that lead anywhere in the frames: each walk ends, within its bounds. */
static void any_memory_can_be_walked(void **state)
{
	struct fake *fake = make(MAX_FRAMES);
	uint64_t *words = (uint64_t *)fake->frames;
	const size_t count = MAX_FRAMES * sizeof(fake->frames[0]) / 8;

	(void)state;
	srandom(1);
	for (int round = 0; round < 300; round++) {
		for (size_t i = 0; i < count; i++)
			words[i] = random() % 20 ? address(words + random() % count)
						 : (uint64_t)random() << 17;
		fake->layout.skip_owner = round % 2 ? 256 : 3;
		assert_true(walk(fake)->count <= PY_STACK_MAX);
		assert_true(walk_reads <= 4 * PY_STACK_MAX + 7);
	}
	free(fake);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(frames_are_told_leaf_first),
		cmocka_unit_test(the_id_is_that_of_the_frames),
		cmocka_unit_test(frames_without_code_are_left_out),
		cmocka_unit_test(a_deep_stack_is_truncated),
		cmocka_unit_test(circles_end),
		cmocka_unit_test(what_cannot_be_read_is_said),
		cmocka_unit_test(thread_states_that_are_none),
		cmocka_unit_test(frames_behind_a_cframe),
		cmocka_unit_test(frames_with_an_index),
		cmocka_unit_test(a_collection_is_marked),
		cmocka_unit_test(a_thread_that_runs_on_is_marked),
		cmocka_unit_test(any_memory_can_be_walked),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
