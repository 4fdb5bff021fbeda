# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 gilscope contributors
"""What the target pays for its probes, what gilscope says of it, and what gilscope costs itself."""

import os
import pathlib
import statistics
import subprocess
import time

import pytest

from lines import PATIENCE

WARNING = "process %d pays "


def switches(pid):
    """How often a process has gone to sleep."""
    for line in pathlib.Path("/proc/%d/status" % pid).read_text(encoding="ascii").splitlines():
        if line.startswith("voluntary_ctxt_switches"):
            return int(line.split()[1])
    raise AssertionError("no count of context switches")


@pytest.mark.parametrize("probes", ["call-sites", "libc"])
def test_an_idle_target_costs_nothing(one_interpreter, start_workload, attach, probes):
    """It wakes up about once a second; from libc's entries it asks for new GILs, ever more rarely."""
    workload = start_workload(one_interpreter, "timed_cycles.py", 1)
    capture = attach(workload, *(["--probes", "libc"] if probes == "libc" else []))
    before, begin = switches(capture.process.pid), time.monotonic()
    time.sleep(5)
    slept, elapsed = switches(capture.process.pid) - before, time.monotonic() - begin
    assert slept <= 3 * elapsed + 8
    capture.report()


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


def median_ns(workload, rounds):
    """What a cycle takes of CPU time, which others at work do not add to."""
    truths = [workload.go() for _ in range(rounds)]
    return statistics.median(one["cpu_ns"] / one["cycles"] for one in truths)


def paid_and_added(workload, attach, count):
    """What the report says that a cycle paid for its probes, by how much more it took."""
    rounds = 7
    before = median_ns(workload, rounds)
    capture = attach(workload)
    probed = median_ns(workload, rounds)
    overhead = capture.report()["overhead"]
    paid = overhead["probe_hits"] * overhead["ns_per_hit"] / (rounds * count)
    return paid / (probed - before)


def test_the_cost_of_a_hit_is_what_it_takes(one_interpreter, start_workload, attach):
    """Hits times the calibrated cost, against the slowdown that was measured: within a third."""
    count = 20000
    workload = start_workload(one_interpreter, "timed_cycles.py", count, steady=True)
    ratio = statistics.median(paid_and_added(workload, attach, count) for _ in range(5))
    assert 2 / 3 <= ratio <= 4 / 3


@pytest.mark.parametrize("mode", ["aggregate", "exact"])
def test_no_losses_on_a_busy_machine(one_interpreter, mode, start_workload, attach):
    """Threads that take and drop the GIL as fast as they can, while all CPUs have other work."""
    loops = [["nice", "sh", "-c", "while :; do :; done"]] * os.cpu_count()
    burners = [subprocess.Popen(loop) for loop in loops]
    try:
        workload = start_workload(one_interpreter, "gil_cycles.py", 2, 300000)
        capture = attach(workload, "--mode", mode)
        truth = workload.go()
        report = capture.report()  # of losses none
    finally:
        for burner in burners:
            burner.kill()
            burner.wait()
    assert report["processes"][0]["gils"][0]["holds"] >= truth["cycles"]
