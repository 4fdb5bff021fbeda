# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 gilscope contributors
"""Runs inside the guest: the e2e tests that are named in suite.json, one line of JSON about each
on the console, so that the host knows how far the suite came if the kernel hangs or panics."""

import json
import os
import pathlib
import re
import sys

import pytest

from console import compose

PROJECT = pathlib.Path(__file__).resolve().parents[2]
# What a kernel says when it is not well. RCU's complaints about stalls are left out: the host of an
# emulated CPU may take it away for seconds.
COMPLAINTS = re.compile(r"\b(BUG|WARNING|UBSAN|Oops|general protection fault|Call Trace)\b:?")


class Console:
    """The guest's console, also while pytest captures the output."""

    def __init__(self):
        self.fd = os.dup(1)

    def say(self, **what):
        os.write(self.fd, compose(**what).encode())


class Reporter:
    """A pytest plugin: leaves tests out by parts of their names, and says of each of the others
    when it starts and ends."""

    def __init__(self, console, left_out):
        self.console, self.left_out = console, left_out

    def pytest_collection_modifyitems(self, items):
        items[:] = [one for one in items if not any(part in one.name for part in self.left_out)]

    def pytest_runtest_logstart(self, nodeid):
        self.console.say(event="start", test=nodeid)

    def pytest_runtest_logreport(self, report):
        if report.when == "call" or report.outcome != "passed":
            self.console.say(
                event="end",
                test=report.nodeid,
                outcome=report.outcome,
                seconds=round(report.duration, 1),
                why=reason(report),
            )


def reason(report):
    """Why it was skipped, or the first line of what failed."""
    if isinstance(report.longrepr, tuple):
        return report.longrepr[2]
    lines = report.longreprtext.splitlines()
    return next((line for line in lines if line.startswith("E ")), "".join(lines[-1:]))


def complaints():
    """The kernel's messages that say that something is wrong with it."""
    with open("/dev/kmsg", "rb", buffering=0) as log:
        os.set_blocking(log.fileno(), False)
        found = []
        while True:
            try:
                message = log.read(8192)
            except BrokenPipeError:  # messages were lost before this one
                continue
            if not message:
                return found
            text = message.decode(errors="replace").split(";", 1)[-1].splitlines()[0]
            if COMPLAINTS.search(text):
                found.append(text)


def main():
    console = Console()
    suite = json.loads((PROJECT / "suite.json").read_text(encoding="utf-8"))
    os.environ.update(suite["environment"])
    console.say(event="running", kernel=os.uname().release, python=sys.version.split()[0])
    before = len(complaints())
    reporter = Reporter(console, suite["left_out"])
    options = ["-p", "no:cacheprovider", "--color=no", "--tb=short", "-rsf", *suite["options"]]
    status = pytest.main([*options, *suite["tests"]], plugins=[reporter])
    console.say(event="done", status=int(status), complaints=complaints()[before:])


main()
