#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 gilscope contributors
"""Measures what watching a Python costs, and the watcher itself:

    bench.py --build BUILD [--quick] [-f text|markdown] [--check] [NAME...]

Without names all of it, in about 20 minutes on a machine that has nothing else to do; --quick
takes a few minutes and says less. Progress goes to stderr, the tables to stdout. Ctrl-C prints what
is there.

Its status is 0 when it has measured, whatever came of it. With --check it is 1 if a bar fails or
was not measured, if none was judged, or if the run was interrupted. It is 0 where the noise does
not allow a verdict, and where what a bar compares gilscope with is not on this machine ("absent").
"""

import argparse
import os
import pathlib
import signal
import sys
import tempfile

import children
import claims
import comparisons
import crowd
import machine
import programs
import tool
from capture import Context

SECTIONS = (*comparisons.ALL, *tool.ALL, crowd.Crowd, programs.Programs)
CHECK = """status 1 if a bar fails or was not measured, if none was judged, or if the run was
interrupted; noise, and a bar for which another tool is absent, are status 0"""


def parse():
    names = [one.name for one in SECTIONS]
    parser = argparse.ArgumentParser(description="Measures what watching a Python costs.")
    parser.add_argument("--build", type=pathlib.Path, default="build", help="default: build")
    parser.add_argument("--quick", action="store_true", help="less of everything, 4 minutes")
    parser.add_argument("-f", "--format", choices=("text", "markdown"), default="text")
    parser.add_argument("--markdown", action="store_const", const="markdown", dest="format")
    parser.add_argument("--check", action="store_true", help=CHECK)
    parser.add_argument("name", nargs="*", help="of: " + " ".join(names))
    arguments = parser.parse_args()
    unknown = set(arguments.name) - set(names)
    if unknown:
        parser.error("unknown: %s; there are: %s" % (" ".join(unknown), " ".join(names)))
    return arguments


def measure(sections):
    """Measures one after the other; returns those that were begun, and whether all were and none
    was interrupted."""
    begun, whole = [], False
    try:
        for section in sections:
            begun.append(section)
            print("%s ..." % section.name, file=sys.stderr, flush=True)
            section.measure()
            children.end_all()
        whole = True
    except KeyboardInterrupt:
        print("interrupted: what is there follows", file=sys.stderr)
    finally:
        for number in children.INTERRUPTS:
            signal.signal(number, signal.SIG_IGN)
        children.end_all()
    return begun, whole


def attempt(what, call, broken):
    """The list that the call returns. If it breaks, broken has one more claim, and what else there
    is is still told."""
    try:
        return call()
    except Exception as error:  # what was measured for 20 minutes is not thrown away
        broken.append(claims.broken(what, error))
        return []


def make_tables(begun, context):
    """(tables, claims) of what was begun."""
    broken = []
    compared = [one for one in begun if isinstance(one, comparisons.Comparison)]
    others = [one for one in begun if one not in compared]
    made = attempt("costs", lambda: comparisons.cost_tables(compared, context), broken)
    for one in others:
        made += attempt(one.name, one.tables, broken)
    found = []
    for one in begun:
        found += attempt(one.name, one.claims, broken)
    found += broken
    return made + ([claims.table(found)] if found else []), found


def interrupt(*_):
    raise KeyboardInterrupt


def main():
    arguments = parse()
    if os.geteuid() != 0:
        sys.exit("bench: attaching needs root: run it with sudo")
    signal.signal(signal.SIGTERM, interrupt)
    with tempfile.TemporaryDirectory(prefix="gilscope-bench-") as folder:
        build = arguments.build.resolve()
        context = Context(build, pathlib.Path(folder), arguments.quick)
        try:
            about = machine.line(context)
        except children.Failed as error:
            sys.exit("bench: %s" % error)
        wanted = [one for one in SECTIONS if not arguments.name or one.name in arguments.name]
        begun, whole = measure([one(context) for one in wanted])
        made, found = make_tables(begun, context)
    show = [table.markdown() if arguments.format == "markdown" else table.text() for table in made]
    print("\n\n".join([*show, "Machine: " + about]))
    complaints = claims.complaints(found, whole) if arguments.check else []
    for line in complaints:
        print("bench: %s" % line, file=sys.stderr)
    sys.exit(bool(complaints))


if __name__ == "__main__":
    main()
