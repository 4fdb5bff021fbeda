# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 gilscope contributors
"""tests/bench: interleaved rounds of ways that are played, one of them slow, some broken."""

import pathlib
import sys

import pytest

pytest.importorskip("elftools")
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "bench"))

import comparisons  # noqa: E402 (the path comes first)
import rounds  # noqa: E402
import stats  # noqa: E402
import tables  # noqa: E402
import ways  # noqa: E402
from children import Failed  # noqa: E402

LIMITS = rounds.Limits(fewest=7, most=9, seconds=60)


class Target:
    """Its speed drifts; who watches it adds to its time. It is its own sites too."""

    def __init__(self):
        self.sites, self.groups = self, {"call sites": [1, 2]}
        self.watcher, self.log = None, []
        self.coming = [{}]  # what is seen by each look, the last one again and again

    def probed(self):
        return self.coming.pop(0) if len(self.coming) > 1 else self.coming[0]

    def warm_up(self):
        self.log.append("warm-up")

    def stir(self):
        self.coming = [{}]

    def measure(self):
        self.log.append("measure")
        drift = 1 + len(self.log) / 1000
        return {"ns": drift * (100 + (self.watcher.adds if self.watcher else 0))}


class Way:
    """Adds ns while it is attached. probes: how many it really has; late: only when somebody has
    looked before."""

    def __init__(self, target, name, adds=0, group=None, probes=0, breaks=None, late=False):
        self.target, self.name, self.adds, self.group = target, name, adds, group
        self.late = late
        self.probes, self.breaks, self.attached = probes, breaks, 0

    def missing(self, target):
        return "not installed" if self.breaks == "missing" else None

    def attach(self, target):
        self.target.log.append(self.name)
        self.attached += 1
        if self.breaks == "attach" and self.attached == 3:
            raise Failed("it broke")
        if self.breaks == "oddly":
            raise IndexError("odd")
        self.target.watcher = self
        if self.probes:
            places = {self.group: self.probes}
            self.target.coming = [{}, places] if self.late else [places]
        return self

    def detach(self):
        self.target.watcher, self.target.coming = None, [{}]


@pytest.fixture
def target():
    return Target()


def run(target, *those, limits=LIMITS, is_settled=lambda _: False):
    results = rounds.Results()
    everyone = [Way(target, "nothing"), *those]
    rounds.run("test", target, everyone, limits, is_settled, results)
    return results


def added(results, name):
    base = results.of("nothing", "ns")
    return stats.estimate(stats.differences(results.of(name, "ns"), base)).median


def test_order_of_a_round(target):
    run(target, Way(target, "a"), Way(target, "b"))
    one = [word for name in ("nothing", "a", "b") for word in (name, "warm-up", "measure")]
    assert target.log == one * LIMITS.most


def test_a_slow_way_shows(target):
    probed = {"group": "call sites", "probes": 2}
    results = run(target, Way(target, "fast", 10, **probed), Way(target, "slow", 500, **probed))
    assert added(results, "fast") == pytest.approx(10, rel=0.1)
    assert added(results, "slow") == pytest.approx(500, rel=0.1)
    assert (results.rounds, results.end) == (LIMITS.most, "not settled within the limit")


def test_it_ends_when_it_is_settled(target):
    results = run(target, Way(target, "a"), is_settled=lambda results: results.rounds >= 3)
    assert (results.rounds, results.end) == (LIMITS.fewest, "settled")


def test_it_ends_when_the_time_is_over(target):
    limits = rounds.Limits(fewest=2, most=100, seconds=0)
    assert run(target, Way(target, "a"), limits=limits).rounds == 2


def test_a_way_that_breaks_is_dropped_with_its_reason(target):
    results = run(target, Way(target, "bad", breaks="attach"), Way(target, "good", 10))
    assert results.missing == {"bad": "it broke"}
    assert not results.of("bad", "ns")
    assert len(results.of("good", "ns")) == len(results.of("nothing", "ns")) == LIMITS.most


def test_a_way_that_the_bench_cannot_read(target):
    """An error of the bench costs that way alone."""
    results = run(target, Way(target, "bad", breaks="oddly"), Way(target, "good", 10))
    assert results.missing == {"bad": "IndexError: odd"}
    assert not results.absent
    assert len(results.of("good", "ns")) == LIMITS.most


def test_a_way_that_is_missing(target):
    results = run(target, Way(target, "absent", breaks="missing"))
    assert results.missing == {"absent": "not installed"}
    assert results.absent == {"absent"}
    assert "absent" not in target.log


@pytest.mark.parametrize("probes", [0, 1])
def test_a_way_whose_probes_are_not_there(target, probes, monkeypatch):
    """It is not measured as if they were."""
    monkeypatch.setattr(ways, "PATIENCE_S", 0)
    lame = Way(target, "lame", 5, "call sites", probes)
    monkeypatch.setattr(rounds.children, "kill_since", lambda _: lame.detach())
    results = run(target, lame)
    assert "probes in the target" in results.missing["lame"]


def test_probes_that_come_late_are_waited_for(target):
    late = Way(target, "late", 10, "call sites", 2, late=True)
    results = run(target, late)
    assert not results.missing
    assert len(results.of("late", "ns")) == LIMITS.most


def test_a_breakpoint_that_stays_until_it_is_hit(target, monkeypatch):
    monkeypatch.setattr(ways, "STIR_AFTER_S", 0)
    target.coming = [{"call sites": 1}]
    assert run(target, Way(target, "a")).rounds == LIMITS.most


def test_without_a_base_there_is_no_measurement(target):
    with pytest.raises(Failed):
        everyone = [Way(target, "nothing", breaks="attach"), Way(target, "a")]
        rounds.run("test", target, everyone, LIMITS, lambda _: False, rounds.Results())


def test_probes_that_others_have_left(target, monkeypatch):
    """Nothing is not nothing then: there is no measurement at all."""
    monkeypatch.setattr(ways, "PATIENCE_S", 0)
    target.coming = [{"call sites": 2}]
    with pytest.raises(Failed):
        run(target, Way(target, "a"))


class Played(comparisons.Cycles):
    """Cycles with results that are given."""

    def __init__(self, rows):
        super().__init__(None)
        for row in rows:
            measured = {name: ({"cpu_ns": value}, None) for name, value in row.items()}
            self.results.add(measured)


def test_claims_of_a_cycle(monkeypatch):
    """115 of 100 for the limit keeps 1.2; 230 of 400 does not keep a half."""
    mode = "gilscope --mode exact"
    only = [ways.Gilscope(None, "--mode", "exact")]
    monkeypatch.setattr(ways, "ours", lambda _: only)
    row = {"nothing": 50, comparisons.LIMIT: 250, mode: 280, comparisons.PEER: 450}
    found = Played([row] * 7).claims()
    assert [(one.measured.split()[0], one.verdict) for one in found[:2]] == [
        ("1.15", stats.HOLDS),
        ("0.57", stats.FAILS),
    ]


def test_a_table_in_both_forms():
    table = tables.Table("Title", ["a", "b"], [["x", "1|2"], ["long name", ""]], ["A note."])
    assert table.text().splitlines()[2:] == [
        "a          b",
        "--------------",
        "x          1|2",
        "long name",
        "A note.",
    ]
    assert table.markdown().splitlines()[2:6] == [
        "| a | b |",
        "|---|---|",
        "| x | 1/2 |",
        "| long name |  |",
    ]


@pytest.mark.parametrize(
    "middle, spread, text",
    [
        (1850.0, (1780.0, 1930.0), "1.85 µs (1.78 to 1.93)"),
        (1000.0, (990.0, 1010.0), "1.00 µs (990 ns to 1.01)"),
        (5.0, None, "5.00 ns"),
    ],
)
def test_a_number_with_its_spread(middle, spread, text):
    assert tables.with_spread(middle, spread, tables.duration) == text


def test_a_ratio_to_nothing_with_its_spread():
    infinite = float("inf")
    assert tables.with_spread(infinite, (1.5, infinite), tables.ratio) == "huge (1.50 to huge)"
