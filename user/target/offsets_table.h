/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 gilscope contributors */
/*
 * Made by tools/gen-offsets.py from the DWARF of interpreters of these versions; do not edit.
 *   x86_64: 3.8.18, 3.9.2, 3.9.18, 3.10.13, 3.11.2, 3.11.7, 3.12.1, 3.13.0, 3.13.18, 3.14.10,
 *     3.15.2.
 *   aarch64: 3.9.2, 3.11.2, 3.13.5, 3.14.10, 3.15.2.
 */
/* clang-format off */
static const struct {
	int minor;
	struct py_offsets at;
} table[] = {
	{.minor = 8, .at = {
		.runtime_interpreters_head = 32,
		.interp_next = 0,
		.interp_id = 16,
		.interp_gil = 0,
		.runtime_gil = 1152,
		.tstate_thread_id = 176,
		.tstate_native_id = 0,
	}},
	{.minor = 9, .at = {
		.runtime_interpreters_head = 32,
		.interp_next = 0,
		.interp_id = 24,
		.interp_gil = 0,
		.runtime_gil = 352,
		.tstate_thread_id = 176,
		.tstate_native_id = 0,
	}},
	{.minor = 10, .at = {
		.runtime_interpreters_head = 32,
		.interp_next = 0,
		.interp_id = 24,
		.interp_gil = 0,
		.runtime_gil = 352,
		.tstate_thread_id = 176,
		.tstate_native_id = 0,
	}},
	{.minor = 11, .at = {
		.runtime_interpreters_head = 40,
		.interp_next = 0,
		.interp_id = 48,
		.interp_gil = 0,
		.runtime_gil = 360,
		.tstate_thread_id = 152,
		.tstate_native_id = 160,
	}},
	{.minor = 12, .at = {
		.runtime_interpreters_head = 40,
		.interp_next = 0,
		.interp_id = 8,
		.interp_gil = 384,
		.runtime_gil = 0,
		.tstate_thread_id = 136,
		.tstate_native_id = 144,
	}},
};
static const struct {
	int minor;
	struct debug_layout at;
} debug_table[] = {
	{.minor = 13, .at = {
		.interpreters_head = 40,
		.interp_id = 56,
		.interp_next = 64,
		.ceval_gil = 112,
		.own_gil = 120,
		.gil_locked = 136,
		.gil_holder = 144,
		.thread_id = 192,
		.native_thread_id = 200,
	}},
	{.minor = 14, .at = {
		.interpreters_head = 40,
		.interp_id = 56,
		.interp_next = 64,
		.ceval_gil = 120,
		.own_gil = 128,
		.gil_locked = 144,
		.gil_holder = 152,
		.thread_id = 216,
		.native_thread_id = 224,
	}},
	{.minor = 15, .at = {
		.interpreters_head = 40,
		.interp_id = 56,
		.interp_next = 64,
		.ceval_gil = 120,
		.own_gil = 128,
		.gil_locked = 144,
		.gil_holder = 152,
		.thread_id = 240,
		.native_thread_id = 248,
	}},
};
/* clang-format on */
