# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 gilscope contributors
"""The processes that are measured. A target has a pid, does a piece of work when it is asked, and
says what that cost."""

import contextlib
import json
import os
import pathlib
import re
import shutil
import signal

import pythons
from children import FAILURES, Absent, Child, Failed, output_of
from proc import Sites

WORKLOADS = pathlib.Path(__file__).resolve().parent / "workloads"
PROTOCOL = WORKLOADS.parents[1] / "workloads"  # protocol.py is there
DEBIAN_PACKAGES = "/usr/lib/python3/dist-packages"


def clean_environment(**more):
    """Without what would change a Python."""
    inherited = {name: value for name, value in os.environ.items() if "PYTHON" not in name}
    return {**inherited, "PYTHONDONTWRITEBYTECODE": "1", **more}


class Script:
    """A workload of tests/bench/workloads. go: the arguments of a measured piece of work, of which
    there are as many as pieces; the median counts. warm: those of what is done before, else go."""

    def __init__(self, python, name, *arguments, go=(), warm=None, pieces=1):
        self.python, self.go, self.pieces = python, go, pieces
        self.warm = warm or go
        command = [python.exe, WORKLOADS / name, *arguments]
        self.child = Child(command, "READY", env=clean_environment(PYTHONPATH=str(PROTOCOL)))
        self.pid = self.child.pid
        self.sites = Sites(self.pid)

    def begin(self, *go):
        self.child.tell(" ".join(["go", *map(str, go)]))

    def result(self):
        return json.loads(self.child.wait_line("DONE")[len("DONE") :])

    def work(self, *go):
        """One piece: what the workload says of it."""
        self.begin(*go)
        return self.result()

    def warm_up(self):
        self.work(*self.warm)

    def stir(self):
        """Runs its code, whatever that costs."""
        self.warm_up()

    def measure(self):
        """{what: the median of the pieces}."""
        done = [self.work(*self.go) for _ in range(self.pieces)]
        return {what: sorted(one[what] for one in done)[len(done) // 2] for what in done[0]}

    def close(self):
        """It has nothing to save."""
        self.sites.close()
        self.child.kill()


class Service:
    """A web service: gunicorn with one worker of several threads, asked by wrk."""

    THREADS, CONNECTIONS = 8, 8

    def __init__(self, python, seconds):
        own = pythons.debian()
        if not own or not shutil.which("wrk"):
            raise Absent("no %s here: tools/setup.sh bench" % ("wrk" if own else pythons.DEBIAN))
        if python.version[:2] != own.version[:2]:
            python = own  # Debian's packages are for Debian's version
        self.python, self.seconds = python, seconds
        self.child = self.start()
        listening = self.child.wait_line("Listening at")
        self.url = re.search(r"http://\S+", listening)[0]
        self.pid = int(self.child.wait_line("Booting worker with pid").split()[-1])
        self.ask(1)
        self.sites = Sites(self.pid)

    def start(self):
        """Its master process. The application is found beside its packages."""
        options = ["-k", "gthread", "--threads", self.THREADS, "-w", 1, "-b", "127.0.0.1:0"]
        environment = clean_environment(PYTHONPATH="%s:%s" % (WORKLOADS, DEBIAN_PACKAGES))
        command = [self.python.exe, "-m", "gunicorn", *options, "service_app:app"]
        return Child(command, on="stderr", env=environment, cwd="/")

    def ask(self, seconds):
        said = output_of(
            ["wrk", "-t", 1, "-c", self.CONNECTIONS, "-d", "%ds" % seconds, "--latency", self.url]
        )
        if "Non-2xx" in said or "Socket errors" in said:
            raise Failed("the service failed: %s" % said)
        return {
            "requests": float(re.search(r"Requests/sec:\s+([\d.]+)", said)[1]),
            "p99": in_ms(re.search(r"^\s+99%\s+(\S+)", said, re.MULTILINE)[1]),
        }

    def warm_up(self):
        """What is measured begins with the first answers: wrk knows whole seconds only."""

    def stir(self):
        """Runs its code, whatever that costs."""
        self.ask(1)

    def measure(self):
        return self.ask(self.seconds)

    def close(self):
        """The master ends its worker, without waiting for requests."""
        self.sites.close()
        self.child.end(signal.SIGQUIT)


@contextlib.contextmanager
def closing(*those):
    """The targets, closed at the end. If something failed before, that is told, not what closing
    them leads to."""
    try:
        yield those
    except BaseException:
        for one in those:
            with contextlib.suppress(*FAILURES):
                one.close()
        raise
    for one in those:
        one.close()


def in_ms(text):
    """wrk's 812.00us, 2.31ms or 1.02s. Without an answer it has no number."""
    found = re.fullmatch(r"([\d.]+)(us|ms|s)", text)
    if not found:
        raise Failed("the service did not answer: wrk's p99 is %s" % text)
    return float(found[1]) * {"us": 1e-3, "ms": 1.0, "s": 1e3}[found[2]]
