# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 gilscope contributors
"""What the tests of containers share: fixtures, and what is true of a report of known_ids.py wherever it
runs."""

import os
import pathlib
import shutil
import subprocess
import tempfile

import pytest

import containers
import interpreters
import scope
from containers import ContainedCapture, ContainedWorkload
from scope import gil_of, hits, process_of, thread_of
from test_truth import tolerance

HOLDS = (4000, 500, 40)  # us held, us not, times
NOBODY = 65534
AS_NOBODY = ("setpriv", "--reuid=%d" % NOBODY, "--regid=%d" % NOBODY, "--clear-groups")


def need(*command):
    """Skips where the command does not work."""
    reason = containers.why_not(*command)
    if reason:
        pytest.skip(reason)


def need_namespaces(*options):
    need("unshare", *options, "--fork", "--", "true")


def need_overlay():
    mounts = "mount -t tmpfs none /mnt; cd /mnt; mkdir a b c d; mount -t overlay o -olowerdir=a,upperdir=b,workdir=c d"
    need("unshare", "--mount", "--", "sh", "-ec", mounts)


@pytest.fixture(scope="session")
def public():
    """A folder that every user can read, with the workloads in it."""
    with tempfile.TemporaryDirectory(prefix="gilscope-") as folder:
        os.chmod(folder, 0o755)
        shutil.copytree(containers.workload.SCRIPTS, folder + "/workloads")
        yield pathlib.Path(folder)


@pytest.fixture
def start_inside(public):
    """start_inside(interpreter, script=, arguments...) -> ContainedWorkload, ended with the test."""
    started = []

    def start(interpreter, *arguments, name="known_ids.py", scripts=public / "workloads"):
        arguments = arguments or HOLDS
        started.append(ContainedWorkload(interpreter, scripts / name, *arguments))
        return started[-1]

    yield start
    for one in started:
        one.kill()


def known_interpreter(kind):
    """The newest interpreter of that kind."""
    found = interpreters.newest(kind)
    if not found:
        pytest.skip("no %s CPython" % kind)
    return found


def check(target, report, truth, depth=0):
    """What is the same wherever the target is: its ids, as they are `depth` PID namespaces below
    ours, its names, who held the GIL at the start, and the known holds."""
    tids = target.tids(depth)
    process = process_of(report)
    assert process["pid"] == target.pid_at(depth)
    known = {tid: name for name, tid in tids.items()}
    for thread in process["threads"]:
        assert thread["tid"] in known, (thread["tid"], known)
        name = known[thread["tid"]]
        assert thread["comm"] == name
        assert thread["name"] == ("MainThread" if thread["tid"] == process["pid"] else name.upper())
    computer = thread_of(report, tids["computer"])["hold"]
    assert computer["clipped"]["count"] == 1, "it held the GIL when the capture began"
    hold = thread_of(report, tids["holder"])["hold"]
    assert truth["holds"] <= hold["count"] <= truth["holds"] + 5
    # What this is about is whose they are: for how long is measured elsewhere, undisturbed.
    allowed = tolerance(truth, "held_ns") + truth["stood_ns"]
    assert abs(hold["total_ns"] - truth["held_ns"]) <= allowed
    assert sum(one["hits"] for one in process["probes"]) >= 2 * truth["holds"]


def check_holder(target, report, depth=0):
    """No probe was hit: that it held the GIL, and whose id that is, is known from memory alone."""
    hold = thread_of(report, target.tids(depth)["computer"])["hold"]
    assert hold["total_ns"] == gil_of(report)["observed_ns"] > 0
    assert (hold["count"], hold["clipped"]["count"]) == (0, 1)
    assert hits(report, "acquire") == 0


def capture_and_check(target, attach, *arguments):
    """One capture from outside; the report."""
    capture = attach(target, *arguments)
    truth = target.go()
    report = capture.report()
    check(target, report, truth)
    return report


def refuse(pid, cause, prefix=(), program=scope.PROGRAM):
    """One line that names the cause, and no report; the line."""
    command = [*prefix, program, "-p", str(pid), "-d", "30"]
    run = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert run.returncode == 1, run.stderr
    assert run.stdout == ""
    assert len(run.stderr.splitlines()) == 1 and cause in run.stderr, run.stderr
    return run.stderr


def oldest_interpreter():
    """One that does not keep the kernel's ids of its threads, if there is one (before 3.11)."""
    supported = interpreters.installed()[0]
    if not supported:
        pytest.skip("no CPython 3.8 or later")
    return min(supported, key=lambda one: one.version)


@pytest.fixture
def capture_inside():
    """capture_inside(prefix, pid, arguments...) -> ContainedCapture, ended with the test."""
    started = []

    def start(prefix, pid, *arguments):
        started.append(ContainedCapture(*arguments, pid=pid, prefix=prefix))
        return started[-1]

    yield start
    for one in started:
        one.kill()
