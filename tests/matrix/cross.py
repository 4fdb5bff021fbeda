#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 gilscope contributors
"""Prints a folder with the headers and libraries of another architecture that a build needs:

    make ARCH=arm64 CROSS_COMPILE=aarch64-linux-gnu- BUILD=build/arm64 \\
        SYSROOT=$(tests/matrix/cross.py arm64)

They are Debian's, of the oldest suite that gilscope is built on, unpacked into the cache.
"""

import os
import pathlib
import sys

import debian

SUITE = "bookworm"
PACKAGES = (
    "libbpf-dev",
    "libelf-dev",
    "libdw-dev",
    "libcapstone-dev",
    "libsmartcols-dev",
    "libjansson-dev",
    "libcmocka-dev",
    "libc6-dev",
)


def relative_links(root):
    """Makes links to absolute paths relative, so that they stay inside of the root without a
    chroot: libm.so of libc6-dev is one."""
    for folder, folders, files in os.walk(root):
        for name in folders + files:
            path = pathlib.Path(folder, name)
            if path.is_symlink() and os.path.isabs(os.readlink(path)):
                target = os.path.relpath(str(root) + os.readlink(path), folder)
                path.unlink()
                path.symlink_to(target)


def sysroot(arch):
    """The folder for that architecture (Debian's name of it); raises debian.Unavailable."""
    root = debian.Suite(SUITE, arch).unpack(*PACKAGES)
    relative_links(root)
    return root


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__.strip())
    try:
        print(sysroot(sys.argv[1]))
    except debian.Unavailable as error:
        sys.exit("cross.py: %s" % error)


if __name__ == "__main__":
    main()
