# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 gilscope contributors
"""The interpreters that are measured: one whose functions have symbols, which other tools need, and
Debian's own, which has none."""

import dataclasses
import functools
import pathlib
import sys

from elftools.common.exceptions import ELFError
from elftools.elf.elffile import ELFFile

from children import Failed

TESTS = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(TESTS / "e2e"))
import interpreters  # noqa: E402 (the path comes first)

DEBIAN = "/usr/bin/python3"
FUNCTIONS = ("take_gil", "drop_gil")


@dataclasses.dataclass(frozen=True)
class Python:
    """An interpreter; functions: {name: file offset} of those of FUNCTIONS that have symbols."""

    exe: str
    version: tuple
    kind: str
    file: str
    functions: tuple

    @property
    def name(self):
        return "CPython %s (%s)" % (".".join(map(str, self.version)), self.kind)

    @property
    def has_symbols(self):
        return len(self.functions) == len(FUNCTIONS)


def file_offset(elf, address):
    for segment in elf.iter_segments("PT_LOAD"):
        begin = segment["p_vaddr"]
        if begin <= address < begin + segment["p_filesz"]:
            return address - begin + segment["p_offset"]
    return None


def find_functions(path):
    """((name, file offset) of each of FUNCTIONS that .symtab names)."""
    try:
        with open(path, "rb") as file:
            elf = ELFFile(file)
            table = elf.get_section_by_name(".symtab")
            symbols = [table.get_symbol_by_name(name) for name in FUNCTIONS] if table else []
            first = [found[0] for found in symbols if found]
            return tuple((one.name, file_offset(elf, one["st_value"])) for one in first)
    except (OSError, ELFError):
        return ()


def from_interpreter(one):
    functions = find_functions(one.file)
    kind = one.kind if functions else one.kind + ", no symbols"
    return Python(one.exe, one.version, kind, one.file, functions)


@functools.lru_cache(maxsize=None)
def debian():
    """The machine's own python3, or None if gilscope does not support it."""
    about = interpreters.ask(DEBIAN)
    if not about or not about["gil"] or tuple(about["version"]) < interpreters.OLDEST:
        return None
    kind = "shared" if about["shared"] else "static"
    return from_interpreter(interpreters.from_about(kind, about))


@functools.lru_cache(maxsize=None)
def main():
    """One with symbols if there is one: of Debian's version, for which Debian has packages, else
    the newest. Without any, Debian's."""
    everyone = [from_interpreter(one) for one in interpreters.installed()[0]]
    named = [one for one in everyone if one.has_symbols]
    own = debian()
    if not named and not own:
        raise Failed("no CPython 3.8 or later here: install python3")
    if not named:
        return own
    return max(named, key=lambda one: (own and one.version[:2] == own.version[:2], one.version))
