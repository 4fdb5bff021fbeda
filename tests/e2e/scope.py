# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 gilscope contributors
"""Running gilscope. Every JSON report that a test sees went through Capture.report(), which holds
it against the schema and the identities."""

import json
import os
import pathlib
import signal
import subprocess
import tempfile

from identities import check_report
from lines import PATIENCE, LineReader

ROOT = pathlib.Path(__file__).resolve().parents[2]
PROGRAM = os.environ.get("GILSCOPE", str(ROOT / "build" / "gilscope"))
# What gilscope -v says on stderr at the instant from which on it counts.
STARTED = "gilscope: capturing"


def run(*arguments, **options):
    """gilscope to its end: a CompletedProcess with text."""
    return subprocess.run(
        [PROGRAM, *map(str, arguments)],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
        **options,
    )


class Capture:
    """gilscope at work. With a PID it attaches to it; the arguments come after its own. prefix: a
    command that becomes gilscope."""

    def __init__(self, *arguments, pid=None, output="json", prefix=(), verbose=True):
        own = ["-v"] * verbose + ["-f", output] + (["-p", str(pid)] if pid else [])
        self.stdout = tempfile.TemporaryFile()
        self.process = subprocess.Popen(
            [*prefix, PROGRAM, "stat", *own, *map(str, arguments)],
            stdin=subprocess.DEVNULL,
            stdout=self.stdout,
            stderr=subprocess.PIPE,
        )
        self.reader = LineReader(self.process.stderr.fileno(), "gilscope")

    def wait_started(self):
        """Returns when the capture counts; what the target does from now on is in the report."""
        while True:
            line = self.reader.read(PATIENCE)
            assert line is not None, "gilscope ended before it captured: %s" % self.reader.seen
            if line.startswith(STARTED):
                return self

    def signal(self, number):
        self.process.send_signal(number)

    def finish(self):
        """Waits for its end. (exit status, stdout)"""
        self.reader.rest(PATIENCE)
        status = self.process.wait(PATIENCE)
        self.stdout.seek(0)
        return status, self.stdout.read()

    def stop(self):
        """Ctrl-C, then finish()."""
        self.signal(signal.SIGINT)
        return self.finish()

    @property
    def messages(self):
        """What it said on stderr, as one text."""
        return "\n".join(self.reader.seen)

    def report(self, losses=False, stop=True):
        """The JSON report, checked. losses: it may tell of losses."""
        status, stdout = self.stop() if stop else self.finish()
        assert status == 0, self.messages
        report = json.loads(stdout)
        check_report(report, losses)
        return report

    def kill(self):
        """For the end of a test: whatever state it is in."""
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self.process.stderr.close()
        self.stdout.close()


def process_of(report, pid=None):
    """The report's entry for one process: the only one, or that of the PID."""
    processes = [one for one in report["processes"] if pid in (None, one["pid"])]
    assert len(processes) == 1, [one["pid"] for one in report["processes"]]
    return processes[0]


def gil_of(report):
    """The only GIL of the only process."""
    gils = process_of(report)["gils"]
    assert len(gils) == 1, gils
    return gils[0]


def thread_of(report, tid):
    """The entry of one thread."""
    threads = [one for one in process_of(report)["threads"] if one["tid"] == tid]
    assert len(threads) == 1, "%d entries for thread %d" % (len(threads), tid)
    return threads[0]


def hits(report, role):
    """Hits of all probes with that role."""
    return sum(one["hits"] for one in process_of(report)["probes"] if one["role"] == role)
