# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 gilscope contributors
"""Many GIL cycles: each is seen, once, and never two holders at a time."""

import pathlib
import signal

import pytest

import interpreters
from lines import SLOWNESS
from scope import gil_of, hits, process_of, thread_of

# The calls that release the GIL in each operation, by CPython's source: os.listdir of an empty
# folder opens it, reads three times ("." and ".." and the end) and closes it.
RELEASES = {"read": 1, "stat": 1, "write": 1, "listdir": 5}
COUNT = 5000
# The thread's other releases: its conversation with the test.
SLACK = 40
# As many threads as gilscope promises to follow, on a machine that has room for three times as
# many.
LIMITS = [pathlib.Path("/proc/sys/kernel") / name for name in ("threads-max", "pid_max")]
MANY = min(10000, *(int(path.read_text()) // 3 for path in LIMITS))


@pytest.mark.parametrize("operation", sorted(RELEASES))
@pytest.mark.forced
def test_inlined_releases(interpreter, operation, start_workload, attach):
    workload = start_workload(interpreter, "inlined.py", operation, COUNT)
    capture = attach(workload)
    truth = workload.go()
    report = capture.report()

    thread, gil = thread_of(report, workload.ready["tid"]), gil_of(report)
    expected = RELEASES[operation] * truth["count"]
    assert expected <= thread["hold"]["count"] <= expected + SLACK
    assert expected <= thread["voluntary_releases"] <= expected + SLACK
    # A forced one: it was off the CPU for a switch interval, and the main thread asked.
    assert thread["forced_releases"] <= SLACK
    # Each acquire has its release, but for what is open at an edge.
    assert abs(hits(report, "acquire") - hits(report, "release")) <= 2
    assert abs(hits(report, "release") - gil["holds"]) <= 2


def holds_wanted(interpreter):
    """A million on one static and one shared interpreter, fewer on the others and where a hold takes
    longer."""
    for kind in ("static", "shared"):
        one = interpreters.newest(kind)
        if one and (interpreter.kind, interpreter.version) == (kind, one.version):
            return int(1020000 / SLOWNESS)
    return int(150000 / SLOWNESS)


def test_never_two_holders(interpreter, start_workload, attach):
    threads, holds = 3, holds_wanted(interpreter)
    workload = start_workload(interpreter, "gil_cycles.py", threads, holds // threads)
    capture = attach(workload, "--mode", "exact")
    truth = workload.go()
    report = capture.report()  # no losses: none that overlap, none without an acquire or release

    gil = gil_of(report)
    assert gil["holds"] >= truth["cycles"]
    for tid in workload.ready["tids"]:
        assert thread_of(report, tid)["hold"]["count"] >= truth["cycles"] // threads
    assert abs(hits(report, "acquire") - hits(report, "release")) <= 2


def test_small_ring_loses_by_name(interpreter, start_workload, attach):
    """gilscope stands still while its ring of 4 KiB overflows: the time in between is unknown."""
    workload = start_workload(interpreter, "gil_cycles.py", 2, 3000)
    capture = attach(workload, "--mode", "exact", "--ring-size", "4096")
    capture.signal(signal.SIGSTOP)
    lost = workload.go()["cycles"]
    capture.signal(signal.SIGCONT)
    workload.go()
    report = capture.report(losses=True)

    gil, losses = gil_of(report), report["losses"]
    assert losses["ring_full"] >= lost / 2
    assert gil["holds"] + losses["ring_full"] >= 2 * lost
    assert gil["unknown_ns"] > 0
    others = {"overlap", "acquire_missed", "release_missed", "wrong_releaser", "bad_record"}
    assert not {name for name in others if losses[name]}


def test_ten_thousand_threads(one_interpreter, start_workload, attach):
    cycles = 5
    workload = start_workload(one_interpreter, "many_threads.py", MANY, cycles)
    capture = attach(workload)
    workload.go()
    report = capture.report()

    seen = {one["tid"]: one for one in process_of(report)["threads"]}
    assert len(set(workload.ready["tids"])) == MANY
    assert set(workload.ready["tids"]) <= set(seen)
    for tid in workload.ready["tids"]:
        assert seen[tid]["hold"]["count"] >= cycles
        assert not seen[tid]["exited"]
