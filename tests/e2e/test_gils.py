# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 gilscope contributors
"""Processes with several GILs, and with one that is off."""

import json
import shutil
import subprocess

import pytest

import workload as workloads
from scope import process_of

# What an interpreter does with its GIL beside the cycles that were asked for: it begins and ends.
SLACK = 2000
HELD_NS = 300000000  # gil_switch.py holds that long


def gil_of_interpreter(report, number):
    """The GIL that the interpreter has for itself."""
    gils = [one for one in process_of(report)["gils"] if one["interpreters"] == [number]]
    assert len(gils) == 1, process_of(report)["gils"]
    return gils[0]


def check_cycles(report, truth):
    """Each interpreter's cycles are those of its own GIL, made by its own thread."""
    for number, cycles in truth["cycles"].items():
        gil = gil_of_interpreter(report, int(number))
        assert cycles <= gil["holds"] <= cycles + SLACK
        threads = [one for one in process_of(report)["threads"] if one["gil"] == gil["id"]]
        (own,) = [one for one in threads if one["tid"] == truth["tids"][number]]
        assert own["hold"]["count"] >= cycles


def test_each_gil_by_itself(with_own_gils, start_workload, attach):
    workload = start_workload(with_own_gils, "subinterpreters.py", 3000, 10000)
    capture = attach(workload)
    truth = workload.go()
    report = capture.report()

    assert len(process_of(report)["gils"]) == 3
    check_cycles(report, truth)


def test_a_gil_that_is_made_meanwhile(with_own_gils, start_workload, attach):
    workload = start_workload(with_own_gils, "subinterpreters.py", 500)
    capture = attach(workload)
    workload.tell("more", 10000)
    truth = workload.expect("DONE")
    report = capture.report()

    check_cycles(report, truth)
    (number,) = truth["cycles"]
    gil = gil_of_interpreter(report, int(number))
    assert gil["from_ns"] > 0
    assert gil["observed_ns"] < report["capture"]["duration_ns"]


def test_a_gil_that_is_there_for_a_moment(with_own_gils, start_workload, attach):
    """Whose it was is asked while its interpreter is there. More than once, for luck is no proof."""
    workload = start_workload(with_own_gils, "subinterpreters.py", 500)
    for _ in range(4):
        capture = attach(workload)
        workload.tell("brief", 1000)
        truth = workload.expect("DONE")
        check_cycles(capture.report(), truth)


@pytest.fixture
def start_threaded(free_threaded, tmp_path, start_workload):
    """start_threaded(threads) -> Workload gil_switch.py with an extension that needs the GIL."""
    plain = free_threaded
    code = "import json, sysconfig as s; print(json.dumps([s.get_paths()['include'], "
    code += "s.get_config_var('EXT_SUFFIX')]))"
    told = subprocess.check_output([*plain.command, "-c", code], env=plain.environment)
    include, suffix = json.loads(told)
    if not shutil.which("gcc"):
        pytest.skip("no C compiler")
    command = ["gcc", "-shared", "-fPIC", "-I" + include, "-o", tmp_path / ("needs_gil" + suffix)]
    subprocess.run([*command, workloads.script("needs_gil.c")], check=True)
    return lambda threads: start_workload(plain, "gil_switch.py", threads, tmp_path)


def test_free_threaded_has_nothing_to_tell(start_threaded, attach):
    workload = start_threaded(3)
    assert not workload.ready["enabled"]
    report = attach(workload, "-d", "300ms").report(stop=False)

    process = process_of(report)
    assert process["python"]["build"] == "free-threaded"
    assert sum(gil["holds"] for gil in process["gils"]) == 0
    assert all(gil["held_ns"] == 0 == gil["wait_ns"] for gil in process["gils"])


def test_free_threaded_says_so(start_threaded, start_capture):
    workload = start_threaded(3)
    status, text = start_capture("-p", workload.pid, "-d", "300ms", output="text").finish()

    assert status == 0
    assert b"GIL off: there is no GIL contention to measure" in text


def test_free_threaded_until_an_extension_needs_the_gil(start_threaded, attach):
    workload = start_threaded(3)
    capture = attach(workload)
    workload.tell("on")
    assert workload.expect("DONE")["enabled"]
    workload.tell("hold")
    truth = workload.expect("DONE")
    report = capture.report()

    (gil,) = process_of(report)["gils"]
    assert gil["forced_releases"] > 0
    (own,) = [one for one in process_of(report)["threads"] if one["tid"] == truth["tid"]]
    # At least as long as its call of C, in which the others wanted the GIL.
    assert 0.99 * HELD_NS <= own["hold"]["max_ns"] <= truth["held_ns"]
    assert gil["wait_ns"] >= 2.5 * HELD_NS


def test_free_threaded_with_a_gil_that_goes_on_and_off(start_threaded, attach):
    """Each import of an extension turns it on for a moment. Who waits then is let go without it."""
    workload = start_threaded(2)
    capture = attach(workload)
    for _ in range(3):
        workload.tell("flicker")
        assert not workload.expect("DONE")["enabled"]
    workload.tell("hold")  # with the GIL off: 300 ms in which nobody waits for it
    workload.expect("DONE")
    report = capture.report()

    (gil,) = process_of(report)["gils"]
    assert gil["holds"] > 10
    off = report["capture"]["duration_ns"] - gil["held_ns"] - gil["handoff_ns"]
    assert off >= 0.9 * HELD_NS
    assert gil["idle_ns"] >= 0.9 * HELD_NS
