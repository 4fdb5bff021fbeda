# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 gilscope contributors
"""Short holds that nobody waits for are counted in the kernel: the same totals, of each thread, as if each had been recorded."""

import signal

import pytest

import scope
from lines import SLOWNESS
from scope import gil_of, process_of, thread_of

# Releases of a thread beside its cycles: its start and end, and its conversation with the test.
SLACK = 60
# STATE_MIN_HOLD_SLOTS: tids that are so far apart count in the same place.
PLACES = 4096
# TELL_AFTER: what a thread has counted is told after so many.
TOLD_AFTER = 1 << 20


def test_edges_between_cycles(one_interpreter, start_workload, attach):
    """The capture begins and ends in the midst of them, half of the times in a hold: each report adds up and has no losses."""
    workload = start_workload(one_interpreter, "gil_cycles.py", 1, 10**9)
    workload.tell("go")
    for _ in range(6):
        report = attach(workload, "-d", "0.1").report(stop=False)
        assert gil_of(report)["aggregated_holds"] > 0


@pytest.mark.parametrize("mode", ["aggregate", "exact"])
def test_every_cycle(interpreter, mode, start_workload, attach):
    cycles = int(20000 / SLOWNESS)
    workload = start_workload(interpreter, "gil_cycles.py", 1, cycles)
    capture = attach(workload, "--mode", mode)
    workload.go()
    report = capture.report()

    gil, thread = gil_of(report), thread_of(report, workload.ready["tids"][0])
    assert report["capture"]["mode"] == mode
    assert cycles <= thread["hold"]["count"] <= cycles + SLACK
    if mode == "exact":
        assert gil["aggregated_holds"] == 0
    else:
        assert gil["aggregated_holds"] > 0.9 * cycles


def test_the_modes_that_are_chosen(one_interpreter, start_workload, attach):
    workload = start_workload(one_interpreter, "gil_cycles.py", 1, 1)
    assert attach(workload).report()["capture"]["mode"] == "aggregate"
    assert attach(workload, "-i", "100ms").report()["capture"]["mode"] == "exact"


def test_a_place_that_is_taken(one_interpreter, start_workload, attach):
    """Thousands of threads pass by, until one would count where a living one does."""
    cycles = 25
    workload = start_workload(one_interpreter, "passing_threads.py", cycles, PLACES)
    capture = attach(workload, "--mode", "aggregate")
    truth = workload.go()
    report = capture.report()

    assert (truth["tids"][-1] - truth["first"]) % PLACES == 0
    assert 2 * cycles <= thread_of(report, truth["first"])["hold"]["count"] <= 2 * cycles + SLACK
    # Most of those that passed are told together.
    process = process_of(report)
    stayed = (truth["first"], workload.pid)
    passed = [one for one in process["threads"] if one["tid"] not in stayed]
    passed += process["exited_threads"]
    assert sum(one.get("threads", 1) for one in passed) == len(truth["tids"])
    for one in passed:
        threads, count = one.get("threads", 1), one["hold"]["count"]
        assert threads * cycles <= count <= threads * (cycles + SLACK), one
    assert gil_of(report)["aggregated_holds"] > 0.5 * cycles * len(truth["tids"])


def test_places_come_back(one_interpreter, start_workload, attach):
    """More threads than there are places, one after the other: each finds a free one."""
    workload = start_workload(one_interpreter, "passing_threads.py", 25, PLACES)
    capture = attach(workload, "--mode", "aggregate")
    threads = 0
    while threads < 1.5 * PLACES:
        threads += len(workload.go()["tids"])
    report = capture.report()

    # Without a place, a thread counts nothing: then it would be half of them. Some wait on a busy machine.
    assert gil_of(report)["aggregated_holds"] > 0.65 * 25 * threads


def test_more_than_is_told_at_once(one_interpreter, start_workload, attach):
    cycles = TOLD_AFTER + 50000
    workload = start_workload(one_interpreter, "gil_cycles.py", 1, cycles)
    capture = attach(workload, "--mode", "aggregate")
    workload.go()
    report = capture.report()

    thread = thread_of(report, workload.ready["tids"][0])
    assert cycles <= thread["hold"]["count"] <= cycles + SLACK
    assert gil_of(report)["aggregated_holds"] > 0.9 * cycles


def test_a_ring_buffer_that_is_full(one_interpreter, start_workload, attach):
    """gilscope stands still behind a ring buffer of 4 KiB. What is counted needs no room there, and what threads that end have counted
    is kept."""
    cycles = 1000
    workload = start_workload(one_interpreter, "passing_threads.py", cycles, 16)
    capture = attach(workload, "--mode", "aggregate", "--ring-size", "4K")
    capture.signal(signal.SIGSTOP)
    truth = workload.go()
    capture.signal(signal.SIGCONT)
    report = capture.report(losses=True)

    gil, lost = gil_of(report), report["losses"]["ring_full"]
    known = cycles * (len(truth["tids"]) + 2)
    assert gil["holds"] + lost >= known
    assert gil["aggregated_holds"] > 0.5 * known
    others = {"overlap", "bad_interval", "acquire_missed", "release_missed", "bad_record"}
    assert not {name for name in others if report["losses"][name]}


def test_a_series_needs_each_hold(one_interpreter, start_workload):
    workload = start_workload(one_interpreter, "gil_cycles.py", 1, 1)
    done = scope.run("-p", workload.pid, "--mode", "aggregate", "-i", "1", "-d", "1")
    assert (done.returncode, done.stdout) == (2, "")
    assert "leave one out" in done.stderr
