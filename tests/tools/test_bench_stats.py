# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 gilscope contributors
"""tests/bench: what it concludes from numbers whose truth is known."""

import math
import pathlib
import random
import statistics
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "bench"))

import stats  # noqa: E402 (the path comes first)
from stats import FAILS, HOLDS, NOISE, Bar  # noqa: E402

BAR = Bar(1.2)


def drifting_rounds(generator, count, *costs, noise=0.02):
    """Lists of values, one for each cost, of a machine that becomes slower by half from round to
    round and back, and now and then takes much longer for one value."""
    columns = [[] for _ in costs]
    for turn in range(count):
        speed = 1 + 0.5 * math.sin(turn)
        for column, cost in zip(columns, costs):
            hiccup = 3 if generator.random() < 0.05 else 1
            column.append(cost * speed * hiccup * generator.gauss(1, noise))
    return columns


@pytest.mark.parametrize(
    "count, rank", [(1, None), (4, None), (5, 1), (7, 1), (8, 2), (10, 2), (20, 6), (31, 11)]
)
def test_ranks_of_the_interval(count, rank):
    """Against the tables of the sign test."""
    values = [float(value) for value in range(1, count + 1)]
    random.Random(1).shuffle(values)
    wanted = (rank, count + 1 - rank) if rank else None
    assert stats.rank_interval(values, 0.90) == wanted


@pytest.mark.parametrize("confidence", [stats.CONFIDENCE, 0.5])
def test_interval_contains_the_true_median_as_often_as_it_says(confidence):
    """Of skewed noise, with the median log(2)."""
    generator, tries, inside = random.Random(2), 2000, 0
    for _ in range(tries):
        low, high = stats.rank_interval([generator.expovariate(1) for _ in range(15)], confidence)
        inside += low <= math.log(2) <= high
    assert inside / tries >= confidence - 0.02


def test_estimate():
    found = stats.estimate([3.0, 1.0, 2.0, 5.0, 4.0])
    assert (found.median, found.quartiles, found.interval) == (3.0, (2.0, 4.0), (1.0, 5.0))
    assert stats.estimate([7.0]) == stats.Estimate(7.0, (7.0, 7.0), None, 1)


@pytest.mark.parametrize(
    "interval, verdict",
    [((1.1, 1.2), HOLDS), ((1.21, 1.3), FAILS), ((1.1, 1.3), NOISE), (None, NOISE)],
)
def test_verdict(interval, verdict):
    assert BAR.judge(interval) == verdict


@pytest.mark.parametrize(
    "interval, verdict",
    [((0.7, 1.3), HOLDS), ((0.1, 0.6), FAILS), ((1.4, 2), FAILS), ((0.6, 0.7), NOISE)],
)
def test_verdict_between_two_sides(interval, verdict):
    assert Bar(4 / 3, low=2 / 3).judge(interval) == verdict


def test_drift_does_not_hide_what_a_way_adds():
    """The drift is much larger than what is told apart: 1.1 and 1.3 times."""
    base, cheap, dear = drifting_rounds(random.Random(3), 25, 1.0, 1.1, 1.3)
    assert BAR.judge_values(stats.ratios(cheap, base)) == HOLDS
    assert BAR.judge_values(stats.ratios(dear, base)) == FAILS
    # Without the pairing nothing could be said.
    assert BAR.judge_values([value / statistics.median(base) for value in cheap]) == NOISE


def test_noise_is_told():
    base, way = drifting_rounds(random.Random(4), 9, 1.0, 1.2, noise=0.2)
    assert BAR.judge_values(stats.ratios(way, base)) == NOISE


def run_until_settled(generator, true_ratio, noise):
    """As rounds.run does: rounds are added until the claim is settled or there are 31."""
    values = []
    while len(values) < 31:
        values.append(generator.gauss(true_ratio, noise))
        if len(values) >= 7 and stats.is_settled(values, BAR):
            break
    return BAR.judge_values(values), len(values)


def test_early_end_does_not_claim_what_is_wrong():
    """Looking after every round gives chance many tries: they must not add up."""
    generator, tries = random.Random(5), 1000
    wrong = sum(run_until_settled(generator, BAR.high, 0.1)[0] == HOLDS for _ in range(tries))
    assert wrong / tries < 0.08


def test_a_clear_case_ends_early():
    verdict, rounds = run_until_settled(random.Random(6), 0.5, 0.1)
    assert (verdict, rounds) == (HOLDS, 7)


def test_a_narrow_interval_ends_it_without_a_claim():
    values = [1.19, 1.21] * 8
    assert stats.is_settled(values, BAR)
    assert BAR.judge_values(values) == NOISE


def test_ratio_to_what_the_noise_made_negative():
    assert stats.ratios([2.0, 2.0], [-0.1, 1.0]) == [math.inf, 2.0]
    assert BAR.judge_values([math.inf] * 9) == FAILS


def test_contradiction_of_a_claim_below_the_noise():
    bar = Bar(0.005)
    assert not stats.contradicts((-0.03, 0.02), 0.001, bar)
    assert not stats.contradicts((0.004, 0.02), 0.001, bar)
    assert stats.contradicts((0.006, 0.02), 0.001, bar)
    assert not stats.contradicts(None, 0.001, bar)
