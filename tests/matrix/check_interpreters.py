#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 gilscope contributors
"""The tests that depend on the interpreter, on every interpreter of the matrix:

    check_interpreters.py --build BUILD [ROW...] [-- PYTEST_OPTION...]

Without a name all rows; --list names them. An interpreter that is not on this machine is fetched or
built, into the cache. Prints a table, row by column, in which each cell counts the tests that ran:
"5" passed, "FAIL 1/5" failed, "skip 1/5" skipped; a row that could not be had says why. The last
line is the total; the status is 1 if anything failed.
"""

import argparse
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import xml.etree.ElementTree

import sources

ROOT = pathlib.Path(__file__).resolve().parents[2]

# What a test shows, by its name or else by its file's; in the order of the columns.
COLUMNS = ("found", "sites", "truth", "contention", "forced", "libc", "ends", "gils",
           "trees", "target", "names", "frames", "lines")
COLUMN_OF = {
    "test_inlined_releases": "sites",
    "test_never_two_holders": "sites",
    "test_aggregate": "sites",
    "test_small_ring_loses_by_name": "sites",
    "test_forced_and_voluntary": "forced",
    "test_libc_probes": "libc",
    "test_every_thread_from_its_start": "ends",
    "test_truth": "truth",
    "test_contention": "contention",
    "test_ends": "ends",
    "test_blame": "contention",
    "test_gils": "gils",
    "test_trees": "trees",
    "test_target": "target",
    "test_names": "names",
    "test_resolve": "target",
    "test_python_code": "frames",
    "test_python_lines": "lines",
    "test_doctor": "target",
    "test_symbols": "target",
}


class Cell:
    """The tests of one row and column."""

    def __init__(self):
        self.tests, self.failed, self.skipped = 0, [], []

    def add(self, name, case):
        self.tests += 1
        skipped = case.find("skipped")
        if skipped is not None:
            self.skipped.append((name, skipped.get("message")))
        elif case.find("failure") is not None or case.find("error") is not None:
            self.failed.append((name, ""))

    def __str__(self):
        if self.failed:
            return "FAIL %d/%d" % (len(self.failed), self.tests)
        if self.skipped:
            return "skip %d/%d" % (len(self.skipped), self.tests)
        return str(self.tests or "")


class Row:
    """What became of one interpreter."""

    def __init__(self, name, version="", missing=""):
        self.name, self.version, self.missing = name, version, missing
        self.cells = {column: Cell() for column in COLUMNS}
        self.found = ""

    def add(self, case):
        name = case.get("name").split("[")[0]
        module = case.get("classname").split(".")[-1]
        self.cells[COLUMN_OF.get(name) or COLUMN_OF[module]].add(case.get("name"), case)
        self.found = property_of(case, "found") or self.found

    def texts(self):
        if self.missing:
            return [self.name, "", "not had: " + self.missing]
        cells = [str(self.cells[column]) for column in COLUMNS if column != "found"]
        return [self.name, self.version, self.found, *cells]

    def trouble(self):
        """Lines that name what did not pass."""
        for word, kind in (("FAIL", "failed"), ("skip", "skipped")):
            for cell in self.cells.values():
                for name, why in getattr(cell, kind):
                    yield "%s  %s%s" % (word, name, ": " + why if why else "")

    def count(self, kind):
        return sum(len(getattr(cell, kind)) for cell in self.cells.values())


def property_of(case, name):
    for one in case.iter("property"):
        if one.get("name") == name:
            return one.get("value")
    return None


def assemble(names, folder):
    """(rows of the table, the interpreters of those that could be had)"""
    table, had = [], []
    for source in sources.rows():
        if names and source.name not in names:
            continue
        print("%-24s" % source.name, end="", flush=True)
        try:
            interpreter = source.get(folder)
        except sources.Unavailable as error:
            print("not had: %s" % error, flush=True)
            table.append(Row(source.name, missing=re.sub(r"\s+", " ", str(error))))
            continue
        print(interpreter.file, flush=True)
        had.append(interpreter)
        table.append(Row(source.name, ".".join(map(str, interpreter.version))))
    return table, had


def run_tests(build, listing, results, options):
    """pytest's status."""
    command = [sys.executable, "-m", "pytest", "tests/e2e", "-rsf", "--tb=short"]
    command += ["-p", "no:cacheprovider", "--junitxml=%s" % results, *options]
    variables = {"GILSCOPE": str(build / "gilscope"), "GILSCOPE_INTERPRETERS": str(listing)}
    env = {**os.environ, **variables, "PYTHONDONTWRITEBYTECODE": "1"}
    return subprocess.run(command, cwd=ROOT, env=env, check=False).returncode


def print_table(table):
    lines = [["INTERPRETER", "VERSION", *(column.upper() for column in COLUMNS)]]
    lines += [row.texts() for row in table]
    whole = [line for line in lines if len(line) == len(lines[0])]
    widths = [max(len(line[at]) for line in whole) for at in range(len(lines[0]))]
    print()
    for line in lines:
        print("  ".join(text.ljust(width) for text, width in zip(line, widths)).rstrip())
    print()
    for row in table:
        for line in row.trouble():
            print(line)


def arguments():
    usage = "%(prog)s [--build BUILD] [ROW...] [-- PYTEST_OPTION...]"
    parser = argparse.ArgumentParser(usage=usage)
    parser.add_argument("--build", type=pathlib.Path, default=ROOT / "build")
    parser.add_argument("--list", action="store_true", help="names the rows")
    parser.add_argument("row", nargs="*")
    own, options = sys.argv[1:], []
    if "--" in own:
        own, options = own[: own.index("--")], own[own.index("--") + 1 :]
    given = parser.parse_args(own)
    unknown = set(given.row) - {source.name for source in sources.rows()}
    if unknown:
        parser.error("unknown: %s" % " ".join(sorted(unknown)))
    return given, options


def main():
    given, options = arguments()
    if given.list:
        print("\n".join(source.name for source in sources.rows()))
        return
    build = (ROOT / given.build).resolve()
    results = build / "interpreters.xml"
    results.unlink(missing_ok=True)
    status = 0
    with tempfile.TemporaryDirectory() as folder:
        table, had = assemble(given.row, folder)
        listing = pathlib.Path(folder) / "interpreters.json"
        sources.interpreters.save(had, listing)
        if had:
            status = run_tests(build, listing, results, options)
    of_id = {one.id: row for one, row in zip(had, [row for row in table if not row.missing])}
    cases = []
    if results.exists():
        cases = list(xml.etree.ElementTree.parse(results).getroot().iter("testcase"))
    for case in cases:
        of_id[property_of(case, "interpreter")].add(case)
    print_table(table)
    failed = sum(row.count("failed") for row in table) or (1 if status else 0)
    skipped = sum(row.count("skipped") for row in table)
    missing = sum(bool(row.missing) for row in table)
    passed = len(cases) - sum(row.count("failed") + row.count("skipped") for row in table)
    print("%d passed, %d failed, %d skipped" % (passed, failed, skipped + missing))
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
