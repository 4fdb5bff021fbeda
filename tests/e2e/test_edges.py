# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 gilscope contributors
"""What happens before, while and after a capture begins and ends, and to its output meanwhile."""

import pathlib
import signal
import subprocess
import time

import pytest

import scope
from lines import PATIENCE
from scope import gil_of


def start_attached(pid, *arguments):
    """gilscope that has attached its probes and waits for the target's waiters to show."""
    process = subprocess.Popen(
        [scope.PROGRAM, "-v", "-p", str(pid), *arguments],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    for line in process.stderr:
        if "attached" in line:
            return process
    raise AssertionError("gilscope ended before it attached")


def wait_for_name(pid, name):
    """Returns when the process has become that program."""
    deadline = time.monotonic() + PATIENCE
    while pathlib.Path("/proc/%d/comm" % pid).read_text().strip() != name:
        assert time.monotonic() < deadline, "it did not become %s" % name
        time.sleep(0.01)


@pytest.mark.parametrize(
    "words, cause",
    [(("exec", "/bin/sleep", "5"), "executed another program"), (("exit",), "ended before the capture began")],
    ids=["exec", "exit"],
)
def test_the_target_goes_while_it_is_attached_to(one_interpreter, start_workload, words, cause):
    """There was no capture, so there is no report that shows one."""
    workload = start_workload(one_interpreter, "slow_switch.py", 1.4)
    process = start_attached(workload.pid, "-d", "30")
    workload.tell(*words)
    stdout, stderr = process.communicate(timeout=PATIENCE)
    assert process.returncode == 1, stdout
    assert stdout == ""
    assert cause in stderr


def test_ctrl_c_while_it_is_attached(one_interpreter, start_workload):
    workload = start_workload(one_interpreter, "slow_switch.py", 1.4)
    process = start_attached(workload.pid, "-d", "30")
    process.send_signal(signal.SIGINT)
    stdout, stderr = process.communicate(timeout=PATIENCE)
    assert process.returncode == 1
    assert stdout == ""
    assert "interrupted before the capture began" in stderr


def test_a_crowd_that_waited_before_the_start(one_interpreter, start_workload, attach):
    """The kernel wakes only some thousand waiters a second: the capture begins when all were seen."""
    threads = 600
    workload = start_workload(one_interpreter, "crowd.py", threads)
    workload.go()
    report = attach(workload, "-d", "1").report(stop=False)
    workload.kill()

    # Each of them waited or held, or was between the two, from the begin to the end.
    entries = report["processes"][0]["threads"]
    observed = gil_of(report)["observed_ns"]
    assert len([t for t in entries if t["tid"] in workload.ready["tids"]]) == threads
    for thread in entries:
        if thread["tid"] in workload.ready["tids"]:
            assert thread["wait"]["total_ns"] + thread["hold"]["total_ns"] >= 0.95 * observed
    assert gil_of(report)["waiters"]["mean"] >= 0.95 * (threads - 1)


def test_an_exec_that_a_full_ring_buffer_hides(one_interpreter, start_workload):
    """The reader stands still while the ring buffer fills and the target becomes another program."""
    workload = start_workload(one_interpreter, "ends.py")
    capture = scope.Capture("--mode", "exact", "--ring-size", "4K", "-d", "30", pid=workload.pid).wait_started()
    capture.signal(signal.SIGSTOP)
    for _ in range(20):
        workload.go()
    workload.tell("exec", "/bin/cat")
    wait_for_name(workload.pid, "cat")
    capture.signal(signal.SIGCONT)
    report = capture.report(losses=True, stop=False)
    assert report["capture"]["end"] == "exec"
    assert report["losses"]["ring_full"] > 0


def test_a_reader_that_goes_away_ends_it(one_interpreter, start_workload):
    """gilscope -i ... | head -2"""
    workload = start_workload(one_interpreter, "ends.py")
    process = subprocess.Popen(
        [scope.PROGRAM, "-p", str(workload.pid), "-i", "50ms"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    for _ in range(2):
        assert process.stdout.readline()
    process.stdout.close()
    assert process.wait(PATIENCE) == 1
    assert len(process.stderr.read().splitlines()) == 1
    process.stderr.close()


def test_intervals_shorter_than_10_ms(one_interpreter, start_workload):
    workload = start_workload(one_interpreter, "ends.py")
    run = scope.run("-p", workload.pid, "-i", "1us", "-d", "1")
    assert run.returncode == 2
    assert "10ms" in run.stderr


def test_a_failed_report_is_not_hidden_by_the_commands_status(one_interpreter):
    command = [*one_interpreter.command, "-c", "pass"]
    run = scope.run("--exit-status", "-o", "/dev/full", "--", *command, env=one_interpreter.environment)
    assert run.returncode == 1, run.stderr
    assert "/dev/full" in run.stderr or "No space" in run.stderr


def test_signals_from_inside_libc_are_no_releases(one_interpreter, start_workload, attach):
    """Nothing is lost (the report is checked for it), though some of them come."""
    workload = start_workload(one_interpreter, "signal_stealing.py")
    report = attach(workload, "--probes", "libc", "-d", "4").report(stop=False)
    assert gil_of(report)["holds"] > 0
    if not report["overhead"]["foreign_hits"]:
        pytest.skip("no waiter timed out at the moment of a release")
