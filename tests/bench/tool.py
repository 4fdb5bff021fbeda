# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 gilscope contributors
"""What gilscope itself takes: CPU time, memory, losses, time to attach, and what an idle target
costs it."""

import os
import re
import statistics
import time

import claims
import pythons
import proc
import tables
import targets
from capture import MODES, Capture
from children import Absent, Failed
from section import Section
from stats import Bar
from targets import closing

MILLION = 1e6
BATCH = 50_000
NONE = Bar(0)
MEMORY = Bar(32 * 2**20)
FLAT = Bar(1.05)  # a late RSS by an early one
IDLE = Bar(0.001)  # of a CPU: what "no CPU" is measured as
TOOL_CPU = {"aggregate": Bar(0.01e9), "exact": Bar(0.10e9)}  # ns for a million holds
FIRST, AGAIN = Bar(200.0), Bar(60.0)  # ms


def busy_all(those, seconds):
    """GIL cycles for so long, in several processes at once."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        for target in those:
            target.begin("cycles", BATCH)
        for target in those:
            target.result()


def cycles(threads=1):
    return targets.Script(pythons.main(), "cycles.py", threads)


class ToolCpu(Section):
    """CPU time of gilscope for a million holds: what a capture with many holds takes more than one
    with few, so that start, end and report are not in it."""

    name = "tool-cpu"
    FEW = 50_000
    MANY = {"aggregate": 3_000_000, "exact": 1_000_000}

    def run(self):
        values = {mode: [] for mode in MODES}
        with closing(cycles()) as (target,):
            for _ in range(self.rounds(7)):
                for mode in MODES:
                    values[mode].append(self.for_a_million(target, mode))
        for mode in MODES:
            what = "gilscope's CPU time for a million holds, %s" % mode
            text = "at most %g s" % (TOOL_CPU[mode].high / 1e9)
            how = "captures of many holds less those of %d" % self.FEW
            self.found.append(
                claims.from_values(what, TOOL_CPU[mode], text, values[mode], tables.duration, how)
            )

    def for_a_million(self, target, mode):
        many = self.MANY[mode] // (4 if self.context.quick else 1)
        reports = []
        for count in (self.FEW, many):
            capture = Capture(self.context, "--mode", mode, pids=[target.pid])
            target.work("cycles", count)
            reports.append(capture.finish())
        few, more = reports
        return (more.tool_cpu_ns - few.tool_cpu_ns) * MILLION / (more.holds - few.holds)


class Losses(Section):
    """At the highest rate: one process, and one on each CPU."""

    name = "losses"

    def run(self):
        for mode in MODES:
            for count in sorted({1, os.cpu_count()}):
                self.count_losses(mode, count)

    def count_losses(self, mode, count):
        seconds = self.seconds(5)
        with closing(*(cycles() for _ in range(count))) as those:
            pids = [one.pid for one in those]
            capture = Capture(self.context, "--mode", mode, pids=pids)
            begin = time.monotonic()
            busy_all(those, seconds)
            took = time.monotonic() - begin
            report = capture.finish()
        what = "losses, %s, %d busy process%s" % (mode, count, "es" * (count > 1))
        lost = ["%s %d" % one for one in report.losses.items()]
        how = ", ".join(["%s holds a second" % tables.short(report.holds / took), *lost])
        total = sum(report.losses.values())
        self.found.append(claims.from_count(what, NONE, "none", total, str, how))


class Memory(Section):
    """RSS with 100 threads, and whether it is flat."""

    name = "memory"
    THREADS = 100

    def run(self):
        for mode in MODES:
            self.many_threads(mode)
            crowd = "crowd.py", self.THREADS
            self.over_time(mode, "%d threads" % self.THREADS, crowd, BATCH)
            self.over_time(mode, "threads made without end", ("endless_threads.py", 10), 0.2)

    def many_threads(self, mode):
        with closing(targets.Script(pythons.main(), "crowd.py", self.THREADS)) as (target,):
            capture = Capture(self.context, "--mode", mode, pids=[target.pid])
            target.work(4 * BATCH)
            during = proc.rss_bytes(capture.pid)
            report = capture.finish()
        what = "memory with %d threads, %s" % (self.THREADS, mode)
        how = "%s during the capture; measured: the maximum" % tables.memory(during)
        largest = max(during, report.max_rss_bytes)
        self.found.append(
            claims.from_count(what, MEMORY, "at most 32 MiB", largest, tables.memory, how)
        )

    def over_time(self, mode, title, script, piece):
        """An early RSS, after a quarter of the time, and that at the end."""
        seconds, sizes = self.seconds(16), []
        with closing(targets.Script(pythons.main(), *script)) as (target,):
            capture = Capture(self.context, "--mode", mode, pids=[target.pid])
            for share in (1 / 4, 3 / 4):
                end = time.monotonic() + share * seconds
                while time.monotonic() < end:
                    target.work(piece)
                sizes.append(proc.rss_bytes(capture.pid))
            capture.finish()
        early, late = sizes
        what = "memory over time, %s, %s" % (title, mode)
        how = "%s after %g s, %s after %g s" % (
            tables.memory(early),
            seconds / 4,
            tables.memory(late),
            seconds,
        )
        text = "late by early at most %g" % FLAT.high
        self.found.append(claims.from_count(what, FLAT, text, late / early, tables.ratio, how))


class Start(Section):
    """From the start of gilscope to its probes being there, on Debian's stripped executable. It has
    no cache of its own: the first time differs from the second by the page cache only."""

    name = "start"

    def run(self):
        python = pythons.debian()
        if not python:
            raise Absent("%s is not there or too old" % pythons.DEBIAN)
        first, again, pages = [], [], []
        with closing(targets.Script(python, "sleeper.py")) as (target,):
            _, _, files = self.time_attach(target)
            for _ in range(self.rounds(9)):
                proc.drop_from_page_cache(files)
                taken, read, _ = self.time_attach(target)
                first.append(taken)
                pages.append(read)
                again.append(self.time_attach(target)[0])
        how = "unmapped file pages dropped from the page cache: %d major faults"
        self.claim(python, "first time", FIRST, first, how % statistics.median(pages))
        self.claim(python, "second time", AGAIN, again, "right after that; no other cache")

    def claim(self, python, name, bar, values, how):
        what = "start to attached, %s, %s" % (python.name, name)
        text = "at most %g ms" % bar.high
        self.found.append(claims.from_values(what, bar, text, values, milliseconds, how))

    def time_attach(self, target):
        """(ms, how often gilscope waited for a page of a file, the files that it and the target
        use)"""
        capture = Capture(self.context, pids=[target.pid])
        faults = proc.major_faults(capture.pid)
        files = proc.mapped_files(capture.pid) | proc.mapped_files(target.pid)
        capture.finish()
        found = re.search(r"attached (\d+) ms after the start", "\n".join(capture.messages))
        if not found:
            raise Failed("gilscope -v does not say when it was attached")
        return float(found[1]), faults, files


def milliseconds(value):
    return "%.0f ms" % value


class Idle(Section):
    """What gilscope does while its target sleeps."""

    name = "idle"

    def run(self):
        seconds = self.seconds(10)
        with closing(targets.Script(pythons.main(), "sleeper.py")) as (target,):
            capture = Capture(self.context, pids=[target.pid])
            before = self.look(capture.pid)
            time.sleep(seconds)
            ticks, run, switches = (b - a for a, b in zip(before, self.look(capture.pid)))
            capture.finish()
        what = "gilscope's CPU on an idle target"
        text = "at most %g%%" % (100 * IDLE.high)
        how = "%s of run time, %s of clock ticks, woken %d times in %g s" % (
            tables.duration(run),
            tables.duration(ticks),
            switches,
            seconds,
        )
        share = max(run, ticks) / (seconds * 1e9)
        self.found.append(claims.from_count(what, IDLE, text, share, tables.percent, how))

    def look(self, pid):
        return proc.cpu_ticks_ns(pid), proc.run_ns(pid), proc.context_switches(pid)


ALL = (ToolCpu, Losses, Memory, Start, Idle)
