/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 gilscope contributors */
/* Memory that the test program walk.bpf.c shares with its loader: all of its .bss. */
#ifndef GILSCOPE_TEST_WALK_H
#define GILSCOPE_TEST_WALK_H

struct walk_shared {
	struct py_layout layout;
	__u64 tstate; /* whose frames */
	__u32 hit_by; /* the thread that walks */
	__u32 hits;   /* how often it did; the last walk is told */
	__u64 ns;     /* that the walks took */
	struct py_walk walk;
};

#endif
