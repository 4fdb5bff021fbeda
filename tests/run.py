#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 gilscope contributors
"""Runs the project's checks and says how many passed:

    run.py --build BUILD [build|lint|unit|tools|e2e ...] [-- PYTEST_OPTION...]

Without a name all of them, in this order. The last line is the total over the builds, the lint
checks, each unit test and each pytest test; the status is 1 if anything failed.
"""

import argparse
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import xml.etree.ElementTree

ROOT = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests" / "matrix"))
import cross  # noqa: E402 (the path comes first)
import debian  # noqa: E402

MAKE = os.environ.get("MAKE", "make")
UNIT_TIMEOUT_S = 600
SOURCES = ("user/**/*.[ch]", "bpf/*.[ch]", "tests/**/*.[ch]")
WITH_HEADER = SOURCES + ("tests/**/*.py", "tools/*.py", "tools/*.sh", "Makefile", ".ci/run")
HEADER = ("SPDX-License-Identifier: ", "BSD-2-Clause", "Copyright (c) 2026 gilscope contributors")


class Totals:
    """What passed, failed and was skipped so far."""

    def __init__(self):
        self.passed = self.failed = self.skipped = 0

    def add(self, passed=0, failed=0, skipped=0):
        self.passed += passed
        self.failed += failed
        self.skipped += skipped

    def __str__(self):
        text = "%d passed, %d failed" % (self.passed, self.failed)
        return text + (", %d skipped" % self.skipped if self.skipped else "")


def files(patterns):
    """The project's files of those patterns, sorted."""
    return sorted({path for pattern in patterns for path in ROOT.glob(pattern)})


def check(totals, name, problems):
    """One check: it passed if there are no problems (lines of text)."""
    totals.add(passed=not problems, failed=bool(problems))
    print("%s  %s" % ("FAIL" if problems else "ok  ", name), flush=True)
    for line in problems:
        print("      " + line, flush=True)


def run(*command):
    """The command's output as lines if it failed, or nothing."""
    try:
        done = subprocess.run(
            [str(word) for word in command],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            check=False,
        )
    except OSError as error:
        return [str(error)]
    if done.returncode == 0:
        return []
    return done.stdout.splitlines() or ["exit status %d" % done.returncode]


def check_build(totals, build):
    """The program and its unit tests with each compiler; the first build is the one that is
    used."""
    for compiler, folder in (("gcc", build), ("clang", build / "clang")):
        if not shutil.which(compiler):
            skip(totals, "build with %s" % compiler, "it is not installed")
            continue
        jobs = "-j%d" % (os.cpu_count() or 1)
        problems = run(MAKE, jobs, "CC=" + compiler, "BUILD=%s" % folder, "all", "unit")
        check(totals, "build with %s" % compiler, problems)
    check_cross_build(totals, build)


def skip(totals, name, reason):
    totals.add(skipped=1)
    print("skip  %s: %s" % (name, reason), flush=True)


def check_cross_build(totals, build):
    """The program for arm64, with Debian's libraries for it; and what an emulator can run of it:
    the program starts, and the planner's tests pass, on interpreters compiled for arm64."""
    name, compiler, emulator = "build for arm64", "aarch64-linux-gnu-gcc", "qemu-aarch64-static"
    if os.uname().machine == "aarch64":
        return
    if not shutil.which(compiler):
        skip(totals, name, "%s is not installed" % compiler)
        return
    try:
        sysroot = cross.sysroot("arm64")
    except debian.Unavailable as error:
        skip(totals, name, "no libraries for it: %s" % error)
        return
    folder = build / "arm64"
    options = ["ARCH=arm64", "CROSS_COMPILE=aarch64-linux-gnu-", "SYSROOT=%s" % sysroot]
    jobs = "-j%d" % (os.cpu_count() or 1)
    problems = run(MAKE, jobs, *options, "BUILD=%s" % folder, "all", "unit")
    check(totals, name, problems)
    if problems:
        return
    if not shutil.which(emulator):
        skip(totals, "run for arm64", "%s is not installed" % emulator)
        return
    emulate = [emulator, "-L", sysroot]
    for option in ("--version", "--help"):
        problems = run(*emulate, folder / "gilscope", option)
        check(totals, "arm64: gilscope %s" % option, problems)
    # clang's frames are found from the frame pointer, gcc's from the stack pointer.
    for command in (compiler, "clang --target=aarch64-linux-gnu"):
        if not shutil.which(command.split()[0]):
            skip(totals, "arm64: test_plan_builds with %s" % command, "it is not installed")
            continue
        with_compiler = ["env", "GILSCOPE_TEST_CC=%s --sysroot=%s" % (command, sysroot)]
        problems = run(*with_compiler, *emulate, folder / "tests/test_plan_builds")
        check(totals, "arm64: test_plan_builds with %s" % command, problems)


def check_lint(totals, build):
    check(totals, "includes point one way", run(sys.executable, "tools/check-includes.py"))
    sources = files(SOURCES)
    if shutil.which("clang-format"):
        problems = run("clang-format", "--dry-run", "-Werror", *sources)
        check(totals, "clang-format", [line for line in problems if ": error: " in line])
    else:
        skip(totals, "clang-format", "it is not installed")
    check(totals, "every file has its licence", without_header())
    check(totals, "shell scripts parse", parse_shell())
    check(totals, "make install", install(build))


def without_header():
    """Files whose first lines lack a line of the header."""
    return [
        "%s: its first lines lack: %s" % (path.relative_to(ROOT), line)
        for path in files(WITH_HEADER)
        for line in HEADER
        if line not in "\n".join(path.read_text(encoding="utf-8").splitlines()[:4])
    ]


def parse_shell():
    scripts = files(("tools/*.sh",))
    return [line for script in scripts for line in run("sh", "-n", script)] + run(
        "bash", "-n", ".ci/run"
    )


def install(build):
    """What is wrong with an installation into an empty folder."""
    with tempfile.TemporaryDirectory() as folder:
        target = ["DESTDIR=" + folder, "PREFIX=/opt/gilscope", "BUILD=%s" % build]
        problems = run(MAKE, *target, "install")
        return problems or run(pathlib.Path(folder) / "opt/gilscope/bin/gilscope", "--version")


def check_unit(totals, build):
    """Every program in BUILD/tests; each of its tests counts."""
    programs = [build / "tests" / path.stem for path in files(("tests/unit/test_*.c",))]
    for program in programs:
        if not program.exists():
            check(totals, "unit %s" % program.name, ["it was not built"])
            continue
        try:
            done = subprocess.run(
                [program],
                cwd=ROOT,
                env={**os.environ, "CMOCKA_MESSAGE_OUTPUT": "TAP"},
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                errors="replace",
                timeout=UNIT_TIMEOUT_S,
                check=False,
            )
        except subprocess.TimeoutExpired:
            check(totals, "unit %s" % program.name, ["not done in %d s" % UNIT_TIMEOUT_S])
            continue
        count_tap(totals, program.name, done)


def count_tap(totals, name, done):
    """Counts the tests of one program. One that ends early or with a status fails once more."""
    # A skipped test is "not ok ... # SKIP" in cmocka.
    results = re.findall(r"^(ok|not ok) \d+([^\n#]*# SKIP)?", done.stdout, re.M)
    skipped = sum(bool(skip) for _, skip in results)
    failed = sum(result == "not ok" and not skip for result, skip in results)
    passed = len(results) - failed - skipped
    planned = sum(int(number) for number in re.findall(r"^1\.\.(\d+)", done.stdout, re.M))
    if done.returncode < 0 or not results or len(results) < planned:
        failed += 1
    elif done.returncode and not failed:
        failed = 1
    totals.add(passed, failed, skipped)
    print("%s  unit %s: %d passed" % ("FAIL" if failed else "ok  ", name, passed), flush=True)
    if failed:
        print(done.stdout, "exit status", done.returncode, flush=True)
    elif skipped:
        print("".join(line + "\n" for line in done.stdout.splitlines() if "# SKIP" in line), end="")


def check_pytest(totals, build, folder, options):
    """Every test in the folder."""
    results = build / ("%s.xml" % folder)
    results.unlink(missing_ok=True)
    command = [sys.executable, "-m", "pytest", "tests/%s" % folder, "-rsf", "--tb=short"]
    command += ["--durations=10", "-p", "no:cacheprovider", "--junitxml=%s" % results, *options]
    env = {**os.environ, "GILSCOPE": str(build / "gilscope"), "PYTHONDONTWRITEBYTECODE": "1"}
    status = subprocess.run(command, cwd=ROOT, env=env, check=False).returncode
    if not results.exists():
        check(totals, "pytest tests/%s" % folder, ["it ended with status %d" % status])
        return
    suites = xml.etree.ElementTree.parse(results).getroot().iter("testsuite")
    count = {name: 0 for name in ("tests", "failures", "errors", "skipped")}
    for suite in suites:
        for name in count:
            count[name] += int(suite.get(name))
    failed = count["failures"] + count["errors"]
    if status != 0 and not failed:
        failed = 1
    totals.add(count["tests"] - failed - count["skipped"], failed, count["skipped"])


def main():
    names = ["build", "lint", "unit", "tools", "e2e"]
    parser = argparse.ArgumentParser()
    parser.add_argument("--build", type=pathlib.Path, default=ROOT / "build")
    parser.add_argument("name", nargs="*", help=" ".join(names))
    own, options = sys.argv[1:], []
    if "--" in own:
        own, options = own[: own.index("--")], own[own.index("--") + 1 :]
    arguments = parser.parse_args(own)
    wanted = arguments.name or names
    if set(wanted) - set(names):
        parser.error("unknown: %s" % " ".join(set(wanted) - set(names)))
    build, totals = (ROOT / arguments.build).resolve(), Totals()
    build.mkdir(parents=True, exist_ok=True)
    checks = {
        "build": lambda: check_build(totals, build),
        "lint": lambda: check_lint(totals, build),
        "unit": lambda: check_unit(totals, build),
        "tools": lambda: check_pytest(totals, build, "tools", options),
        "e2e": lambda: check_pytest(totals, build, "e2e", options),
    }
    for name in names:
        if name in wanted:
            checks[name]()
    print(totals)
    sys.exit(1 if totals.failed else 0)


main()
