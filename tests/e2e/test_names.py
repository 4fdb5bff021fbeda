# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 gilscope contributors
"""The names that threads have in Python."""

import json
import pathlib
import re
import subprocess

import pytest

import scope
from lines import PATIENCE
from scope import process_of

SHOW_TARGET = pathlib.Path(scope.PROGRAM).parent / "tests" / "show_target"
LONGEST = 127  # bytes of a name that are told


def told(names):
    """What a report must say of the threads with these names."""
    expected = {}
    for tid, name in names.items():
        cut = (name or "Thread-" + tid).encode()[:LONGEST].decode(errors="ignore")
        expected[int(tid)] = cut
    return expected


def check(report, names):
    """Every thread that the workload knows is in the report, by its name."""
    process = process_of(report)
    found = {one["tid"]: one["name"] for one in process["threads"]}
    expected = told(names)
    assert {tid: found.get(tid) for tid in expected} == expected
    return process


def look(pid, looks=1):
    """The names that looks from outside find, without a capture."""
    if not SHOW_TARGET.exists():
        pytest.skip("%s is not built (make unit)" % SHOW_TARGET)
    command = [SHOW_TARGET, "names", str(pid), str(looks)]
    return json.loads(subprocess.check_output(command, timeout=PATIENCE))


def test_names_of_all_kinds(interpreter, start_workload, attach):
    workload = start_workload(interpreter, "thread_names.py", 5)
    capture = attach(workload)
    workload.go()
    process = check(capture.report(), workload.ready["names"])

    by_name = {one["name"]: one for one in process["threads"]}
    assert by_name["pool_1"]["group"] == "pool_*"
    assert len([one for one in process["threads"] if one["name"] == "same"]) == 2
    assert all(one["comm"] for one in process["threads"])


def test_names_that_change(interpreter, start_workload, attach):
    workload = start_workload(interpreter, "thread_names.py", 0)
    capture = attach(workload)
    before = workload.go()["names"]
    workload.tell("rename")
    renamed = workload.expect("DONE")["names"]
    assert sum(before[tid] != name for tid, name in renamed.items()) > 10
    workload.go()
    check(capture.report(), renamed)


def wait_for_names(capture, count):
    """Until gilscope has read so many names at once."""
    while True:
        line = capture.reader.read(PATIENCE)
        assert line is not None, capture.messages
        found = re.search(r"(\d+) threads have a name in Python", line)
        if found and int(found.group(1)) >= count:
            return


def test_threads_of_later(interpreter, start_workload, attach):
    """Named while the capture runs: at its end there is nobody to ask."""
    workload = start_workload(interpreter, "thread_names.py", 0)
    capture = attach(workload, "-v")
    workload.tell("more", 4)
    names = workload.expect("DONE")["names"]
    wait_for_names(capture, len([name for name in names.values() if name]))
    workload.go()
    workload.tell("leave")
    check(capture.report(stop=False), names)


def test_hundreds_by_group(one_interpreter, start_workload, attach):
    workload = start_workload(one_interpreter, "thread_names.py", 500)
    capture = attach(workload, "--group")
    names = workload.go()["names"]
    process = check(capture.report(), names)

    groups = {one["group"]: one for one in process["groups"]}
    name = max(groups, key=lambda group: groups[group]["threads"])
    members = [one for one in process["threads"] if one["group"] == name]
    assert name in ("Thread-*", "Thread-* (run)")
    assert groups[name]["threads"] == len(members) >= 500
    for key in ("hold", "wait"):
        together = groups[name][key]
        assert together["total_ns"] == sum(one[key]["total_ns"] for one in members)
        assert together["count"] == sum(one[key]["count"] for one in members)
        assert sum(n for _, _, n in together["buckets"]) == together["count"]
    assert sum(one["threads"] for one in process["groups"]) == len(process["threads"])


def test_never_the_name_of_another(interpreter, start_workload):
    """Every name begins with the id of its thread, and is read while it is replaced."""
    workload = start_workload(interpreter, "renaming_threads.py", 8)
    seen = look(workload.pid, 400)["names"]

    own = [(tid, name) for tid, name in seen if name != "new" and tid != workload.pid]
    assert len(own) > 20, "too few names were read to say anything"
    assert [one for one in own if not one[1].startswith("%d " % one[0])] == []
    assert workload.process.poll() is None


def test_interpreters_of_one_process(with_own_gils, start_workload, attach):
    """A thread that runs code of another interpreter, which may have a name for it too."""
    workload = start_workload(with_own_gils, "subinterpreters.py", 500, 500)
    capture = attach(workload)
    truth = workload.go()
    process = process_of(capture.report())

    for tid in truth["tids"].values():
        names = {one["name"] for one in process["threads"] if one["tid"] == tid}
        assert len(names) == 1
        assert re.fullmatch(r"Thread-\d+( \(run\))?", names.pop())
    main = {one["name"] for one in process["threads"] if one["tid"] == workload.pid}
    assert len(main) == 1 and "Thread-" not in main.pop()
