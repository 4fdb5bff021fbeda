# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 gilscope contributors
"""Whether a hold costs the same with one thread and with a thousand: what it adds to the target and
what it takes of gilscope's CPU."""

import claims
import pythons
import tables
import targets
from capture import MODES, Capture
from section import Section
from stats import Bar, differences, estimate, ratios
from targets import closing

# Cycles of the two captures that are held against each other. The less of gilscope's time a hold
# takes, the more holds it needs to be seen beside what start and end take.
FEW, MANY = 100_000, {"aggregate": 1_500_000, "exact": 600_000}
QUICK_MANY = 300_000
FLAT = Bar(1.25)
# Aggregating, gilscope's own time is next to nothing, so a ratio of it says nothing: flat is what
# grows by no more ns than a quarter of what a hold may take at all (TOOL_CPU in tool.py).
GROWTH = Bar(2.5)


class Crowd(Section):
    """A table by the number of threads, and two claims for each mode."""

    name = "crowd"

    def __init__(self, context):
        super().__init__(context)
        self.counts = (1, 1000) if context.quick else (1, 10, 100, 1000)
        # By (mode, threads): a list with one (added ns, ns of gilscope's CPU) a round, for a hold.
        self.costs = {}

    def run(self):
        those = [targets.Script(pythons.main(), "crowd.py", count) for count in self.counts]
        with closing(*those):
            for _ in range(self.rounds(7)):
                for count, target in zip(self.counts, those):
                    self.one_round(count, target)
        for mode in MODES:
            self.claim(mode)

    def one_round(self, count, target):
        alone = target.work(FEW)["cpu_ns"]
        for mode in MODES:
            few = self.captured(mode, target, FEW)
            many = self.captured(mode, target, QUICK_MANY if self.context.quick else MANY[mode])
            tool = (many[1].tool_cpu_ns - few[1].tool_cpu_ns) / (many[1].holds - few[1].holds)
            self.costs.setdefault((mode, count), []).append((many[0] - alone, tool))

    def captured(self, mode, target, cycles):
        """(ns of CPU time of a cycle, Report)"""
        capture = Capture(self.context, "--mode", mode, pids=[target.pid])
        took = target.work(cycles)["cpu_ns"]
        return took, capture.finish()

    def claim(self, mode):
        """Each cost by itself: one of a few ns must not hide behind one of a microsecond."""
        few, many = min(self.counts), max(self.counts)
        added, tool = zip(zip(*self.costs[mode, many]), zip(*self.costs[mode, few]))
        threads = "%s threads by %d, %s" % ("{:,}".format(many), few, mode)
        self.claim_ratio("added to the target by a hold, " + threads, *added)
        what = "gilscope's CPU time for a hold, " + threads
        if mode == "aggregate":
            self.claim_growth(what, *tool)
        else:
            self.claim_ratio(what, *tool)

    def claim_ratio(self, what, many, few):
        text, values = "at most %g times" % FLAT.high, ratios(many, few)
        self.found.append(
            claims.from_values(what, FLAT, text, values, tables.ratio, medians(many, few))
        )

    def claim_growth(self, what, many, few):
        text, values = "at most %g ns more" % GROWTH.high, differences(many, few)
        self.found.append(
            claims.from_values(what, GROWTH, text, values, tables.duration, medians(many, few))
        )

    def tables(self):
        if not self.costs:
            return []
        header = ["threads"]
        for mode in MODES:
            header += ["%s: added" % mode, "%s: gilscope's CPU" % mode]
        rows = []
        for count in self.counts:
            row = ["{:,}".format(count)]
            for mode in MODES:
                for column in zip(*self.costs.get((mode, count), [])):
                    found = estimate(column)
                    row.append(tables.with_spread(found.median, found.quartiles, tables.duration))
            if len(row) == len(header):
                rows.append(row)
        return [tables.Table("Cost of a hold by threads: median (quartiles)", header, rows)]


def medians(many, few):
    """What is held against what."""
    return "%s and %s" % tuple(tables.duration(estimate(one).median) for one in (many, few))
