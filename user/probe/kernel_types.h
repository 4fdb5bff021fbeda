/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 gilscope contributors */
/*
 * The part of the kernel's type information that the BPF programs are fitted to: those fields that
 * they read. libbpf would copy and index all of it, 5 MB and 150,000 types, which takes as long as
 * all else that an attach does.
 */
#ifndef GILSCOPE_KERNEL_TYPES_H
#define GILSCOPE_KERNEL_TYPES_H

#include <stdbool.h>
#include <stddef.h>

struct btf;

/*
 * Of the kernel's types `data` (a BTF of `size` bytes): the structs and unions that have the name of
 * one in `program`, each with its members of the names that occur there, at their places in the
 * kernel. For libbpf's CO-RE relocations the result is as good as the whole. Owned by the caller
 * (btf__free); NULL if the data is broken or holds what is not known here. No message.
 */
struct btf *kernel_types_part(const struct btf *program, const void *data, size_t size);

/* Writes the same of the running kernel to a file, for libbpf to read it. False, without a message,
 * if it cannot be had. */
bool kernel_types_write(const struct btf *program, int fd);

#endif
