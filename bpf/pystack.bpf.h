/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Copyright (c) 2026 gilscope contributors */
/*
 * Walks the Python frames of a thread state of the current process, from any of its threads.
 *
 * py_walk_stack has a loop and is to be called from one __noinline global function with scalar
 * arguments (an index or a key, the tstate), which finds the layout and the memory for itself: that
 * is what kernels from 5.8 on verify by itself and once. All state of the loop is in map memory,
 * so that its turns look alike to the verifier.
 *
 * The reader of user memory can be replaced: the unit tests compile the walk for user space.
 */
#ifndef GILSCOPE_PYSTACK_BPF_H
#define GILSCOPE_PYSTACK_BPF_H

#include "pystack.h"

#ifndef py_read_user
#define py_read_user(to, size, from) bpf_probe_read_user(to, size, (const void *)(from))
#endif

/* Frames that are looked at: between two that run Python code at most one does not. */
#define PY_WALK_STEPS (2 * PY_STACK_MAX)

/* Memory of one walk: of a map, and of nobody else as long as the walk lasts. */
struct py_walk {
	struct py_stack stack;
	__u64 next; /* address of the frame to read; 0: none */
	/* The innermost frame as it was first seen: its address, and what the frame holds. */
	__u64 first, first_code, first_previous;
	__u64 frame[PY_FRAME_WINDOW / 8];
	__u64 code[PY_CODE_WINDOW / 8];
};

/* The word of the frame at an offset; the verifier wants to see that it is inside. */
static __always_inline __u64 py_frame_word(const struct py_walk *walk, __u32 offset)
{
	return walk->frame[offset / 8 & (PY_FRAME_WINDOW / 8 - 1)];
}

static __always_inline __u32 py_frame_owner(const struct py_walk *walk, __u32 offset)
{
	return (py_frame_word(walk, offset) >> (offset % 8 * 8)) & 0xff;
}

static __always_inline void py_add_frame(const struct py_layout *layout, struct py_walk *walk)
{
	struct py_stack *stack = &walk->stack;
	struct py_frame *frame = &stack->frames[stack->count & (PY_STACK_MAX - 1)];
	const __u64 code = py_frame_word(walk, layout->frame_code) & layout->code_mask;
	const __u64 instruction =
		py_frame_word(walk, layout->frame_instruction) & layout->instruction_mask;
	__u64 fingerprint = 0;

	if (py_read_user(walk->code, PY_CODE_WINDOW, code + layout->code_window))
		stack->flags |= PY_STACK_NO_CODE;
	else
		fingerprint = py_fingerprint(walk->code);
	frame->code = code;
	frame->instruction = instruction;
	frame->fingerprint = fingerprint;
	stack->id = py_hash(py_hash(py_hash(stack->id, code), instruction), fingerprint);
	stack->count++;
}

/* The next frame. False: there is no other, or it cannot be read. */
static __always_inline bool py_walk_step(const struct py_layout *layout, struct py_walk *walk)
{
	if (!walk->next)
		return false;
	if (walk->next % 8 ||
	    py_read_user(walk->frame, layout->frame_size & (PY_FRAME_WINDOW - 1), walk->next)) {
		walk->stack.flags |= PY_STACK_FAULTED;
		walk->next = 0;
		return false;
	}
	if (walk->next == walk->first) {
		walk->first_code = py_frame_word(walk, layout->frame_code);
		walk->first_previous = py_frame_word(walk, layout->frame_previous);
	}
	if (py_frame_owner(walk, layout->frame_owner) < layout->skip_owner) {
		if (walk->stack.count >= PY_STACK_MAX)
			return false;
		py_add_frame(layout, walk);
	}
	walk->next = py_frame_word(walk, layout->frame_previous);
	return true;
}

/* Address of the innermost frame; 0: there is none. False: the thread state cannot be read. */
static __always_inline bool py_first_frame(const struct py_layout *layout, __u64 tstate,
					   __u64 *frame)
{
	if (!tstate || tstate % 8 ||
	    py_read_user(frame, sizeof(*frame), tstate + layout->tstate_frame))
		return false;
	if (layout->cframe_frame == PY_NO_OFFSET || !*frame)
		return true;
	return !py_read_user(frame, sizeof(*frame), *frame + layout->cframe_frame);
}

/* Whether the thread has called or returned since the walk began, which is over. */
static __always_inline bool py_has_moved(const struct py_layout *layout, __u64 tstate,
					 struct py_walk *walk)
{
	if (!py_first_frame(layout, tstate, &walk->next) || walk->next != walk->first)
		return true;
	if (!walk->first)
		return false;
	return py_read_user(walk->frame, layout->frame_size & (PY_FRAME_WINDOW - 1), walk->first) ||
	       py_frame_word(walk, layout->frame_code) != walk->first_code ||
	       py_frame_word(walk, layout->frame_previous) != walk->first_previous;
}

static __always_inline bool py_collecting(const struct py_layout *layout, __u64 tstate)
{
	__u64 interp = 0;
	__u32 collecting = 0;

	if (layout->interp_collecting == PY_NO_OFFSET ||
	    py_read_user(&interp, sizeof(interp), tstate + layout->tstate_interp) ||
	    py_read_user(&collecting, sizeof(collecting), interp + layout->interp_collecting))
		return false;
	return collecting != 0;
}

/*
 * Fills walk->stack with the frames of the current thread, or of another one of its process. If that
 * one runs meanwhile, each frame is right for some moment of the walk, and PY_STACK_MOVED says that
 * these may differ. Costs two reads of user memory for each frame, and up to seven for the rest.
 */
static __always_inline void py_walk_stack(const struct py_layout *layout, __u64 tstate,
					  struct py_walk *walk)
{
	walk->stack.count = 0;
	walk->stack.flags = 0;
	walk->stack.id = PY_HASH_START;
	if (!py_first_frame(layout, tstate, &walk->first)) {
		walk->stack.flags = PY_STACK_BAD_TSTATE;
		return;
	}
	if (py_collecting(layout, tstate))
		walk->stack.flags |= PY_STACK_COLLECTING;
	walk->next = walk->first;
	for (__u32 i = 0; i < PY_WALK_STEPS; i++) {
		if (!py_walk_step(layout, walk))
			break;
	}
	if (walk->next)
		walk->stack.flags |= PY_STACK_TRUNCATED;
	else if (!walk->stack.count && !(walk->stack.flags & PY_STACK_FAULTED))
		walk->stack.flags |= PY_STACK_NO_FRAMES;
	if (!(walk->stack.flags & PY_STACK_FAULTED) && py_has_moved(layout, tstate, walk))
		walk->stack.flags |= PY_STACK_MOVED;
}

#endif
