#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 gilscope contributors
"""How many instructions the BPF programs have, and whether they grew:

    instructions.py [--update] OBJECT...

Counted in the object files, before the kernel rewrites them: that depends on the compiler alone.
tests/bench/instructions.json has the counts that are wanted; --update writes it.
"""

import argparse
import json
import os
import pathlib
import re
import subprocess

from elftools.elf.elffile import ELFFile

WANTED = pathlib.Path(__file__).with_suffix(".json")
GROWTH = 0.03  # of a program, without anybody having wanted it
INSTRUCTION = 8  # bytes
UPDATE = "make bench-instructions"
MARGIN = 2  # instructions by which a small function may grow all the same


def compiler():
    """The compiler that the build uses, e.g. "clang 14"."""
    command = [os.environ.get("CLANG", "clang"), "--version"]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    return "clang " + re.search(r"clang version (\d+)", said)[1]


def count(path):
    """{function: instructions} of an object; its programs and the functions that they call."""
    with open(path, "rb") as file:
        elf = ELFFile(file)
        symbols = elf.get_section_by_name(".symtab").iter_symbols()
        return {
            symbol.name: symbol["st_size"] // INSTRUCTION
            for symbol in sorted(symbols, key=lambda one: one.name)
            if symbol["st_info"]["type"] == "STT_FUNC" and symbol["st_size"]
        }


def complaints(wanted, found):
    """What is wrong with counts, compared with those that are wanted: lines of text."""
    lines = []
    for name, number in found.items():
        if name not in wanted:
            lines.append("%s is new: %d instructions" % (name, number))
        elif number > wanted[name] + max(MARGIN, wanted[name] * GROWTH):
            growth = 100 * (number / wanted[name] - 1)
            grew = (name, wanted[name], number, growth)
            lines.append("%s grew from %d to %d instructions, by %.0f%%" % grew)
    lines += ["%s is gone" % name for name in wanted if name not in found]
    if lines:
        lines.append("if that is wanted: %s, and commit %s" % (UPDATE, WANTED.name))
    return lines


def read_wanted():
    return json.loads(WANTED.read_text(encoding="utf-8"))


def main():
    parser = argparse.ArgumentParser(description="Counts the instructions of BPF programs.")
    parser.add_argument("--update", action="store_true", help="these counts are wanted from now on")
    parser.add_argument("object", nargs="+", type=pathlib.Path)
    arguments = parser.parse_args()
    found = {}
    for path in arguments.object:
        found.update(count(path))
    for name, number in found.items():
        print("%7d  %s" % (number, name))
    if arguments.update:
        made = {"compiler": compiler(), "machine": os.uname().machine, "instructions": found}
        WANTED.write_text(json.dumps(made, indent="\t") + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
