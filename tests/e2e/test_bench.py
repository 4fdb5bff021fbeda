# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 gilscope contributors
"""tests/bench at work: that it measures and says so, not what it measured."""

import os
import pathlib
import signal
import subprocess
import sys
import time

import pytest

import scope
from lines import PATIENCE, LineReader

pytest.importorskip("elftools")
BENCH = scope.ROOT / "tests" / "bench" / "bench.py"
BUILD = pathlib.Path(scope.PROGRAM).parent


# Says its version, and does nothing else.
BROKEN = """#!/bin/sh
[ "$1" = --version ] && echo gilscope 0 && exit
echo broken >&2
exit 3
"""


def start(*arguments, **options):
    command = [sys.executable, BENCH, "--build", BUILD, "--quick", *arguments]
    streams = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    return subprocess.Popen(command, **streams, **options)


def test_what_it_measures_is_in_the_tables():
    bench = start("-f", "markdown", "idle", "programs")
    told, said = bench.communicate(timeout=PATIENCE)
    rows = [line.split(" | ") for line in told.decode().splitlines() if line.startswith("| ")]
    by_name = {row[0].lstrip("| "): row for row in rows}

    assert bench.returncode == 0, said
    assert by_name["gilscope's CPU on an idle target"][3] in ("holds", "fails")
    # It was loaded while its instructions were counted.
    _, instructions, in_the_kernel, machine_code = by_name["gil_call_site"]
    assert int(instructions) <= int(in_the_kernel)
    assert int(machine_code.rstrip(" |")) > 0
    assert told.decode().splitlines()[-1].startswith("Machine: Linux ")


@pytest.mark.parametrize("options, status", [([], 0), (["--check"], 1)])
def test_a_broken_gilscope_fails_a_check(tmp_path, options, status):
    program = tmp_path / "gilscope"
    program.write_text(BROKEN, encoding="ascii")
    program.chmod(0o755)
    bench = start(*options, "idle", "cycles2", env={**os.environ, "GILSCOPE": str(program)})
    told, said = bench.communicate(timeout=PATIENCE)

    assert bench.returncode == status, said
    assert told.decode().count("not measured  gilscope ended: broken") == 2
    assert (b"not measured: idle" in said) == bool(status)


def test_ctrl_c_leaves_nothing_behind():
    """It ends what it has started, and prints."""
    bench = start("memory")
    try:
        assert LineReader(bench.stderr.fileno(), "bench").read(PATIENCE) == "memory ..."
        children = wait_for_children(bench)
        bench.send_signal(signal.SIGINT)
        told, said = bench.communicate(timeout=PATIENCE)
    finally:
        bench.kill()
    assert bench.returncode == 0, said
    assert b"Machine: " in told
    assert not [pid for pid in children if pathlib.Path("/proc/%s" % pid).exists()]


def wait_for_children(bench):
    """Its child processes, when it has at least two: a target and who watches it."""
    listed = pathlib.Path("/proc/%d/task/%d/children" % (bench.pid, bench.pid))
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        children = listed.read_text(encoding="ascii").split()
        if len(children) >= 2:
            return children
        assert bench.poll() is None, "the bench has ended, with status %d" % bench.returncode
        time.sleep(0.01)
    raise AssertionError("the bench has started %d processes" % len(children))
