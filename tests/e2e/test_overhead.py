# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 gilscope contributors
"""What the target pays for its probes, held against what gilscope says of it, and how often
gilscope itself wakes up."""

import pathlib
import statistics
import time

import pytest


def switches(pid):
    """How often a process has gone to sleep."""
    for line in pathlib.Path("/proc/%d/status" % pid).read_text(encoding="ascii").splitlines():
        if line.startswith("voluntary_ctxt_switches"):
            return int(line.split()[1])
    raise AssertionError("no count of context switches")


def wake_ups(pid, seconds):
    """How often a second it went to sleep, in so many seconds."""
    before, begin = switches(pid), time.monotonic()
    time.sleep(seconds)
    return (switches(pid) - before) / (time.monotonic() - begin)


@pytest.mark.parametrize("probes", ["call-sites", "libc"])
def test_an_idle_target_costs_nothing(one_interpreter, start_workload, attach, probes):
    """It wakes up once a second; from libc's entries it asks for new GILs too, ever more rarely. A
    window of 2 s has one wake-up more or less at its edges."""
    workload = start_workload(one_interpreter, "timed_cycles.py", 1)
    capture = attach(workload, *(["--probes", "libc"] if probes == "libc" else []))
    rates = [wake_ups(capture.process.pid, 2) for _ in range(5)]
    capture.report()
    assert statistics.median(rates) <= 1.6, rates


def median_ns(workload, rounds):
    """What a cycle takes of CPU time, which others at work do not add to."""
    truths = [workload.go() for _ in range(rounds)]
    return statistics.median(one["cpu_ns"] / one["cycles"] for one in truths)


def paid_and_added(workload, attach, mode, count):
    """What the report says that a cycle paid for its probes, by how much more it took."""
    rounds = 7
    before = median_ns(workload, rounds)
    capture = attach(workload, "--mode", mode)
    probed = median_ns(workload, rounds)
    overhead = capture.report()["overhead"]
    paid = overhead["probe_hits"] * overhead["ns_per_hit"] / (rounds * count)
    return paid / (probed - before)


@pytest.mark.parametrize("mode", ["aggregate", "exact"])
def test_the_cost_of_a_hit_is_what_it_takes(one_interpreter, mode, start_workload, attach):
    """Hits times the calibrated cost, against the slowdown that was measured: within a third."""
    count = 20000
    workload = start_workload(one_interpreter, "timed_cycles.py", count, steady=True)
    ratios = [paid_and_added(workload, attach, mode, count) for _ in range(5)]
    assert 2 / 3 <= statistics.median(ratios) <= 4 / 3, ratios
