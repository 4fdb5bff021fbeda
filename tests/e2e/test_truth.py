# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 gilscope contributors
"""Holds and waits against workloads that know how long theirs were."""

import os
import pathlib
import signal
import time

import pytest

from lines import SLOWNESS
from scope import gil_of, thread_of

# The bar of the project: half a percent, and what a timestamp around the GIL may miss of each hold.
SHARE = 0.005
EACH_NS = 50000 * SLOWNESS
# A thread stands in the run queue for so long each time that it is woken, also on an idle machine.
WAKE_NS = 500000


def tolerance(truth, what):
    """For that part of the truth. On a busy machine a thread stands in the run queue between a
    timestamp and what it is a timestamp of; the workload tells how long its threads stood."""
    count = truth.get("holds", truth.get("waits"))
    busy_ns = max(0, truth["stood_ns"] - WAKE_NS * count)
    return SHARE * truth[what] + EACH_NS * count + busy_ns


def test_known_holds(interpreter, start_workload, attach):
    workload = start_workload(interpreter, "known_holds.py", 10000, 2000, 50, steady=True)
    capture = attach(workload)
    truth = workload.go()
    report = capture.report()

    hold = thread_of(report, workload.ready["tid"])["hold"]
    assert truth["holds"] <= hold["count"] + hold["clipped"]["count"] <= truth["holds"] + 5
    assert abs(hold["total_ns"] - truth["held_ns"]) <= tolerance(truth, "held_ns")
    # Each hold encloses what the workload timed of it; by how much depends on the machine.
    assert hold["max_ns"] >= truth["longest_ns"]
    assert 10000000 <= hold["p50_ns"] * 1.02


def test_given_up_is_not_held(interpreter, start_workload, attach):
    """The same calls the other way around: 100 us with the GIL, 5 ms without."""
    workload = start_workload(interpreter, "known_holds.py", 100, 5000, 60, steady=True)
    capture = attach(workload)
    truth = workload.go()
    report = capture.report()

    thread, gil = thread_of(report, workload.ready["tid"]), gil_of(report)
    allowed = tolerance(truth, "held_ns")
    assert abs(thread["hold"]["total_ns"] - truth["held_ns"]) <= allowed
    assert thread["off_gil_ns"] >= 60 * 5000000
    assert gil["idle_ns"] >= 60 * 5000000
    # Nobody is in its way, but for the scheduler.
    assert thread["wait"]["total_ns"] <= allowed + truth["stood_ns"]
    assert gil["handoff_ns"] <= allowed + truth["stood_ns"]


def test_timed_holds(interpreter, truth_library, start_workload, attach, note_error):
    """Holds that C code times itself, from having the GIL to giving it up."""
    arguments = [truth_library, 4000, 50, 100]
    workload = start_workload(interpreter, "timed_holds.py", *arguments, steady=True)
    capture = attach(workload)
    truth = workload.go()
    report = capture.report()

    hold = thread_of(report, workload.ready["tid"])["hold"]
    assert truth["holds"] <= hold["count"] <= truth["holds"] + 5
    assert abs(hold["total_ns"] - truth["held_ns"]) <= tolerance(truth, "held_ns")
    note_error("total hold", hold["total_ns"], truth)


@pytest.mark.parametrize("hold_us, count", [(4000, 80), (20000, 20)], ids=["4ms", "20ms"])
def test_timed_waits(
    interpreter, hold_us, count, truth_library, start_workload, attach, note_error
):
    """Waits that C code times itself, shorter than the switch interval and longer."""
    arguments = [truth_library, hold_us, count]
    workload = start_workload(interpreter, "timed_waits.py", *arguments, steady=True)
    capture = attach(workload)
    truth = workload.go()
    report = capture.report()

    gil, wait = gil_of(report), thread_of(report, workload.ready["waiter"])["wait"]
    assert abs(wait["total_ns"] - truth["wait_ns"]) <= tolerance(truth, "wait_ns")
    # What the thread timed encloses its wait; by how much depends on the machine.
    assert wait["max_ns"] <= truth["longest_ns"]
    # Waits and holds of that length are as many as there were, but for a thread that stood in the
    # run queue on a busy machine; short ones may surround them.
    long_waits = sum(n for low, _, n in wait["buckets"] if low >= hold_us * 500)
    assert 0.9 * truth["waits"] <= long_waits <= truth["waits"]
    hold = thread_of(report, workload.ready["holder"])["hold"]
    assert hold["total_ns"] >= truth["held_ns"]
    long_holds = sum(n for low, _, n in hold["buckets"] if low >= hold_us * 500)
    assert truth["waits"] <= long_holds <= 1.1 * truth["waits"]
    assert gil["contended_holds"] >= truth["waits"]
    # Nobody holds between the release and the acquire that ends the wait for it.
    assert gil["handoff_ns"] > 0
    note_error("total wait", wait["total_ns"], truth)


def assert_held_by(report, tid):
    """One hold from edge to edge of what was observed."""
    gil, hold = gil_of(report), thread_of(report, tid)["hold"]
    assert gil["held_ns"] >= 0.999 * gil["observed_ns"]
    assert hold["total_ns"] >= 0.999 * gil["observed_ns"]
    assert (hold["count"], hold["clipped"]["count"]) == (0, 1)
    assert gil["observed_ns"] >= 0.99 * report["capture"]["duration_ns"]


def test_alone_beside_a_sleeping_thread(interpreter, start_workload, attach):
    workload = start_workload(interpreter, "alone.py", "thread")
    report = attach(workload, "-d", "1").report(stop=False)

    assert_held_by(report, workload.ready["holder"])
    assert report["capture"]["end"] == "duration"
    assert 0.9e9 <= report["capture"]["duration_ns"] <= 1.5e9
    assert workload.go()["rounds"] > 0


def test_alone_in_the_only_thread(interpreter, start_workload, attach):
    workload = start_workload(interpreter, "alone.py", "main")
    report = attach(workload, "-d", "1").report(stop=False)

    assert_held_by(report, workload.pid)
    os.kill(workload.pid, signal.SIGUSR1)
    assert workload.expect("DONE")["rounds"] > 0
    assert workload.quit() == 0


# System call numbers: read and futex.
READ, FUTEX = {"x86_64": ("0", "202"), "aarch64": ("63", "98")}[os.uname().machine]


def wait_in_system_call(pid, tid, number):
    """Returns when the thread sleeps in that system call."""
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        call = pathlib.Path("/proc/%d/task/%d/syscall" % (pid, tid)).read_text().split()
        if call[0] == number:
            return
        time.sleep(0.001)
    raise AssertionError("thread %d is not in system call %s: %s" % (tid, number, call))


def start_native_hold(interpreter, start_workload):
    """The workload with its holder in native code and its waiter waiting."""
    workload = start_workload(interpreter, "native_hold.py", steady=True)
    wait_in_system_call(workload.pid, workload.ready["holder"], READ)
    wake = "/proc/%d/fd/%d" % (workload.pid, workload.ready["wake"])
    with open(wake, "wb", buffering=0) as pipe:
        pipe.write(b"x")
    wait_in_system_call(workload.pid, workload.ready["waiter"], FUTEX)
    return workload


def test_native_hold_over_the_whole_capture(interpreter, start_workload, attach):
    workload = start_native_hold(interpreter, start_workload)
    holder, waiter = workload.ready["holder"], workload.ready["waiter"]
    report = attach(workload, "-d", "1").report(stop=False)

    assert_held_by(report, holder)
    wait = thread_of(report, waiter)["wait"]
    assert wait["total_ns"] >= 0.99 * gil_of(report)["observed_ns"]
    assert (wait["count"], wait["clipped"]["count"]) == (0, 1)
    assert gil_of(report)["waiters"]["max"] == 1
    workload.tell("go")
    workload.expect("DONE")
    assert workload.quit() == 0


def test_hold_that_ends_in_the_capture(interpreter, start_workload, attach):
    """A hold begun before the capture and released in it is clipped at one edge only, and so is the
    wait for it."""
    workload = start_native_hold(interpreter, start_workload)
    holder, waiter = workload.ready["holder"], workload.ready["waiter"]
    capture = attach(workload)
    workload.tell("go")
    workload.expect("DONE")
    report = capture.report()

    held = thread_of(report, holder)["hold"]
    wait = thread_of(report, waiter)["wait"]
    assert held["clipped"]["count"] == 1 and held["count"] >= 1
    assert wait["clipped"]["count"] == 1
    # The wait ends with the acquire, the handoff later.
    beyond = wait["clipped"]["ns"] - held["clipped"]["ns"]
    assert -EACH_NS <= beyond <= gil_of(report)["handoff_ns"] + EACH_NS
    assert thread_of(report, waiter)["exited"]
