# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 gilscope contributors
"""The workloads under which all ways are compared, and what is claimed of them."""

import dataclasses

import claims
import pythons
import rounds
import stats
import tables
import targets
import ways
from children import Absent
from section import Section
from stats import Bar, differences, estimate, ratios

LIMIT = "two empty uprobes"
PEER = "bpftrace script"
NOTHING = "nothing"
AGAINST_LIMIT, AGAINST_PEER = Bar(1.2), Bar(0.5)
AGREES = Bar(4 / 3, low=2 / 3)  # within a third
COMPUTING = Bar(0.005)
LOOPS = 1_500_000  # of each computing thread: a fraction of a second for all of them


@dataclasses.dataclass(frozen=True)
class Metric:
    """One number of a workload: its key, its heading, how its value is shown, and whether what a
    way adds is shown as a time, not as a share."""

    key: str
    title: str
    show: object
    adds_time: bool = False


CYCLE = Metric("ns", "a cycle", tables.duration, adds_time=True)
# Of a thread that never waits it is the same on a quiet machine, and on a busy one it does not
# contain the time in which others had the CPU. Bars and ratios are of it; the table shows the
# time, in which a tool that stops the process is seen too.
CPU_OF_CYCLE = Metric("cpu_ns", "CPU time of a cycle", tables.duration, adds_time=True)
TIME = Metric("ns", "time", tables.duration)


class Comparison(Section):
    """One workload. Subclasses say which process, what is measured, and which claims follow."""

    name, title, metrics = "", "", ()
    seconds = 110  # no round begins later

    def __init__(self, context):
        super().__init__(context)
        self.results = rounds.Results()
        self.python = None

    def start(self):
        """The target."""
        raise NotImplementedError

    def run(self):
        """Runs the rounds."""
        with targets.closing(self.start()) as (target,):
            self.python = target.python
            ways.scout(self.context, target)
            everyone = ways.all_ways(self.context)
            rounds.run(
                self.name, target, everyone, self.limits(), self.is_settled, self.results
            )

    def limits(self):
        if self.context.quick:
            return rounds.Limits(fewest=5, most=5, seconds=20)
        return rounds.Limits(fewest=7, most=31, seconds=self.seconds)

    def is_settled(self, results):
        """The change by each of our ways is known within 10 points."""
        return all(
            stats.is_narrow(self.against_nothing(way.name, metric), 1.0)
            for way in ways.ours(self.context)
            for metric in self.metrics
            if way.name not in results.missing
        )

    def against_nothing(self, way, metric):
        """Each round's ratio to its own nothing."""
        return ratios(self.results.of(way, metric.key), self.results.of(NOTHING, metric.key))

    def added(self, way, metric):
        """What the way adds, each round's value less its own nothing."""
        return differences(self.results.of(way, metric.key), self.results.of(NOTHING, metric.key))

    def cell(self, way, metric):
        """What the table says of a way."""
        if way in self.results.missing:
            return "missing"
        values = self.results.of(way, metric.key)
        if not values:
            return "-"
        if way == NOTHING:
            found, show = estimate(values), metric.show
        elif metric.adds_time:
            found, show = estimate(self.added(way, metric)), metric.show
        else:
            found, show = estimate(self.against_nothing(way, metric)), tables.change
        return tables.with_spread(found.median, found.quartiles, show)

    def claims(self):
        """The bars, and each of our ways that broke: not all have bars."""
        broke = [way for way in self.results.missing if way.startswith(ways.OURS)]
        rows = [
            claims.missing("%s: %s" % (self.title, way), "-", self.results.missing[way])
            for way in broke
        ]
        return super().claims() + rows

    def claim(self, what, bar, bar_text, values, involved, how):
        """A bar on the median of ratios that the involved ways gave; if there are none, why."""
        if values:
            return claims.from_values(what, bar, bar_text, values, tables.ratio, how)
        return self.missing(what, bar_text, involved)

    def missing(self, what, bar_text, involved):
        """The claim with the reason why one of the involved ways gave nothing."""
        for way in involved:
            if way in self.results.missing:
                verdict = claims.ABSENT if way in self.results.absent else claims.NOT_MEASURED
                return claims.missing(what, bar_text, self.results.missing[way], verdict)
        if self.failure:
            return claims.missing(what, bar_text, self.failure.how, self.failure.verdict)
        return claims.missing(what, bar_text, "no whole round")

    def notes(self):
        """Lines below the table."""
        if self.failure:
            return ["%s: %s" % (self.title, self.failure.how)]
        lines = [
            "%s: %s: %s" % (self.title, way, reason)
            for way, reason in self.results.missing.items()
        ]
        python = self.python.name if self.python else "-"
        about = (self.title, python, self.results.rounds, self.results.end)
        return ["%s: %s, %d rounds, %s." % about, *lines]


def start_cycles(python, threads, context):
    """Pieces that are long enough for several samples of a sampler."""
    seconds, pieces = (0.06, 3) if context.quick else (0.1, 5)
    return targets.Script(python, "cycles.py", threads, go=("seconds", seconds), pieces=pieces)


class Cycles(Comparison):
    """Uncontended GIL cycles: the bars on the cost of one."""

    name, title, metrics = "cycles", "1 thread", (CYCLE,)
    seconds = 200

    def start(self):
        return start_cycles(self.python_wanted(), 1, self.context)

    def python_wanted(self):
        return pythons.main()

    def is_settled(self, results):
        return all(
            stats.is_settled(values, bar)
            for way in ways.ours(self.context)
            for values, bar in (
                (self.against(way.name, LIMIT), AGAINST_LIMIT),
                (self.against(way.name, PEER), AGAINST_PEER),
            )
            if values
        )

    def against(self, way, other):
        """What the way adds by what the other adds, in the same round."""
        return ratios(self.added(way, CPU_OF_CYCLE), self.added(other, CPU_OF_CYCLE))

    def agreement(self, way):
        """What gilscope says that a cycle costs by what it was measured to cost."""
        said = [
            report.hits * report.hit_ns / report.holds if report and report.holds else 0
            for report in self.results.reports.get(way, [])
        ]
        return ratios(said, self.added(way, CPU_OF_CYCLE))

    def bars(self):
        where = "CPU time, %s" % (self.python.name if self.python else "-")
        found = []
        for way in ways.ours(self.context):
            for other, bar in ((LIMIT, AGAINST_LIMIT), (PEER, AGAINST_PEER)):
                what = "added to a cycle: %s, times %s" % (way.name, other)
                text = "at most %g" % bar.high
                values = self.against(way.name, other)
                found.append(self.claim(what, bar, text, values, (way.name, other), where))
            what = "%s: hits x cost of a hit, by the measured slowdown" % way.name
            values = self.agreement(way.name)
            found.append(self.claim(what, AGREES, "0.67 to 1.33", values, (way.name,), where))
        return found


class DebianCycles(Cycles):
    """The same on the static interpreter without symbols."""

    name, title = "cycles-debian", "1 thread, Debian's python3"

    def python_wanted(self):
        found = pythons.debian()
        if not found:
            raise Absent("%s is not there or too old" % pythons.DEBIAN)
        return found

    def bars(self):
        return [one for one in super().bars() if PEER not in one.what]


class Cycles2(Comparison):
    """Two threads that want the GIL all the time."""

    name, title, metrics = "cycles2", "2 threads, contended as it comes", (CYCLE,)

    def start(self):
        return start_cycles(pythons.main(), 2, self.context)


class Compute(Comparison):
    """CPU-bound threads: a cost below the noise."""

    name, title, metrics = "compute", "4 CPU-bound threads", (TIME,)

    def start(self):
        pieces = 1 if self.context.quick else 3
        return targets.Script(pythons.main(), "compute.py", 4, go=(LOOPS,), pieces=pieces)

    def bars(self):
        found = []
        for way in ways.ours(self.context):
            what = "4 CPU-bound threads, %s: hits x cost of a hit" % way.name
            reports = [one for one in self.results.reports.get(way.name, []) if one]
            if not reports:
                found.append(self.missing(what, "at most 0.5%", (way.name,)))
                continue
            claimed = estimate([one.target_fraction for one in reports])
            slower = [ratio - 1 for ratio in self.against_nothing(way.name, TIME)]
            interval = stats.rank_interval(slower)
            verdict = COMPUTING.judge(claimed.interval)
            if stats.contradicts(interval, claimed.median, COMPUTING):
                verdict = stats.FAILS
            measured = tables.with_spread(claimed.median, claimed.interval, tables.percent)
            seen = tables.with_spread(estimate(slower).median, interval, tables.percent)
            how = "measured slowdown, must not contradict: %s" % seen
            found.append(claims.Claim(what, "at most 0.5%", measured, verdict, how))
        return found


class InputOutput(Comparison):
    """Four threads that wait for answers, beside one that computes."""

    name, title = "io", "I/O beside CPU"
    metrics = (
        Metric("answers", "I/O", lambda value: tables.short(value) + "/s"),
        Metric("loops", "CPU", lambda value: tables.in_units(value, [(1e6, "M/s"), (1, "/s")])),
    )

    def start(self):
        seconds = 0.3 if self.context.quick else 1
        return targets.Script(pythons.main(), "io_beside_cpu.py", 4, go=(seconds,), warm=(0.2,))


class Service(Comparison):
    """gunicorn and Flask under load."""

    name, title = "service", "web service"
    metrics = (
        Metric("requests", "requests", lambda value: tables.short(value) + "/s"),
        Metric("p99", "p99", lambda value: tables.short(value) + " ms"),
    )
    seconds = 150

    def start(self):
        return targets.Service(pythons.main(), 1 if self.context.quick else 2)


ALL = (Cycles, DebianCycles, Cycles2, Compute, InputOutput, Service)


def cost_tables(done, context):
    """One table of what is added to a cycle, one of the programs."""
    cycles = [one for one in done if one.metrics[0].adds_time]
    programs = [one for one in done if not one.metrics[0].adds_time]
    made = []
    if cycles:
        title = "Added to a GIL cycle as fast as they come: median (quartiles)"
        made.append(matrix(title, cycles, context))
    if programs:
        title = "Change of a program's speed: median (quartiles)"
        made.append(matrix(title, programs, context))
    return made


def matrix(title, those, context):
    columns = [(one, metric) for one in those for metric in one.metrics]
    header = ["watched by", *(heading(one, metric) for one, metric in columns)]
    names = [way.name for way in ways.all_ways(context)]
    rows = [[name, *(one.cell(name, metric) for one, metric in columns)] for name in names]
    if any(isinstance(one, Cycles) for one in those):
        add_ratio_column(header, rows, those)
    notes = [line for one in those for line in one.notes()]
    return tables.Table(title, header, rows, notes)


def heading(comparison, metric):
    several = len(comparison.metrics) > 1
    return "%s: %s" % (comparison.title, metric.title) if several else comparison.title


def add_ratio_column(header, rows, those):
    """Behind each cost of an uncontended cycle: what it is against the limit."""
    for at in reversed(range(len(those))):
        if not isinstance(those[at], Cycles):
            continue
        header.insert(at + 2, "CPU x empty")
        for row in rows:
            values = those[at].against(row[0], LIMIT) if row[0] != NOTHING else []
            row.insert(at + 2, tables.ratio(estimate(values).median) if values else "")
