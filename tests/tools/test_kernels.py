# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 gilscope contributors
"""tests/kernels: what a guest that hangs, panics or says nonsense does to the table, and what is
said where nothing can be booted. The emulator is a script."""

import dataclasses
import pathlib
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "kernels"))

import boot  # noqa: E402
import checks  # noqa: E402
import image  # noqa: E402
import run  # noqa: E402
from architectures import ARCHITECTURES  # noqa: E402
from console import compose  # noqa: E402
from table import Table  # noqa: E402

TEST = "tests/e2e/test_truth.py::test_known_holds[static-3.11.2]"
RUNNING = compose(event="running", kernel="6.1.0", python="3.11.2")
START = compose(event="start", test=TEST)
DONE = compose(event="done", status=0, complaints=[])


def end(outcome, why=""):
    return compose(event="end", test=TEST, outcome=outcome, seconds=1.5, why=why)


@pytest.fixture
def follow(tmp_path, monkeypatch, capsys):
    """follow(console, then=) -> (table, what was printed) of a guest that writes that and then
    runs a line of shell."""

    def guest(console, then=""):
        (tmp_path / "console").write_text(console)
        emulator = tmp_path / "emulator"
        emulator.write_text("#!/bin/sh\ncat %s/console\n%s\n" % (tmp_path, then))
        emulator.chmod(0o755)
        one = dataclasses.replace(ARCHITECTURES["x86"], qemu=str(emulator))
        table = Table(checks.columns())
        run.Run("6.1", table).boot(boot.Guest(one, "kernel", "initramfs", tmp_path / "log"))
        return table, capsys.readouterr().out

    monkeypatch.setattr(boot, "SHUTDOWN_S", 5)
    return guest


def test_a_guest_that_is_well(follow):
    error = "largest error against truth, total hold: 1.0%"
    table, said = follow(RUNNING + "noise\n" + START + end("passed") + error + "\n" + DONE)
    assert table.total() == "3 passed, 0 failed"
    assert table.text("6.1", "truth") == "1 ok"
    assert "noise" not in said
    assert error in said


def test_a_test_that_fails_or_is_skipped(follow):
    table, said = follow(RUNNING + START + end("failed", "E   assert 1 == 2") + DONE)
    assert table.total() == "2 passed, 1 failed"
    assert table.text("6.1", "truth") == "1 of 1 FAILED"
    assert "assert 1 == 2" in said
    table, said = follow(RUNNING + START + end("skipped", "no gcc") + DONE)
    assert table.total() == "2 passed, 0 failed, 1 skipped"
    assert "no gcc" in said


def test_a_test_that_passes_and_then_fails_to_end(follow):
    table, _ = follow(RUNNING + START + end("passed") + end("failed") + DONE)
    assert table.text("6.1", "truth") == "1 of 1 FAILED"


def test_a_panic_fails_the_test_that_ran(follow):
    table, said = follow(RUNNING + START + "Kernel panic - not syncing: Oops\n")
    assert table.text("6.1", "truth") == "1 of 1 FAILED"
    assert "it ended" in said and "Kernel panic" in said


def test_a_kernel_that_never_comes_to_the_suite(follow):
    table, said = follow("Linux version 6.1\nnot a line")
    assert table.text("6.1", checks.BOOT) == "1 of 1 FAILED"
    assert "Linux version 6.1" in said


def test_a_hang_fails_in_time(follow, monkeypatch):
    monkeypatch.setattr(boot, "SILENCE_S", 0.2)
    table, said = follow(RUNNING + START, then="exec sleep 1000")
    assert table.text("6.1", "truth") == "1 of 1 FAILED"
    assert "said nothing more in time" in said


def test_a_guest_that_does_not_shut_down(follow, monkeypatch):
    monkeypatch.setattr(boot, "SHUTDOWN_S", 0.2)
    table, said = follow(RUNNING + START + end("passed") + DONE, then="exec sleep 1000")
    assert table.count("failed") == 1
    assert "did not shut down" in said


def test_a_line_that_was_cut(follow):
    table, said = follow(RUNNING + START[:-5] + "\n" + DONE)
    assert table.count("failed") == 1
    assert "cut" in said


def test_a_suite_that_ran_nothing(follow):
    table, _ = follow(RUNNING + compose(event="done", status=5, complaints=[]))
    assert table.text("6.1", checks.BOOT) == "1 of 2 FAILED"


def test_a_kernel_that_complains(follow):
    complaint = "WARNING: CPU: 0 PID: 1 at kernel/events/uprobes.c:1"
    table, said = follow(RUNNING + compose(event="done", status=0, complaints=[complaint]))
    assert table.text("6.1", checks.LOG) == "1 of 1 FAILED"
    assert complaint in said


def test_without_an_emulator_everything_is_skipped(monkeypatch, capsys):
    monkeypatch.setattr(run.shutil, "which", lambda _: None)
    monkeypatch.setattr(sys, "argv", ["run.py", "--arch", "x86"])
    with pytest.raises(SystemExit) as ended:
        run.main()
    said = capsys.readouterr().out
    assert ended.value.code == 0
    assert said.count("this machine lacks: qemu-system-x86") == 4
    assert said.splitlines()[-1] == "0 passed, 0 failed, 4 skipped"


def test_every_chosen_test_exists():
    assert all((ROOT / test).exists() for test in checks.tests())


def test_libraries_of_a_program():
    """Those of this Python, but for what the guest has already."""
    one = dataclasses.replace(ARCHITECTURES["x86"], triple="%s-linux-gnu" % run.os.uname().machine)
    nowhere, everywhere = pathlib.Path("/nowhere"), pathlib.Path("/lib") / one.triple
    found = image.libraries("/usr/bin/python3", one, pathlib.Path("/"), nowhere)
    assert "libc.so.6" in found
    assert image.libraries("/usr/bin/python3", one, pathlib.Path("/"), everywhere) == {}
