# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 gilscope contributors
"""What gilscope says of the share of its time that a process pays, and when it warns of it."""

import time

import pytest

from lines import PATIENCE

WARNING = "process %d pays "


def wait_for_warning(capture, pid):
    """Returns when gilscope, which is at work, has said that this process pays too much."""
    while True:
        line = capture.reader.read(PATIENCE)
        assert line is not None, capture.messages
        if WARNING % pid in line:
            return


def test_it_warns_while_it_runs(one_interpreter, start_workload, attach):
    """Though the capture was quiet for long: what counts is what is paid now."""
    busy = start_workload(one_interpreter, "gil_cycles.py", 1, 10**9)
    idle = start_workload(one_interpreter, "gil_cycles.py", 1, 1)
    capture = attach(busy, "-p", idle.pid)
    time.sleep(3)
    busy.tell("go")
    wait_for_warning(capture, busy.pid)
    report = capture.report()

    assert report["overhead"]["target_cpu_fraction"] > 0
    assert WARNING % idle.pid not in capture.messages


def test_it_does_not_warn_of_a_quiet_target(one_interpreter, start_workload, attach):
    workload = start_workload(one_interpreter, "known_holds.py", 1000, 9000, 500)
    capture = attach(workload)
    workload.go()
    report = capture.report()
    assert report["overhead"]["target_cpu_fraction"] < 0.05
    assert WARNING % workload.pid not in capture.messages


def test_a_process_is_judged_by_its_own_time(one_interpreter, start_workload, attach):
    """One that lived for a part of the capture, and was busy, did not pay less for that."""
    busy = start_workload(one_interpreter, "timed_cycles.py", 100000)
    idle = start_workload(one_interpreter, "timed_cycles.py", 1)
    capture = attach(busy, "-p", idle.pid)
    busy.go()
    busy.quit()
    time.sleep(2)
    report = capture.report()

    overhead, capture_ns = report["overhead"], report["capture"]["duration_ns"]
    process = next(one for one in report["processes"] if one["pid"] == busy.pid)
    cost_ns = overhead["probe_hits"] * overhead["ns_per_hit"]
    assert process["observed_ns"] < capture_ns / 2
    paid = process["probe_cost"]["cpu_fraction"]
    assert paid == pytest.approx(cost_ns / process["observed_ns"], rel=0.02)
    assert overhead["target_cpu_fraction"] == pytest.approx(cost_ns / capture_ns, rel=0.02)
