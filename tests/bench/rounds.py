# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 gilscope contributors
"""Interleaved rounds: A B C A B C ..., each way measured while it is attached, after a warm-up,
until the spread allows the claims or a limit is reached."""

import dataclasses
import sys
import time

import children
from ways import check_probes, expected, wait_for_probes


@dataclasses.dataclass(frozen=True)
class Limits:
    """Rounds at least and at most, and after how many seconds no round begins."""

    fewest: int
    most: int
    seconds: float


class Results:
    """What the whole rounds said: values[way][metric] and reports[way] are lists with one entry a
    round; missing[way] is why a way has none, and absent has those that are not on this machine."""

    def __init__(self):
        self.values, self.reports, self.missing = {}, {}, {}
        self.absent = set()
        self.rounds = 0
        self.end = "interrupted"  # why there were no more

    def add(self, measured):
        """One round: {way: ({metric: value}, report or None)}."""
        for way, (values, report) in measured.items():
            for metric, value in values.items():
                self.values.setdefault(way, {}).setdefault(metric, []).append(value)
            self.reports.setdefault(way, []).append(report)
        self.rounds += 1

    def drop(self, way, reason):
        """A way that failed is out, with its reason: half of its rounds would be of no use."""
        self.missing[way] = reason
        self.values.pop(way, None)
        self.reports.pop(way, None)

    def of(self, way, metric):
        """The values, one a round; none if the way is missing."""
        return self.values.get(way, {}).get(metric, [])


def measure_way(way, target):
    """({metric: value}, report) of one way, which is there from before to after."""
    wanted = expected(target, way.group)
    attached = way.attach(target)
    wait_for_probes(target, wanted)
    target.warm_up()
    values = target.measure()
    check_probes(target, wanted)
    report = attached.detach()
    wait_for_probes(target, {})
    return values, report


def one_round(target, active, results):
    """Each way in turn. One that fails is dropped, all but the first, which is nothing."""
    measured = {}
    for way in list(active):
        before = list(children.alive)
        try:
            measured[way.name] = measure_way(way, target)
        except Exception as error:  # the others are still to be measured
            if way is active[0]:
                raise
            results.drop(way.name, children.reason_of(error))
            active.remove(way)
            children.kill_since(before)
            wait_for_probes(target, {})
    results.add(measured)


def run(title, target, ways, limits, is_settled, results):
    """Fills the Results with rounds until is_settled(results) or a limit."""
    active = []
    for way in ways:
        reason = way.missing(target)
        if reason:
            results.missing[way.name] = reason
            results.absent.add(way.name)
        else:
            active.append(way)
    begin = time.monotonic()
    while results.rounds < limits.most:
        one_round(target, active, results)
        spent = time.monotonic() - begin
        print("%s: round %d, %.0f s" % (title, results.rounds, spent), file=sys.stderr, flush=True)
        if results.rounds >= limits.fewest and is_settled(results):
            results.end = "settled"
            return
        if results.rounds >= limits.fewest and spent > limits.seconds:
            break
    results.end = "not settled within the limit"
