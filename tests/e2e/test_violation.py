# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 gilscope contributors
"""A probe site that is not what the analysis took it for: gilscope detaches and says so."""

import subprocess

import pytest

import scope


@pytest.fixture(scope="module")
def fake_interpreter(compiled):
    """A program that passes for CPython 3.11 from outside."""
    return compiled("fake_interpreter.c", "-rdynamic")


@pytest.fixture
def start(fake_interpreter):
    """start(lie) -> the running program."""
    started = []

    def run(lie):
        process = subprocess.Popen([fake_interpreter, lie], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        started.append(process)
        assert process.stdout.readline() == b"READY {}\n"
        return process

    yield run
    for process in started:
        process.kill()
        process.wait()
        process.stdout.close()


def test_an_honest_one_is_profiled(start):
    """Or the others would show nothing."""
    report = scope.run("-p", start("honest").pid, "-d", "0.5", "-f", "csv")
    assert report.returncode == 0, report.stderr
    assert len(report.stdout.splitlines()) == 2


@pytest.mark.parametrize("lie", ["locked", "holder", "cond"])
def test_a_lie_is_found(start, lie):
    process = start(lie)
    run = scope.run("-p", process.pid, "-d", "30")
    assert run.returncode == 1
    assert run.stdout == ""
    assert "is not what the analysis took it for" in run.stderr
    assert len(run.stderr.splitlines()) == 1, run.stderr
    # It is unharmed and ends by itself.
    process.stdin.close()
    assert process.wait(30) == 0
