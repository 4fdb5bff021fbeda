# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 gilscope contributors
"""Who waited for whom, against workloads that know it. That the parts of a thread's waits sum up to its waits is checked of every
report (identities.py)."""

from lines import SLOWNESS
from scope import process_of, thread_of

LONG_US, SHORT_US, COUNT = 12000, 4000, 30
# What is measured around the holder's hold, and the moment between the two waiters' calls.
EACH_NS = 100000 * SLOWNESS
SHARE = 0.005


def blamed(report, waiter, holder):
    """(ns, waits) for which a thread waited for another."""
    rows = [
        (one["ns"], one["waits"])
        for one in process_of(report)["blame"]
        if (one["waiter"], one["holder"]) == (waiter, holder)
    ]
    assert len(rows) <= 1, rows
    return rows[0] if rows else (0, 0)


def test_known_blame(interpreter, truth_library, start_workload, attach):
    workload = start_workload(
        interpreter, "blame.py", truth_library, LONG_US, SHORT_US, COUNT, steady=True
    )
    capture = attach(workload)
    truth = workload.go()
    report = capture.report()

    tolerance = EACH_NS * COUNT + truth["stood_ns"]
    for waiter in workload.ready["waiters"]:
        for holder, held_ns in zip(workload.ready["holders"], truth["held_ns"]):
            ns, waits = blamed(report, waiter, holder)
            assert abs(ns - held_ns) <= SHARE * held_ns + tolerance, (waiter, holder)
            assert waits >= COUNT  # and some short ones, around the conversation
        # The rest: who was first, and nobody.
        wait = thread_of(report, waiter)["wait"]["total_ns"]
        assert wait - sum(blamed(report, waiter, one)[0] for one in workload.ready["holders"]) <= tolerance


def test_nobody_else_is_to_blame(one_interpreter, start_workload, attach):
    """CPU-bound threads in turn: each waits for each other one, and for nobody but them."""
    threads = 4
    workload = start_workload(one_interpreter, "cpu_bound.py", threads, steady=True)
    report = attach(workload, "-d", "2").report(stop=False)

    tids = workload.ready["tids"]
    for waiter in tids:
        wait_ns = thread_of(report, waiter)["wait"]["total_ns"]
        parts = [blamed(report, waiter, one)[0] for one in tids if one != waiter]
        assert all(part >= 0.1 * wait_ns for part in parts), parts
        assert sum(parts) >= 0.9 * wait_ns
        assert blamed(report, waiter, waiter) == (0, 0)
