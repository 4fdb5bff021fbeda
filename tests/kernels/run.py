#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 gilscope contributors
"""Runs e2e tests of the project on other kernels than this machine's, each in an emulated guest:

    run.py [--arch ARCH] [--build BUILD] [--kernel NAME] [-- PYTEST_OPTION...]

--arch     x86 or arm64: whose kernels
--build    where gilscope is built for this machine (build); for another one in BUILD/ARCH
--kernel   only this one

Builds gilscope, prints what became of each test, a table kernel x check and the total; the status
is 1 if anything failed. What the guests wrote is in the kernels folder of the build. Without an
emulator, or without the packages and a network to get them, the kernels are skipped.
"""

import argparse
import os
import pathlib
import re
import shutil
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path.insert(0, str(HERE))

import checks  # noqa: E402
import image  # noqa: E402
from architectures import ARCHITECTURES  # noqa: E402
from boot import Broken, Guest  # noqa: E402
from table import Table  # noqa: E402

# What a guest's tests are told. Each trap into an emulated kernel takes some ten times as long, and
# so does what a timestamp misses of each hold: see tests/e2e/test_truth.py.
ENVIRONMENT = {
    "GILSCOPE": "/gilscope/gilscope",
    "GILSCOPE_COMPILED": "/gilscope/compiled",
    "GILSCOPE_SLOWNESS": "20",
}

# Lines of the tests' own summary (tests/e2e/conftest.py) that are worth a look.
SUMMARY = re.compile("largest error against truth|measured again")


class Run:
    """One kernel's suite: what its guest says goes into the table."""

    def __init__(self, kernel, table):
        self.kernel, self.table = kernel, table
        self.running = self.booted = None

    def note(self, check, test, outcome, why=""):
        self.table.note(self.kernel, check, test, outcome)
        mark = {"passed": "ok  ", "failed": "FAIL", "skipped": "skip"}[outcome]
        print("%s  %s  %s%s" % (mark, self.kernel, test, why and ": " + why), flush=True)

    def boot(self, guest):
        """The guest's whole life."""
        try:
            self.follow(guest)
        except Broken as error:
            self.broken(error)
        finally:
            guest.close()

    def follow(self, guest):
        for kind, values in guest.events():
            getattr(self, "on_" + kind)(**values)
        if not guest.shut_down():
            raise Broken(guest.explain("it did not shut down"))
        for line in guest.lines_with(SUMMARY):
            print("      %s  %s" % (self.kernel, line), flush=True)

    def on_running(self, kernel, python):
        self.booted = True
        self.note(checks.BOOT, "Linux %s, CPython %s" % (kernel, python), "passed")

    def on_start(self, test):
        self.running = test

    def on_end(self, test, outcome, seconds, why):
        self.running = None
        self.note(checks.of(test), test, outcome, ("%s (%g s)" % (why, seconds)).strip())

    def on_done(self, status, complaints):
        if status not in (0, 1):
            self.note(checks.BOOT, "pytest", "failed", "it ended with status %d" % status)
        why = " | ".join(complaints[:5])
        self.note(checks.LOG, "nothing in the kernel log", "failed" if why else "passed", why)

    def broken(self, why):
        """The guest did not come to its end."""
        if self.running:
            self.note(checks.of(self.running), self.running, "failed", str(why))
        else:
            self.note(checks.LOG if self.booted else checks.BOOT, "the guest", "failed", str(why))


def run_kernel(architecture, name, suite, initramfs, folder, table):
    run = Run(name, table)
    try:
        kernel = image.kernel(architecture, suite)
    except image.Unavailable as error:
        run.note(checks.BOOT, "Linux %s" % name, "skipped", str(error))
        return
    run.boot(Guest(architecture, kernel, initramfs, folder / ("%s.log" % name)))


def what_is_missing(architecture):
    programs = {architecture.qemu: architecture.package, "cpio": "cpio", "readelf": "binutils"}
    missing = [package for program, package in programs.items() if not shutil.which(program)]
    return missing and "this machine lacks: %s" % " ".join(missing)


def make(architecture, build):
    """Builds gilscope and the compiled workloads. (their folder, where their libraries are)"""
    command, sysroot = [os.environ.get("MAKE", "make"), "--no-print-directory"], pathlib.Path("/")
    if architecture.machine != os.uname().machine:
        sysroot, build = image.sysroot(architecture), build / architecture.name
        command += ["ARCH=%s" % architecture.name, "SYSROOT=%s" % sysroot]
        command += ["CROSS_COMPILE=%s-" % architecture.triple]
    subprocess.run([*command, "BUILD=%s" % build, "all", "compiled", "test-tools"], cwd=ROOT, check=True)
    return build, sysroot


def prepare(architecture, build, options):
    """(initramfs, folder of the guests' logs)"""
    missing = what_is_missing(architecture)
    if missing:
        raise image.Unavailable(missing)
    build, sysroot = make(architecture, build)
    folder = build / "kernels"
    folder.mkdir(exist_ok=True)
    suite = {"tests": checks.tests(), "left_out": checks.LEFT_OUT}
    suite.update(options=options, environment=ENVIRONMENT)
    return image.make(architecture, build, sysroot, suite, folder), folder


def run_all(arguments, options, table):
    """Boots the kernels one after the other."""
    architecture = ARCHITECTURES[arguments.arch]
    kernels = [one for one in architecture.kernels if arguments.kernel in (None, one[0])]
    try:
        initramfs, folder = prepare(architecture, arguments.build, options)
    except image.Unavailable as error:
        for name, _ in kernels:
            Run(name, table).note(checks.BOOT, "Linux %s" % name, "skipped", str(error))
        return
    for name, suite in kernels:
        run_kernel(architecture, name, suite, initramfs, folder, table)


def main():
    own, options = sys.argv[1:], []
    if "--" in own:
        own, options = own[: own.index("--")], own[own.index("--") + 1 :]
    parser = argparse.ArgumentParser(usage=__doc__)
    parser.add_argument("--arch", choices=ARCHITECTURES, default="x86")
    parser.add_argument("--build", type=pathlib.Path, default=ROOT / "build")
    parser.add_argument("--kernel")
    arguments = parser.parse_args(own)
    if arguments.kernel not in (None, *(one[0] for one in ARCHITECTURES[arguments.arch].kernels)):
        parser.error("unknown kernel: %s" % arguments.kernel)
    arguments.build = arguments.build.resolve()
    table = Table(checks.columns())
    try:
        run_all(arguments, options, table)
    except subprocess.CalledProcessError as error:
        sys.exit("check-kernels: %s" % error)
    print("\n%s\n\n%s" % (table, table.total()))
    sys.exit(1 if table.count("failed") else 0)


if __name__ == "__main__":
    main()
