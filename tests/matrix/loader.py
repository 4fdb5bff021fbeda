# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 gilscope contributors
"""Running programs of another root on this machine, with the root's own loader and libraries."""

import pathlib
import struct

# ELF64: where the file header has the program headers, and the type of the one that names the
# loader (elf.h: Elf64_Ehdr, Elf64_Phdr, PT_INTERP).
PHOFF, PHENTSIZE = 32, 54
PT_INTERP = 3


def interpreter_entry(elf):
    """(where the program header of the loader stands, the loader's name)"""
    (table,) = struct.unpack_from("<Q", elf, PHOFF)
    size, count = struct.unpack_from("<HH", elf, PHENTSIZE)
    for at in range(table, table + size * count, size):
        kind, _, offset, _, _, length = struct.unpack_from("<IIQQQQ", elf, at)
        if kind == PT_INTERP:
            return at, bytes(elf[offset : offset + length]).rstrip(b"\0").decode()
    raise ValueError("it has no loader")


def copy_for_root(root, program, copy):
    """A copy of the root's program that starts through the root's loader. The name of it is
    appended to the file and the program header points there: no code and no data moves, and
    /proc/PID/exe is the program, not the loader as where the loader is run by hand."""
    elf = bytearray(pathlib.Path(program).read_bytes())
    at, loader = interpreter_entry(elf)
    name = str(pathlib.Path(root, loader.lstrip("/")).resolve()).encode() + b"\0"
    struct.pack_into("<Q", elf, at + 8, len(elf))
    struct.pack_into("<QQ", elf, at + 32, len(name), len(name))
    pathlib.Path(copy).write_bytes(elf + name)
    pathlib.Path(copy).chmod(0o755)


def library_folders(root):
    """Where the root has its libraries."""
    root = pathlib.Path(root)
    folders = [
        folder
        for top in (root / "lib", root / "usr" / "lib")
        for folder in [top, *sorted(top.glob("*-linux-gnu"))]
    ]
    return list(dict.fromkeys(str(folder.resolve()) for folder in folders))


def library_path(root):
    """LD_LIBRARY_PATH for it."""
    return ":".join(library_folders(root))
