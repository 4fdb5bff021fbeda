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
	struct names_offsets at;
} names_table[] = {
	{.minor = 8, .at = {
		.interp_modules = 56,
	}},
	{.minor = 9, .at = {
		.interp_modules = 856,
	}},
	{.minor = 10, .at = {
		.interp_modules = 856,
	}},
	{.minor = 11, .at = {
		.interp_modules = 888,
	}},
	{.minor = 12, .at = {
		.interp_modules = 944,
	}},
};
static const struct {
	int minor;
	struct names_offsets at;
} names_debug_table[] = {
	{.minor = 13, .at = {
		.interp_modules = 88,
	}},
	{.minor = 14, .at = {
		.interp_modules = 96,
	}},
	{.minor = 15, .at = {
		.interp_modules = 96,
	}},
};
/* clang-format on */
