# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 gilscope contributors
"""Medians, their intervals, and what may be said about a bar.

An interval of a median is the one of ranks: [j-th smallest, j-th largest] contains the true median
with probability 1 - 2 P(Binomial(n, 1/2) < j), whatever the distribution of the noise is. Values of
one round are compared with one another (differences, ratios) before anything is summed up, so a
machine whose speed drifts from round to round does not disturb them.
"""

import dataclasses
import math
import statistics

# What is printed beside a median, and what decides whether a bar holds. Looking after every round
# gives chance many tries, but ranks need many values to move: of a value that lies on the bar
# itself, one run in twenty claims that it is better (tests/tools/test_bench_stats.py).
CONFIDENCE = 0.90
# An interval narrower than this share of what it is compared with will not get much better.
NARROW = 0.10

HOLDS, FAILS, NOISE = "holds", "fails", "noise"


def rank_interval(values, confidence=CONFIDENCE):
    """(low, high) around the median, or None if there are too few values for that confidence."""
    ordered, count = sorted(values), len(values)
    rank, below = 0, 0.0
    # below: P(Binomial(count, 1/2) <= rank), the chance to miss the median on one side.
    while rank < count // 2:
        below += math.comb(count, rank) / 2**count
        if 1 - 2 * below < confidence:
            break
        rank += 1
    return (ordered[rank - 1], ordered[count - rank]) if rank else None


@dataclasses.dataclass(frozen=True)
class Estimate:
    """A median, the quartiles of its values and its interval (None: too few values)."""

    median: float
    quartiles: tuple
    interval: tuple
    count: int


def estimate(values):
    """The Estimate of at least one value."""
    low, _, high = statistics.quantiles(values, n=4, method="inclusive") if len(values) > 1 else (
        values[0],
        values[0],
        values[0],
    )
    return Estimate(statistics.median(values), (low, high), rank_interval(values), len(values))


@dataclasses.dataclass(frozen=True)
class Bar:
    """What a value must not be above, nor (if low is given) below."""

    high: float
    low: float = -math.inf

    def judge(self, interval):
        """HOLDS if all of the interval keeps the bar, FAILS if all of it is on one side beyond it,
        NOISE if neither or if there is no interval."""
        if interval is None:
            return NOISE
        low, high = interval
        if self.low <= low and high <= self.high:
            return HOLDS
        if low > self.high or high < self.low:
            return FAILS
        return NOISE

    def judge_values(self, values):
        """judge() of the interval of the values' median."""
        return self.judge(rank_interval(values))

    def judge_exactly(self, value):
        """For what is counted, not measured: no interval."""
        return self.judge((value, value))


def is_settled(values, bar):
    """Whether more rounds are of no use for the claim that the values keep the bar: it is decided,
    or as narrow as it has to be."""
    if bar.judge_values(values) != NOISE:
        return True
    return is_narrow(values, abs(bar.high))


def is_narrow(values, scale):
    """Whether the interval of the median is narrower than NARROW of the scale."""
    interval = rank_interval(values)
    return interval is not None and interval[1] - interval[0] < NARROW * scale


def differences(values, bases):
    """Each round's value less its own round's base."""
    return [value - base for value, base in zip(values, bases)]


def ratios(values, bases):
    """Each round's value by its own round's base. Where a base is not above zero, the noise was
    larger than what is compared: a ratio beyond every bar, on the side that says so."""
    return [value / base if base > 0 else math.inf for value, base in zip(values, bases)]


def contradicts(interval, claimed, bar):
    """Whether a measured interval speaks against a claim that is below the noise: all of it lies
    above the bar, and above what was claimed."""
    return interval is not None and interval[0] > max(bar.high, claimed)
