# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 gilscope contributors
"""Workloads and gilscope in namespaces, roots and overlays of their own."""

import dataclasses
import functools
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import time

import scope
import workload
from interpreters import Interpreter
from test_truth import FUTEX, READ, wait_in_system_call

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "matrix"))
import debian  # noqa: E402 (found by the path above)


@functools.lru_cache(maxsize=None)
def why_not(*command):
    """Why the command fails here, or None. For what a test needs of the machine."""
    if not shutil.which(command[0]):
        return "%s is not installed" % command[0]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return None if done.returncode == 0 else "%s: %s" % (" ".join(command), done.stderr.strip())


def shell(setup):
    """A command prefix: runs the shell commands, then becomes what follows."""
    return ("sh", "-ec", setup + '\nexec "$@"', "sh")


@dataclasses.dataclass(frozen=True)
class Contained(Interpreter):
    """An interpreter behind commands that make its place and then become it."""

    prefix: tuple = ()

    @property
    def command(self):
        return [*self.prefix, self.exe]


def contained(interpreter, *prefix):
    fields = {one.name: getattr(interpreter, one.name) for one in dataclasses.fields(Interpreter)}
    return Contained(prefix=prefix, **fields)


def namespaces(*options):
    """Prefix: namespaces of its own. Whoever ends unshare ends what it started."""
    forks = ("--fork", "--kill-child") if "--pid" in options else ()
    return ("unshare", *options, *forks, "--")


def status_field(pid, name):
    """A field of /proc/PID/status as words, [] if there is none."""
    for line in pathlib.Path("/proc/%s/status" % pid).read_text(encoding="utf-8").splitlines():
        if line.startswith(name + ":"):
            return line.split()[1:]
    return []


def children(pid):
    """Ids of the processes that it has started and that still run."""
    found = []
    for path in pathlib.Path("/proc").glob("[0-9]*"):
        try:
            if status_field(path.name, "PPid") == [str(pid)]:
                found.append(int(path.name))
        except OSError:
            pass  # it has just ended
    return found


def innermost(pid):
    """The process at the end of a chain of processes that do nothing but wait for the next."""
    while True:
        below = children(pid)
        if not below:
            return pid
        assert len(below) == 1, below
        pid = below[0]


def ids_of(pid):
    """For each thread of the process its ids, from this PID namespace inwards."""
    tasks = pathlib.Path("/proc/%d/task" % pid).iterdir()
    return [tuple(map(int, status_field("%d/task/%s" % (pid, one.name), "NSpid"))) for one in tasks]


def user_ticks(pid, tid):
    """CPU time of the thread in its own code, in ticks of the kernel's clock."""
    stat = pathlib.Path("/proc/%d/task/%d/stat" % (pid, tid)).read_text(encoding="utf-8")
    return int(stat.rpartition(")")[2].split()[11])


class ContainedWorkload(workload.Workload):
    """known_ids.py behind a prefix that may have forked: its pid is the interpreter's."""

    def __init__(self, interpreter, name, *arguments, **options):
        super().__init__(interpreter, name, *arguments, **options)
        self.inner = innermost(self.process.pid)
        self.wait_computing()

    def wait_computing(self):
        """Returns when the computer has the GIL, and nobody else wants it."""
        tids = self.tids()
        wait_in_system_call(self.pid, tids["main"], READ)
        wait_in_system_call(self.pid, tids["holder"], FUTEX)
        deadline = time.monotonic() + workload.PATIENCE
        begin = user_ticks(self.pid, tids["computer"])
        while user_ticks(self.pid, tids["computer"]) < begin + 2:
            assert time.monotonic() < deadline, "the computer does not compute"
            time.sleep(0.001)

    @property
    def pid(self):
        return self.inner

    def tids(self, depth=0):
        """{name: id} of its threads as they are known `depth` PID namespaces below ours."""
        by_inner = {ids[-1]: ids[depth] for ids in ids_of(self.pid)}
        return {name: by_inner[tid] for name, tid in self.ready["tids"].items()}

    def pid_at(self, depth):
        return next(ids[depth] for ids in ids_of(self.pid) if ids[0] == self.pid)

    def inside(self, path):
        """A path of the target as a path here."""
        return pathlib.Path("/proc/%d/root" % self.pid) / str(path).lstrip("/")

    def kill(self):
        if hasattr(self, "inner") and self.process.poll() is None:
            os.kill(self.inner, signal.SIGKILL)
        super().kill()


class ContainedCapture(scope.Capture):
    """gilscope behind a prefix that may have forked."""

    def kill(self):
        if self.process.poll() is None:
            self.signal(signal.SIGKILL)
        super().kill()

    def signal(self, number):
        os.kill(innermost(self.process.pid), number)


def suite_root(suite):
    """A root of that Debian suite with a python3 and some empty folders to mount at, and the interpreter in it; debian.Unavailable if
    it cannot be had. One that is there is good enough: apt is not asked again."""
    there = debian.Suite(suite).folder.glob("roots/python3-" + 12 * "[0-9a-f]")
    root = next(there, None) or debian.Suite(suite).unpack("python3")
    for name in ("proc", "workloads", "dev", "old"):
        (root / name).mkdir(exist_ok=True)
    exe = os.readlink(root / "usr/bin/python3")
    version = tuple(int(number) for number in exe[len("python") :].split("."))
    python = Interpreter(kind=suite, exe="/usr/bin/" + exe, version=version, file="/usr/bin/" + exe)
    return root, python
