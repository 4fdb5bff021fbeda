# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 gilscope contributors
"""Threads that want the GIL at the same time."""

import pytest

from lines import SLOWNESS
from scope import gil_of, thread_of

SWITCH_NS = 5000000
# What going to sleep and waking up again take of a wait.
WAKE_NS = 50000 * SLOWNESS


@pytest.mark.forced
def test_cpu_bound_threads_share(interpreter, start_workload, attach):
    threads = 4
    workload = start_workload(interpreter, "cpu_bound.py", threads, steady=True)
    report = attach(workload, "-d", "3").report(stop=False)

    gil = gil_of(report)
    assert gil["held_ns"] + gil["handoff_ns"] >= 0.99 * gil["observed_ns"]
    # Whenever nobody held it, somebody wanted it.
    assert gil["idle_ns"] < gil["handoff_ns"]
    assert gil["holds"] >= 200 / SLOWNESS
    assert gil["forced_releases"] >= 0.95 * gil["holds"]
    assert gil["contended_holds"] >= 0.95 * gil["holds"]
    assert gil["waiters"]["max"] == threads - 1 or gil["waiters"]["max"] == threads
    assert threads - 1.5 <= gil["waiters"]["mean"] <= threads
    # A turn takes the switch interval, and on a slow machine as long again to wake the next thread.
    turn_ns = gil["observed_ns"] / gil["holds"]
    assert turn_ns >= 0.9 * SWITCH_NS
    for tid in workload.ready["tids"]:
        thread = thread_of(report, tid)
        fair = gil["observed_ns"] / threads
        assert 0.5 * fair <= thread["hold"]["total_ns"] <= 1.6 * fair
        expected = (threads - 1) * turn_ns
        assert expected / 2 <= thread["wait"]["p50_ns"] <= expected * 2
        # A thread that only computes holds the GIL or waits for it. On a busy machine it may stand
        # in the run queue at the start of the capture, in a wait that nobody has seen yet.
        assert thread["off_gil_ns"] <= 0.03 * thread["observed_ns"]


@pytest.mark.forced
def test_convoy(interpreter, start_workload, attach):
    """A short call beside a computing thread costs a switch interval, whatever that is set to."""
    workload = start_workload(interpreter, "convoy.py", 100, steady=True)
    medians = []
    # Where a wake-up takes longer, so do the intervals that it is measured against.
    longest_ns = int(SWITCH_NS * SLOWNESS)
    for interval_ns in (longest_ns, longest_ns // 10):
        workload.go(interval_ns / 1e9)
        capture = attach(workload)
        truth = workload.go(interval_ns / 1e9)
        report = capture.report()

        assert gil_of(report)["switch_interval_ns"] == interval_ns
        wait = thread_of(report, workload.ready["io"])["wait"]
        # On a busy machine some calls are back before the other thread is awake.
        assert wait["count"] >= 0.4 * truth["calls"]
        assert 0.9 * interval_ns <= wait["p50_ns"] <= 2 * interval_ns
        shortest, longest = 0.9 * interval_ns, 2 * interval_ns + WAKE_NS
        near = sum(n for low, _, n in wait["buckets"] if shortest <= low <= longest)
        assert near >= 0.6 * wait["count"]
        # It cannot have waited in the time that its calls took; the test's word cost it one more.
        waitable = truth["elapsed_ns"] - truth["calls"] * truth["call_ns"]
        assert wait["total_ns"] <= waitable + 2 * interval_ns
        cpu = thread_of(report, workload.ready["cpu"])
        assert cpu["forced_releases"] >= 0.8 * wait["count"]
        assert cpu["voluntary_releases"] <= 5
        # Whoever is forced to drop waits from then on, also if the GIL is back at once.
        waits = cpu["wait"]["count"] + cpu["wait"]["clipped"]["count"]
        assert 0 <= waits - cpu["forced_releases"] <= 1
        medians.append(wait["p50_ns"])
    assert medians[0] >= 4 * medians[1]


@pytest.mark.forced
def test_forced_and_voluntary(interpreter, start_workload, attach):
    """A raw write after a long stretch of C code gives the GIL up by itself, though the drop flag
    is set; Python code between is forced to."""
    workload = start_workload(interpreter, "pickle_raw.py", 10, steady=True)
    capture = attach(workload)
    truth = workload.go()
    report = capture.report()

    pickler = thread_of(report, workload.ready["pickler"])
    # Each write is one voluntary release; beside them there is the conversation with the test.
    assert truth["writes"] <= pickler["voluntary_releases"] <= truth["writes"] + 40
    assert pickler["forced_releases"] >= truth["rounds"]
    cpu = thread_of(report, workload.ready["cpu"])
    assert cpu["voluntary_releases"] <= 5
    assert cpu["forced_releases"] >= truth["rounds"]
    # A wait ends with an acquire.
    wait, hold = pickler["wait"], pickler["hold"]
    assert wait["count"] <= hold["count"] + hold["clipped"]["count"]
    # A thread that waits uses no CPU time. An emulated CPU that stands still for want of a real one
    # counts as used, though, for many times as long as a wait takes.
    if SLOWNESS == 1:
        off_cpu = truth["elapsed_ns"] - truth["cpu_ns"]
        assert wait["total_ns"] <= 1.005 * off_cpu + WAKE_NS * wait["count"] + 3 * SWITCH_NS
