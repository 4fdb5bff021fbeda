# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 gilscope contributors
"""gilscope stat -- COMMAND: starts a command and profiles it to its end."""

import json
import os

import pytest

import scope
from identities import check_report
from scope import process_of
from workload import script

THREADS, CYCLES = 3, 400


def profile(interpreter, folder, *options, status=0, command=None):
    """(CompletedProcess, report) of a command that runs command.py."""
    output = folder / "report.json"
    command = command or [*interpreter.command, script("command.py"), THREADS, CYCLES, status]
    run = scope.run(
        "stat", "-f", "json", "-o", output, *options, "--", *command, env=interpreter.environment
    )
    report = json.loads(output.read_text()) if output.exists() else None
    if report:
        check_report(report)
    return run, report


def test_every_thread_from_its_start(interpreter, tmp_path):
    if interpreter.plugin:
        pytest.skip("a command that loads CPython after its own code began has to be attached to")
    run, report = profile(interpreter, tmp_path)

    assert run.returncode == 0, run.stderr
    truth = json.loads(run.stdout)  # what the command printed, and nothing else
    assert report["capture"]["end"] == "target_exit"
    threads = {one["tid"]: one for one in process_of(report, truth["main"])["threads"]}
    for tid in truth["tids"]:
        assert threads[tid]["hold"]["count"] >= CYCLES
        assert threads[tid]["hold"]["clipped"]["count"] == 0
        assert threads[tid]["exited"]
    # No thread before those of the command's own code, the main thread's aside.
    assert set(threads) == {truth["main"], *truth["tids"]}


def test_at_the_entries_of_libc(one_interpreter, tmp_path):
    """There the programs know a GIL only when the interpreter has made it."""
    run, report = profile(one_interpreter, tmp_path, "--probes", "libc")

    assert run.returncode == 0, run.stderr
    truth = json.loads(run.stdout)
    threads = {one["tid"]: one for one in process_of(report, truth["main"])["threads"]}
    for tid in truth["tids"]:
        assert threads[tid]["hold"]["count"] >= CYCLES


def test_through_a_shell(one_interpreter, tmp_path):
    """The process is Python only after an exec or two."""
    line = " ".join(map(str, [*one_interpreter.command, script("command.py"), 2, 100, 0]))
    run, report = profile(one_interpreter, tmp_path, command=["sh", "-c", "exec " + line])

    assert run.returncode == 0, run.stderr
    truth = json.loads(run.stdout)
    threads = {one["tid"]: one for one in process_of(report)["threads"]}
    assert set(truth["tids"]) <= set(threads)


def test_status_of_the_command(one_interpreter, tmp_path):
    assert profile(one_interpreter, tmp_path, status=7)[0].returncode == 0
    assert profile(one_interpreter, tmp_path, "--exit-status", status=7)[0].returncode == 7
    assert profile(one_interpreter, tmp_path, "--exit-status", status=0)[0].returncode == 0


def test_signal_of_the_command(one_interpreter, tmp_path):
    """A command that a signal ends has the status that a shell would give it."""
    code = "import os, time; time.sleep(0.3); os.kill(os.getpid(), 15)"
    command = [*one_interpreter.command, "-c", code]
    run, report = profile(one_interpreter, tmp_path, "--exit-status", command=command)

    assert run.returncode == 128 + 15
    assert report["capture"]["end"] == "target_exit"


def test_duration_ends_the_capture_first(one_interpreter, tmp_path):
    """The command is not ended with the capture."""
    code = "import time; time.sleep(1.5); print('whole')"
    command = [*one_interpreter.command, "-c", code]
    run, report = profile(one_interpreter, tmp_path, "-d", "500ms", command=command)

    assert run.returncode == 0, run.stderr
    assert report["capture"]["end"] == "duration"


def test_report_on_stdout_comes_last(one_interpreter):
    """Without -o the command's output comes first, as it was written, and then the report."""
    command = [*one_interpreter.command, script("command.py"), 1, 10, 0]
    run = scope.run("stat", "-f", "json", "--", *command)

    assert run.returncode == 0, run.stderr
    first, rest = run.stdout.split("\n", 1)
    assert "tids" in json.loads(first)
    check_report(json.loads(rest))


def one_message(run, status, *words):
    assert run.returncode == status, run.stderr
    assert run.stdout == ""
    lines = run.stderr.strip().splitlines()
    assert lines[0].startswith("gilscope: ") and len(lines) <= 2, run.stderr
    for word in words:
        assert word in run.stderr, run.stderr


def test_command_not_found():
    one_message(scope.run("stat", "--", "/no/such/program"), 1, "/no/such/program")
    one_message(scope.run("stat", "--", "no-such-program-anywhere"), 1, "no-such-program-anywhere")


def test_command_not_executable(tmp_path):
    file = tmp_path / "notes.txt"
    file.write_text("text")
    one_message(scope.run("stat", "--", file), 1, "notes.txt")


@pytest.mark.parametrize("command", [["true"], ["sh", "-c", "exit 3"]], ids=["true", "sh"])
def test_command_that_never_runs_python(command):
    one_message(scope.run("stat", "--", *command), 1, "Python")


def test_options_after_the_dashes_are_the_commands(one_interpreter, tmp_path):
    code = "import sys; print(sys.argv[1:])"
    command = [*one_interpreter.command, "-c", code, "-d", "0", "--format=bogus"]
    run, report = profile(one_interpreter, tmp_path, command=command)

    assert run.returncode == 0, run.stderr
    assert run.stdout.strip() == "['-d', '0', '--format=bogus']"
    assert report["processes"][0]["pid"] != os.getpid()
