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
from stats import Bar, estimate, ratios
from targets import closing

FEW, MANY = 100_000, 300_000  # cycles of the two captures that are held against each other
FLAT = Bar(1.25)


class Crowd(Section):
    """A table by the number of threads, and a claim for each mode."""

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
            many = self.captured(mode, target, MANY)
            tool = (many[1].tool_cpu_ns - few[1].tool_cpu_ns) / (many[1].holds - few[1].holds)
            self.costs.setdefault((mode, count), []).append((many[0] - alone, tool))

    def captured(self, mode, target, cycles):
        """(ns of CPU time of a cycle, Report)"""
        capture = Capture(self.context, "--mode", mode, pids=[target.pid])
        took = target.work(cycles)["cpu_ns"]
        return took, capture.finish()

    def claim(self, mode):
        sums = {
            count: [added + tool for added, tool in self.costs[mode, count]]
            for count in self.counts
        }
        few, many = min(self.counts), max(self.counts)
        what = "cost of a hold with %d threads by that with %d, %s" % (many, few, mode)
        how = "what it adds to the target, and gilscope's CPU time"
        text = "at most %g" % FLAT.high
        values = ratios(sums[many], sums[few])
        self.found.append(claims.from_values(what, FLAT, text, values, tables.ratio, how))

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
