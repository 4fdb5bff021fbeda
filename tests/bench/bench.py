#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 gilscope contributors
"""Measures what watching a Python costs, and the watcher itself:

    bench.py --build BUILD [--quick] [-f text|markdown] [--check] [NAME...]

Without names all of it, in about 20 minutes on a machine that has nothing else to do; --quick
takes a few minutes and says less. Progress goes to stderr, the tables to stdout. Ctrl-C prints what
is there. --check: status 1 if a bar fails.
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
from stats import FAILS

SECTIONS = (*comparisons.ALL, *tool.ALL, crowd.Crowd, programs.Programs)


def parse():
    names = [one.name for one in SECTIONS]
    parser = argparse.ArgumentParser(description="Measures what watching a Python costs.")
    parser.add_argument("--build", type=pathlib.Path, default="build", help="default: build")
    parser.add_argument("--quick", action="store_true", help="less of everything, 4 minutes")
    parser.add_argument("-f", "--format", choices=("text", "markdown"), default="text")
    parser.add_argument("--markdown", action="store_const", const="markdown", dest="format")
    parser.add_argument("--check", action="store_true", help="status 1 if a bar fails")
    parser.add_argument("name", nargs="*", help="of: " + " ".join(names))
    arguments = parser.parse_args()
    unknown = set(arguments.name) - set(names)
    if unknown:
        parser.error("unknown: %s; there are: %s" % (" ".join(unknown), " ".join(names)))
    return arguments


def measure(sections):
    """Measures one after the other; returns those that were begun."""
    begun = []
    try:
        for section in sections:
            begun.append(section)
            print("%s ..." % section.name, file=sys.stderr, flush=True)
            section.measure()
            children.end_all()
    except KeyboardInterrupt:
        print("interrupted: what is there follows", file=sys.stderr)
    finally:
        for number in children.INTERRUPTS:
            signal.signal(number, signal.SIG_IGN)
        children.end_all()
    return begun


def make_tables(begun, context):
    compared = [one for one in begun if isinstance(one, comparisons.Comparison)]
    others = [one for one in begun if one not in compared]
    made = comparisons.cost_tables(compared, context) if compared else []
    made += [table for one in others for table in one.tables()]
    return made


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
        begun = measure([one(context) for one in wanted])
        found = [claim for one in begun for claim in one.claims()]
        made = make_tables(begun, context) + ([claims.table(found)] if found else [])
    show = [table.markdown() if arguments.format == "markdown" else table.text() for table in made]
    print("\n\n".join([*show, "Machine: " + about]))
    sys.exit(arguments.check and any(one.verdict == FAILS for one in found))


main()
