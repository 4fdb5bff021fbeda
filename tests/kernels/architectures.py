# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 gilscope contributors
"""The architectures whose kernels are booted, and what each needs."""

import dataclasses


@dataclasses.dataclass(frozen=True)
class Architecture:
    """name: as in the Makefile's ARCH. machine: as uname calls it. root: the suite that the
    guest's Python is from. kernels: (name in the table, suite)."""

    name: str
    debian: str
    triple: str
    machine: str
    qemu: str
    package: str
    board: tuple
    accelerator: str
    cpu: str
    console: str
    root: str
    kernels: tuple

ARCHITECTURES = {
    "x86": Architecture(
        name="x86",
        debian="amd64",
        triple="x86_64-linux-gnu",
        machine="x86_64",
        qemu="qemu-system-x86_64",
        package="qemu-system-x86",
        board=(),
        # One CPU at a time: else, under load, a CPU of 7.2 meets a breakpoint that the kernel has
        # just taken away again, as it patches its tracepoints, and does not know it.
        accelerator="tcg,thread=single",
        # Under load, qemu 7.2 comes out of an interrupted cmpxchg16b with another register's bits in
        # the flags, which is a double fault of the guest; its kernel can do without.
        cpu="max,-cx16",
        console="ttyS0",
        root="bookworm",
        kernels=(("5.10", "bullseye"), ("6.1", "bookworm"), ("6.12", "trixie"), ("7.2", "sid")),
    ),
    "arm64": Architecture(
        name="arm64",
        debian="arm64",
        triple="aarch64-linux-gnu",
        machine="aarch64",
        qemu="qemu-system-aarch64",
        package="qemu-system-arm",
        board=("-M", "virt"),
        accelerator="tcg,thread=multi",
        cpu="max",
        console="ttyAMA0",
        root="trixie",
        kernels=(("6.12", "trixie"),),
    ),
}
