# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 gilscope contributors
"""What is read from a process's memory through the offsets, against what the process says."""

import json
import pathlib
import subprocess

import pytest

import scope

SHOW_TARGET = pathlib.Path(scope.PROGRAM).parent / "tests" / "show_target"
INTERVAL_US = 4321
# The interval of an interpreter's own GIL, which nobody has changed.
DEFAULT_INTERVAL_US = 5000


def look(pid, until=lambda main: True):
    """(main GIL, the others) as soon as the main one is as wanted: threads come to rest."""
    if not SHOW_TARGET.exists():
        pytest.skip("%s is not built (make unit)" % SHOW_TARGET)
    for _ in range(1000):
        gils = json.loads(subprocess.check_output([SHOW_TARGET, "process", str(pid)]))["gils"]
        main = [one for one in gils if 0 in one["interpreters"]]
        assert len(main) == 1, gils
        if until(main[0]):
            return main[0], [one for one in gils if one is not main[0]]
    raise AssertionError("it never came to rest: %s" % gils)


def test_memory_is_read_rightly(interpreter, start_workload):
    workload = start_workload(interpreter, "told.py", INTERVAL_US)
    told = workload.ready

    main, others = look(workload.pid, until=lambda gil: not gil["locked"])
    assert main["switch_interval_ns"] == 1000 * told["interval_us"] == 1000 * INTERVAL_US
    assert sorted(main["interpreters"]) == sorted(told["shared"])
    assert [one["interpreters"] for one in others] == [[number] for number in told["own"]]
    assert all(one["switch_interval_ns"] == 1000 * DEFAULT_INTERVAL_US for one in others)
    assert all(one["locked"] == 0 for one in others)

    tids = {told["tid"]}
    for _ in range(2):
        done = workload.go()
        tids.add(done["tid"])
        main, _ = look(workload.pid, until=lambda gil: not gil["locked"])
        assert main["last_holder_tid"] == done["tid"]
    assert len(tids) == 2

    workload.tell("hold")
    assert workload.expect("DONE") == done
    main, _ = look(workload.pid, until=lambda gil: gil["locked"])
    assert main["last_holder_tid"] == done["tid"]
