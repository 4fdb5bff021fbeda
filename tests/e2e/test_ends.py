# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 gilscope contributors
"""How captures end, and threads and processes that come and go meanwhile."""

import pathlib
import signal

import pytest

from scope import gil_of, process_of, thread_of


def test_duration(interpreter, start_workload, attach):
    workload = start_workload(interpreter, "ends.py")
    report = attach(workload, "-d", "700ms").report(stop=False)

    assert report["capture"]["end"] == "duration"
    assert 0.7e9 <= report["capture"]["duration_ns"] <= 1.2e9
    for tid in workload.ready["tids"]:
        assert thread_of(report, tid)["hold"]["count"] > 10


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["SIGINT", "SIGTERM"])
def test_signal(one_interpreter, number, start_workload, attach):
    workload = start_workload(one_interpreter, "ends.py")
    capture = attach(workload, "-d", "60")
    workload.go()
    capture.signal(number)
    report = capture.report(stop=False)

    assert report["capture"]["end"] == "signal"
    assert report["capture"]["duration_ns"] < 50e9
    assert gil_of(report)["holds"] >= 100


def test_target_exits(interpreter, start_workload, attach):
    workload = start_workload(interpreter, "ends.py")
    capture = attach(workload, "-d", "60")
    workload.go()
    workload.tell("exit", 3)
    assert workload.process.wait(60) == 3
    report = capture.report(stop=False)

    assert report["capture"]["end"] == "target_exit"
    assert gil_of(report)["holds"] >= 100
    # The process is gone, and nothing was observed after that.
    assert report["capture"]["duration_ns"] < 50e9


def test_target_is_killed(one_interpreter, start_workload, attach):
    """Killed with the GIL held: what is open is closed by the exit."""
    workload = start_workload(one_interpreter, "cpu_bound.py", 2)
    capture = attach(workload, "-d", "60")
    workload.process.kill()
    report = capture.report(stop=False)

    assert report["capture"]["end"] == "target_exit"


def test_target_execs(interpreter, start_workload, attach):
    workload = start_workload(interpreter, "ends.py")
    capture = attach(workload, "-d", "60")
    workload.go()
    workload.tell("exec", "/bin/sleep", 60)
    report = capture.report(stop=False)

    assert report["capture"]["end"] == "exec"
    assert gil_of(report)["holds"] >= 100
    assert workload.process.poll() is None  # it sleeps on


def test_threads_come_and_go(interpreter, start_workload, attach):
    threads, cycles = 20, 30
    workload = start_workload(interpreter, "short_threads.py", threads, cycles)
    capture = attach(workload)
    truth = workload.go()
    report = capture.report()

    duration = report["capture"]["duration_ns"]
    lived = 0
    # A thread id can come back, when the kernel has gone around; then two threads are one entry.
    for tid in set(truth["tids"]):
        thread = thread_of(report, tid)
        assert thread["exited"]
        assert thread["hold"]["count"] >= cycles
        lived += thread["observed_ns"]
        assert thread["hold"]["clipped"]["count"] == 0
    # Each of them was gone before the next one began.
    assert lived <= duration
    main = thread_of(report, workload.pid)
    assert not main["exited"]
    assert main["observed_ns"] >= 0.99 * duration
    staying = [t for t in process_of(report)["threads"] if t["tid"] == workload.ready["staying"]]
    assert not staying or not staying[0]["exited"]


def test_attach_twice_in_a_row(interpreter, start_workload, attach):
    workload = start_workload(interpreter, "gil_cycles.py", 2, 2000)
    for _ in range(2):
        capture = attach(workload)
        truth = workload.go()
        report = capture.report()
        assert truth["cycles"] <= gil_of(report)["holds"] <= truth["cycles"] + 200


def code_at(pid, probes):
    """What the process's memory holds at each probe, a few bytes."""
    found = []
    with open("/proc/%d/mem" % pid, "rb", buffering=0) as memory:
        for probe in probes:
            begin, file_begin = mapping_of(pid, probe["file"], probe["offset"])
            memory.seek(begin + probe["offset"] - file_begin)
            found.append(memory.read(4))
    return found


def mapping_of(pid, file, offset):
    """(address, offset in the file) at which the executable mapping begins that holds the offset."""
    for line in pathlib.Path("/proc/%d/maps" % pid).read_text().splitlines():
        addresses, rights, file_begin, _, _, *path = line.split(maxsplit=5)
        begin, end = (int(word, 16) for word in addresses.split("-"))
        inside = offset - int(file_begin, 16)
        if path == [file] and "x" in rights and 0 <= inside < end - begin:
            return begin, int(file_begin, 16)
    raise AssertionError("process %d does not map %s at %#x" % (pid, file, offset))


def test_nothing_stays_behind(interpreter, start_workload, attach):
    """The code has a breakpoint at each probe while it is probed, and none before and after."""
    workload = start_workload(interpreter, "ends.py")
    probes = process_of(attach(workload).report())["probes"]
    before = code_at(workload.pid, probes)
    capture = attach(workload)
    during = code_at(workload.pid, probes)
    capture.report()

    assert len(probes) >= 2
    assert all(was != now for was, now in zip(before, during)), (before, during)
    assert code_at(workload.pid, probes) == before


def test_two_at_the_same_time(interpreter, start_workload, attach):
    workload = start_workload(interpreter, "gil_cycles.py", 2, 2000)
    first, second = attach(workload), attach(workload)
    truth = workload.go()
    reports = [first.report(), second.report()]

    for report in reports:
        assert truth["cycles"] <= gil_of(report)["holds"] <= truth["cycles"] + 200


def test_one_leaves_while_another_stays(one_interpreter, start_workload, attach):
    workload = start_workload(one_interpreter, "gil_cycles.py", 2, 2000)
    first, second = attach(workload), attach(workload)
    before = workload.go()["cycles"]
    first.report()
    after = workload.go()["cycles"]
    report = second.report()

    assert before + after <= gil_of(report)["holds"] <= before + after + 400
