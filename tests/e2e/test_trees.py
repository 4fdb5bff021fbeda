# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 gilscope contributors
"""Several processes: children, lists, names and control groups."""

import dataclasses
import json
import os
import pathlib
import shutil
import subprocess

import pytest

from identities import check_report, check_series
from lines import SLOWNESS
from scope import process_of
from workload import script

# Long enough to be attached to meanwhile.
HOLDS, USEC = 20 if SLOWNESS == 1 else 200, 10000


def entries_of(report, pid):
    """Every run of a PID, in time."""
    runs = [one for one in report["processes"] if one["pid"] == pid]
    return sorted(runs, key=lambda one: one["from_ns"])


def held_by(entry):
    """Time that the process's GILs were held."""
    return sum(gil["held_ns"] for gil in entry["gils"])


def check_children(report, truth, parent):
    """Each child is there, and what it held was seen but for the time before it was attached to."""
    for child in truth["children"]:
        entry = process_of(report, child["pid"])
        assert entry["ppid"] == parent or parent is None
        assert held_by(entry) >= 0.99 * child["held_ns"] - entry["unobserved_ns"], entry
        main = [one for one in entry["threads"] if one["tid"] == child["pid"]]
        assert len(main) == 1, "the child's own thread held its GIL"


def wait_captured(capture, pids):
    """Returns when all of them are captured."""
    missing = set(pids)
    while missing:
        line = capture.reader.read(60)
        assert line is not None, "gilscope ended: %s" % capture.reader.seen
        if line.endswith("is captured"):
            missing.discard(int(line.split()[2]))


def test_children_that_are_there(interpreter, start_workload, attach):
    workload = start_workload(interpreter, "tree.py", "fork-idle", 3, HOLDS, USEC)
    workload.tell("go")
    pids = workload.expect("FORKED")["pids"]
    capture = attach(workload, "--follow")
    workload.tell("work")
    truth = workload.expect("DONE")
    report = capture.report()

    assert sorted(one["pid"] for one in report["processes"]) == sorted(pids + [workload.pid])
    check_children(report, truth, workload.pid)
    for child in truth["children"]:
        entry = process_of(report, child["pid"])
        assert entry["unobserved_ns"] == 0
        assert held_by(entry) <= 3 * child["held_ns"]
        assert entry["end"] == "target_exit"
    assert report["totals"]["processes"] == 4


def test_children_forked_later(interpreter, start_workload, attach):
    workload = start_workload(interpreter, "tree.py", "fork-idle", 3, HOLDS, USEC)
    capture = attach(workload, "--follow")
    workload.tell("go")
    pids = workload.expect("FORKED")["pids"]
    wait_captured(capture, pids)
    workload.tell("work")
    truth = workload.expect("DONE")
    report = capture.report()

    check_children(report, truth, workload.pid)
    for child in truth["children"]:
        entry = process_of(report, child["pid"])
        assert entry["from_ns"] > 0
        holds = sum(gil["holds"] for gil in entry["gils"])
        assert HOLDS <= holds <= HOLDS + 100
        assert held_by(entry) <= 3 * child["held_ns"]


@pytest.mark.parametrize("way", ["fork", "spawn", "shell", "mp-fork", "mp-spawn", "forkserver"])
def test_ways_to_make_a_child(one_interpreter, way, start_workload, attach):
    workload = start_workload(one_interpreter, "tree.py", way, 2, HOLDS, USEC)
    capture = attach(workload, "--follow")
    truth = workload.go()
    report = capture.report()

    assert len(truth["children"]) == 2
    check_children(report, truth, workload.pid if way in ("fork", "spawn", "mp-fork") else None)


def test_not_followed_unless_asked_for(one_interpreter, start_workload, attach):
    workload = start_workload(one_interpreter, "tree.py", "fork", 2, 1, USEC)
    capture = attach(workload)
    workload.go()
    report = capture.report()

    assert [one["pid"] for one in report["processes"]] == [workload.pid]


def test_a_forked_child_begins_with_its_gil_held(one_interpreter, start_workload, attach):
    """It computes from its first instruction on and gives the GIL up only at its end."""
    usec = 700000
    workload = start_workload(one_interpreter, "tree.py", "fork", 1, 1, usec)
    capture = attach(workload, "--follow")
    truth = workload.go()
    report = capture.report()

    child = process_of(report, truth["children"][0]["pid"])
    assert child["unobserved_ns"] > 0
    if child["unobserved_ns"] > 500 * usec:
        pytest.skip("the machine was too busy: attached after half of the hold")
    (gil,) = child["gils"]
    assert gil["held_ns"] >= 0.9 * (truth["children"][0]["held_ns"] - child["unobserved_ns"])
    (thread,) = [one for one in child["threads"] if one["tid"] == child["pid"]]
    assert thread["hold"]["clipped"]["count"] >= 1


@pytest.mark.parametrize("followed", [False, True], ids=["one", "tree"])
def test_a_process_that_becomes_another_python(interpreter, followed, start_workload, attach):
    if interpreter.plugin:
        pytest.skip("a server that embeds Python executes no other")
    workload = start_workload(interpreter, "tree.py", "exec", 1, HOLDS, USEC)
    capture = attach(workload, *["--follow"] * followed)
    truth = workload.go()
    workload.tell("end")
    assert workload.process.wait(60) == 0
    report = capture.report(stop=False)

    before, after = entries_of(report, workload.pid)
    assert before["end"] == "exec" and after["end"] == "target_exit"
    assert after["from_ns"] >= before["from_ns"] + before["observed_ns"]
    assert held_by(after) >= 0.99 * truth["children"][0]["held_ns"] - after["unobserved_ns"]
    # Each event once, although the links of the run before may still be there.
    holds = sum(gil["holds"] for gil in after["gils"])
    signals = [one for one in after["probes"] if one["role"] in ("release", "libc-signal")]
    assert holds <= sum(one["hits"] for one in signals) + 1
    assert report["capture"]["end"] == "target_exit"


def test_many_short_children(one_interpreter, start_workload, attach):
    """Each is in the report, or counted as missed."""
    count = 150
    workload = start_workload(one_interpreter, "tree.py", "fork", count, 0, 0)
    capture = attach(workload, "--follow")
    truth = workload.go()
    report = capture.report(losses=True)

    assert len(truth["children"]) == count
    seen = {one["pid"] for one in report["processes"]} - {workload.pid}
    assert seen <= {one["pid"] for one in truth["children"]}
    assert len(seen) + report["losses"]["process_missed"] == count
    assert report["losses"]["process_event"] == 0
    assert report["capture"]["coverage"] < 1


def test_intervals_of_short_children(one_interpreter, start_workload, attach):
    """Each has those in which it lived."""
    workload = start_workload(one_interpreter, "tree.py", "fork", 10, 20, 2000)
    interval = 20_000_000
    capture = attach(workload, "--follow", "-i", "20ms")
    workload.go()
    report = capture.report(losses=True)

    children = [one for one in report["processes"] if one["pid"] != workload.pid]
    assert children
    for one in report["processes"]:
        check_series(one)
        assert one["series"][0]["at_ns"] == one["from_ns"] // interval * interval
        assert len(one["series"]) <= one["observed_ns"] // interval + 2
    assert children[-1]["series"][0]["at_ns"] > 0


def test_a_list(interpreter, start_workload, start_capture):
    workloads = [start_workload(interpreter, "gil_cycles.py", 2, 1000) for _ in range(3)]
    first, second, other = workloads
    capture = start_capture("-p", "%d,%d" % (first.pid, second.pid)).wait_started()
    cycles = {one.pid: one.go()["cycles"] for one in workloads}
    report = capture.report()

    assert {one["pid"] for one in report["processes"]} == {first.pid, second.pid}
    for one in (first, second):
        (gil,) = process_of(report, one.pid)["gils"]
        assert cycles[one.pid] <= gil["holds"] <= cycles[one.pid] + 200
    assert other.process.poll() is None


def test_a_list_with_a_wrong_pid(one_interpreter, start_workload, start_capture):
    """Whoever names a process wants it in the report."""
    workload = start_workload(one_interpreter, "ends.py")
    with subprocess.Popen(["sleep", "60"]) as sleeper:
        for wrong in (sleeper.pid, 99999999):
            capture = start_capture("-p", "%d,%d" % (workload.pid, wrong), "-d", "60")
            status, stdout = capture.finish()
            assert (status, stdout) == (1, b"")
            assert str(wrong) in capture.messages
        sleeper.kill()


@pytest.fixture
def named(one_interpreter, tmp_path):
    """An interpreter of a name that no other process has."""
    if one_interpreter.kind != "static":
        pytest.skip("no static interpreter that can be copied")
    copy = tmp_path / "gil-zebra"
    shutil.copy(one_interpreter.exe, copy)
    env = one_interpreter.env + (("PYTHONHOME", "/usr"),)
    return dataclasses.replace(one_interpreter, exe=str(copy), env=env)


def test_by_name(named, one_interpreter, start_workload, start_capture):
    before = start_workload(named, "gil_cycles.py", 2, 1000)
    start_workload(one_interpreter, "gil_cycles.py", 2, 1000)
    capture = start_capture("--comm", "gil-zebra").wait_started()
    after = start_workload(named, "gil_cycles.py", 2, 1000)
    wait_captured(capture, [after.pid])
    cycles = {one.pid: one.go()["cycles"] for one in (before, after)}
    report = capture.report()

    assert {one["pid"] for one in report["processes"]} == set(cycles)
    for pid, number in cycles.items():
        (gil,) = process_of(report, pid)["gils"]
        assert gil["holds"] >= number


def test_by_name_before_there_is_one(named, start_workload, start_capture):
    capture = start_capture("--comm", "gil-zebra").wait_started()
    workload = start_workload(named, "gil_cycles.py", 2, 1000)
    wait_captured(capture, [workload.pid])
    workload.go()
    report = capture.report()

    assert [one["pid"] for one in report["processes"]] == [workload.pid]


@pytest.fixture
def cgroup():
    """A control group of our own, and its folder's path; removed with the test."""
    for parent in ("/sys/fs/cgroup", "/sys/fs/cgroup/unified", "/sys/fs/cgroup/pids"):
        folder = pathlib.Path(parent) / ("gilscope-test-%d" % os.getpid())
        try:
            folder.mkdir()
        except OSError:
            continue
        if (folder / "cgroup.procs").exists():
            yield folder
            folder.rmdir()
            return
        folder.rmdir()
    pytest.skip("no control group can be made here")


def test_by_control_group(one_interpreter, cgroup, start_workload, start_capture):
    inside = [start_workload(one_interpreter, "gil_cycles.py", 2, 1000) for _ in range(2)]
    start_workload(one_interpreter, "gil_cycles.py", 2, 1000)
    try:
        (cgroup / "cgroup.procs").write_text(str(inside[0].pid))
        capture = start_capture("--cgroup", cgroup).wait_started()
        (cgroup / "cgroup.procs").write_text(str(inside[1].pid))
        wait_captured(capture, [inside[1].pid])
        for one in inside:
            one.go()
        report = capture.report()
    finally:
        for one in inside:
            one.kill()

    assert {one["pid"] for one in report["processes"]} == {one.pid for one in inside}


def test_a_command_and_its_children(one_interpreter, start_capture, tmp_path):
    tree, output = script("tree.py"), tmp_path / "report.json"
    child = "%s %s child %d %d 1" % (one_interpreter.exe, tree, 2 * HOLDS, USEC)
    command = "%s & %s; wait" % (child, child)
    capture = start_capture("--follow", "-o", output, "--", "/bin/sh", "-c", command)
    status, stdout = capture.finish()
    assert status == 0, capture.messages
    children = [json.loads(line) for line in stdout.splitlines()]
    report = json.loads(output.read_text())
    check_report(report)

    assert {one["pid"] for one in report["processes"]} == {one["pid"] for one in children}
    assert len(children) == 2
    check_children(report, {"children": children}, None)


def test_ends_with_the_last_of_the_tree(one_interpreter, start_capture, tmp_path):
    """Also if processes that were found die at once, or stay as zombies."""
    line = "import subprocess, sys\n"
    line += "for _ in range(20): subprocess.run([sys.executable, '-c', 'pass'])\n"
    line += "child = subprocess.Popen(['true'])\nimport time; time.sleep(0.5)"
    program = tmp_path / "program.py"
    program.write_text(line)
    output = tmp_path / "report.json"
    command = [*one_interpreter.command, program]
    status, _ = start_capture("--follow", "-o", output, "--", *command).finish()

    assert status == 0
    report = json.loads(output.read_text())
    check_report(report, losses=True)
    assert report["capture"]["end"] == "target_exit"
    assert len(report["processes"]) + report["losses"]["process_missed"] <= 21


def test_a_root_that_is_no_python(one_interpreter, start_capture):
    line = "while :; do %s -c 'import time; time.sleep(0.5)'; done" % one_interpreter.exe
    with subprocess.Popen(["sh", "-c", line]) as shell:
        try:
            capture = start_capture("--follow", "-p", shell.pid).wait_started()
            while not capture.messages.rstrip().endswith("is captured"):
                assert capture.reader.read(60) is not None, capture.messages
            report = capture.report(losses=True)
        finally:
            shell.kill()

    assert report["processes"]
    assert all(one["ppid"] == shell.pid for one in report["processes"])


def test_lines_of_intervals_count_the_living(one_interpreter, start_capture, tmp_path):
    """One process after the other holds the GIL; those that have ended are not idle ones."""
    usec = 300000
    tree = [*one_interpreter.command, script("tree.py"), "child", 1, usec, 1]
    command = "for i in 1 2 3 4 5 6; do %s; done" % " ".join(map(str, tree))
    capture = start_capture(
        "--follow", "-i", "300ms", "-o", tmp_path / "report.json", "--", "sh", "-c", command
    )
    status, stdout = capture.finish()
    assert status == 0, capture.messages
    rows = [line.split() for line in stdout.decode().splitlines() if "held_ns" not in line]
    rows = [row for row in rows if row and row[0] != "SECONDS"]
    seconds = [float(row[0]) for row in rows]
    assert all(abs(later - earlier - 0.3) < 0.01 for earlier, later in zip(seconds, seconds[1:]))
    held = [float(row[1].strip("%<>").replace("-", "0")) for row in rows]
    # Without the last, which the end cuts: half of the intervals are held for more than a third.
    assert sorted(held[:-1])[len(held) // 3] > 30, rows


def test_a_control_group_that_is_not_there(start_capture):
    for path in ("/sys/fs/cgroup/gilscope-not-there", "/gilscope-not-there", "relative"):
        capture = start_capture("--cgroup", path, "-d", "60")
        status, stdout = capture.finish()
        assert (status, stdout) == (1, b"")
        assert "there is no control group " + path in capture.messages
