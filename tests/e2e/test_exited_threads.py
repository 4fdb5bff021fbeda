# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 gilscope contributors
"""A thread for each task: no thread is missing, and the report does not grow with them."""

import csv
import io
import re

import pytest

from scope import gil_of, process_of

# Entries of exited threads that a process keeps (user/model/model.h), and more than these.
KEPT = 1024
TASKS, CYCLES, LONG, LONG_USEC = 4000, 3, 5, 20000


@pytest.fixture
def workload(one_interpreter, start_workload):
    return start_workload(one_interpreter, "thread_per_task.py", TASKS, CYCLES, LONG, LONG_USEC)


def test_every_thread_counts(workload, attach):
    capture = attach(workload)
    truth = workload.go()
    report = capture.report()  # with the sums over threads and exited_threads, of each GIL
    process, gil = process_of(report), gil_of(report)

    exited = [one for one in process["threads"] if one["exited"]]
    (together,) = process["exited_threads"]
    assert len(exited) == KEPT
    assert len(exited) + together["threads"] + process["threads_off_gil"] >= truth["threads"]
    # A thread that never took the GIL is none of the workload's, and neither is one that lives.
    assert len(exited) + together["threads"] == truth["threads"]
    assert together["hold"]["count"] >= together["threads"] * truth["cycles"]
    assert gil["holds"] >= TASKS * truth["cycles"]
    # Those that held longest are told one by one.
    longest = {one["tid"]: one["hold"]["max_ns"] for one in exited}
    for tid in truth["long"]:
        assert longest[tid] >= LONG_USEC * 1000
    assert together["hold"]["max_ns"] < LONG_USEC * 1000


def test_few_are_told_one_by_one(one_interpreter, start_workload, attach):
    workload = start_workload(one_interpreter, "thread_per_task.py", 800, CYCLES, 1, 1000)
    capture = attach(workload)
    truth = workload.go()
    process = process_of(capture.report())

    assert process["exited_threads"] == []
    assert sum(one["exited"] for one in process["threads"]) == truth["threads"]


def test_csv(workload, attach):
    capture = attach(workload, output="csv")
    truth = workload.go()
    status, stdout = capture.stop()
    rows = list(csv.DictReader(io.StringIO(stdout.decode())))

    assert status == 0, capture.messages
    assert sum(int(one["threads"]) for one in rows if one["exited"] == "1") == truth["threads"]
    (together,) = [one for one in rows if not one["tid"]]
    assert not together["comm"]
    assert int(together["threads"]) == truth["threads"] - KEPT
    assert int(together["hold_count"]) >= int(together["threads"]) * truth["cycles"]


def test_text(workload, attach):
    capture = attach(workload, output="text")
    truth = workload.go()
    status, stdout = capture.stop()
    text = " ".join(stdout.decode().split())

    assert status == 0, capture.messages
    found = re.search(r"And ([\d,]+) threads that exited, together: held ", text)
    assert int(found.group(1).replace(",", "")) == truth["threads"] - KEPT
    shown = 20
    found = re.search(r"([\d,]+) more threads are told one by one by json and csv: held ", text)
    # The main thread has an entry too.
    assert int(found.group(1).replace(",", "")) == KEPT + 1 - shown
