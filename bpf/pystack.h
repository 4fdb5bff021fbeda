/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 gilscope contributors */
/*
 * Python stacks as the walk in BPF finds them (pystack.bpf.h) and as user space resolves them
 * (user/target/py_code.h).
 */
#ifndef GILSCOPE_PYSTACK_H
#define GILSCOPE_PYSTACK_H

#ifndef __VMLINUX_H__
#include <linux/types.h>
#endif

#define PY_STACK_MAX 64 /* frames that are told; a power of two */

/* Bytes that are read of a frame at most, and that are read of a code object. */
#define PY_FRAME_WINDOW 128
#define PY_CODE_WINDOW 88

#define PY_NO_OFFSET ((__u32)-1)

/* Where the walk finds what it needs, of one version of CPython: offsets in bytes
 * (user/target/py_layout.h). */
struct py_layout {
	__u64 code_mask; /* the bits of a frame's reference to its code that are the address */
	__u64 instruction_mask; /* those of `instruction` that are there: up to 3.10 it is an int */
	__u32 tstate_interp;
	__u32 interp_collecting; /* an int: a garbage collection runs; PY_NO_OFFSET: not known */
	__u32 tstate_frame;	 /* pointer to the frame, or to the cframe if there is one */
	__u32 cframe_frame; /* pointer to the frame in the cframe; PY_NO_OFFSET: there is none */
	__u32 frame_size;   /* bytes to read of a frame; below PY_FRAME_WINDOW */
	__u32 frame_code;
	__u32 frame_previous;
	__u32 frame_instruction;
	__u32 frame_owner; /* a byte */
	__u32 skip_owner; /* a frame with this owner or a higher one runs no Python code; 256: none */
	/*
	 * The fingerprint covers PY_CODE_WINDOW bytes from here: they end with the pointer to the
	 * line table, hold the first line, the names and the version, and never change in a code
	 * object's life (from co_posonlyargcount on in 3.11 and later, from co_firstlineno on before).
	 */
	__u32 code_window;
	__u32 pad;
};

struct py_frame {
	__u64 code;
	__u64 instruction; /* up to 3.10 f_lasti as an unsigned int, then prev_instr or instr_ptr */
	__u64 fingerprint; /* of the code object; 0: it could not be read */
};

enum py_stack_flags {
	PY_STACK_TRUNCATED = 1,	  /* there are more frames */
	PY_STACK_FAULTED = 2,	  /* a frame could not be read; those before it count */
	PY_STACK_NO_FRAMES = 4,	  /* the thread runs no Python code */
	PY_STACK_BAD_TSTATE = 8,  /* the thread state could not be read */
	PY_STACK_NO_CODE = 16,	  /* the code object of a frame could not be read */
	PY_STACK_COLLECTING = 32, /* a garbage collection runs in the interpreter */
	PY_STACK_MOVED = 64,	  /* the thread ran on: the frames may be of different moments */
};

struct py_stack {
	__u32 count;
	__u32 flags;			      /* enum py_stack_flags */
	__u64 id;			      /* of the frames; equal stacks have equal ids */
	struct py_frame frames[PY_STACK_MAX]; /* leaf first; behind `count` they are undefined */
};

/* FNV-1a by words instead of bytes; the shift lets high bits reach the low ones. */
#define PY_HASH_START 0xcbf29ce484222325ULL

static inline __u64 py_hash(__u64 hash, __u64 word)
{
	hash = (hash ^ word) * 0x100000001b3ULL;
	return hash ^ hash >> 29;
}

/* The fingerprint of a code object from its window; never 0. */
static inline __u64 py_fingerprint(const __u64 window[PY_CODE_WINDOW / 8])
{
	__u64 hash = PY_HASH_START;

#ifdef __clang__
#pragma unroll
#endif
	for (__u32 i = 0; i < PY_CODE_WINDOW / 8; i++)
		hash = py_hash(hash, window[i]);
	return hash ? hash : 1;
}

#endif
