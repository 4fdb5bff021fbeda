# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 gilscope contributors
"""tests/bench: what is left of a run in which something breaks, and what --check makes of it."""

import contextlib
import json
import pathlib
import sys

import pytest

pytest.importorskip("elftools")
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "bench"))

import bench  # noqa: E402 (the path comes first)
import capture  # noqa: E402
import claims  # noqa: E402
import comparisons  # noqa: E402
import crowd  # noqa: E402
import stats  # noqa: E402
import targets  # noqa: E402
import ways  # noqa: E402
from children import Absent, Failed  # noqa: E402
from section import Section  # noqa: E402

MODE = "gilscope --mode exact"


def claim(verdict):
    return claims.Claim("what", "bar", "measured", verdict)


class Breaking(Section):
    """Fails with an error; with_tables: when it is told instead of when it is measured."""

    name = "breaking"

    def __init__(self, error, with_tables=False):
        super().__init__(None)
        self.error, self.with_tables = error, with_tables

    def run(self):
        if not self.with_tables:
            raise self.error

    def tables(self):
        if self.with_tables:
            raise self.error
        return []


class Good(Section):
    name = "good"

    def run(self):
        self.found.append(claim(stats.HOLDS))


def told(*sections):
    """{claim: verdict} of a run of them."""
    begun, whole = bench.measure(sections)
    assert whole and begun == list(sections)
    return {one.what: one.verdict for one in bench.make_tables(begun, None)[1]}


@pytest.fixture(autouse=True)
def signals(monkeypatch):
    """The bench's own processes and signals are none of these tests'."""
    monkeypatch.setattr(bench.children, "end_all", lambda: None)
    monkeypatch.setattr(bench.signal, "signal", lambda *_: None)


@pytest.mark.parametrize(
    "verdict, complaints",
    [
        (stats.HOLDS, 0),
        (stats.NOISE, 0),
        (claims.ABSENT, 0),
        (stats.FAILS, 1),
        (claims.NOT_MEASURED, 1),
    ],
)
def test_verdicts_that_fail_a_check(verdict, complaints):
    assert len(claims.complaints([claim(stats.HOLDS), claim(verdict)], True)) == complaints


def test_a_run_that_says_nothing_fails_a_check():
    assert claims.complaints([], True) == ["no bar was judged"]
    assert claims.complaints([claim(claims.ABSENT)], True) == ["no bar was judged"]
    assert claims.complaints([claim(stats.HOLDS)], False) == ["the run was interrupted"]


@pytest.mark.parametrize("with_tables", [False, True])
@pytest.mark.parametrize("error", [TypeError("odd"), IndexError("odd"), Failed("odd")])
def test_what_breaks_ends_alone(error, with_tables, capsys):
    """What was measured before and what comes after are told."""
    assert told(Good(None), Breaking(error, with_tables), Good(None)) == {
        "what": stats.HOLDS,
        "breaking": claims.NOT_MEASURED,
    }
    # An error of the bench is told with its place.
    assert ("Traceback" in capsys.readouterr().err) == (not isinstance(error, Failed))


def test_what_is_absent_is_not_broken():
    assert told(Breaking(Absent("not here"))) == {"breaking": claims.ABSENT}


def test_an_interrupted_run_is_not_whole():
    begun, whole = bench.measure([Good(None), Breaking(KeyboardInterrupt()), Good(None)])
    assert (len(begun), whole) == (2, False)


class Closing:
    """A target that cannot be closed."""

    closed = 0

    def close(self):
        self.closed += 1
        raise Failed("it did not end")


@pytest.mark.parametrize("error", [KeyboardInterrupt, TypeError, None])
def test_a_target_that_cannot_be_closed(error):
    """Ctrl-C remains one, and a reason is not lost."""
    target = Closing()
    with contextlib.suppress(error or Failed):
        with targets.closing(target):
            if error:
                raise error
    assert target.closed == 1


def cycles(broken=None, absent=None):
    """The claims of Cycles without a round, for ways that are missing."""
    one = comparisons.Cycles(None)
    for way, reason in {**(broken or {}), **(absent or {})}.items():
        one.results.drop(way, reason)
    one.results.absent = set(absent or {})
    return one.claims()


@pytest.fixture
def only_exact(monkeypatch):
    monkeypatch.setattr(ways, "ours", lambda _: [ways.Gilscope(None, "--mode", "exact")])


def test_each_bar_says_why_it_was_not_measured(only_exact):
    """Also that of the report's agreement, and one row for the way itself."""
    found = cycles(broken={MODE: "it broke"})
    assert [(one.verdict, one.how) for one in found] == [(claims.NOT_MEASURED, "it broke")] * 4


def test_a_bar_against_an_absent_peer(only_exact):
    found = cycles(absent={comparisons.PEER: "not installed"})
    by_verdict = {one.verdict: one for one in found}
    assert comparisons.PEER in by_verdict[claims.ABSENT].what
    assert by_verdict[claims.ABSENT].how == "not installed"


def test_a_way_that_broke_where_there_are_no_bars():
    one = comparisons.Cycles2(None)
    one.results.drop(MODE, "it broke")
    one.results.drop("py-spy", "it broke")
    assert [(row.verdict, MODE in row.what) for row in one.claims()] == [
        (claims.NOT_MEASURED, True)
    ]


class Ended:
    """A gilscope that has ended."""

    def end(self, _):
        return 0


def finish(tmp_path, text, mode):
    one = capture.Capture.__new__(capture.Capture)
    one.file, one.child, one.mode = tmp_path / "report", Ended(), mode
    one.file.write_text(text, encoding="utf-8")
    return one.finish()


def report_of(mode):
    names = ("probe_hits", "ns_per_hit", "target_cpu_fraction", "tool_cpu_ns", "tool_max_rss_bytes")
    overhead = dict.fromkeys(names, 1)
    return {"capture": {"mode": mode}, "overhead": overhead, "losses": {}, "processes": []}


def test_a_report_of_another_mode_does_not_count(tmp_path):
    text = json.dumps(report_of("exact"))
    assert finish(tmp_path, text, "exact").mode == "exact"
    assert finish(tmp_path, text, None).mode == "exact"
    with pytest.raises(Failed, match="mode exact, not aggregate"):
        finish(tmp_path, text, "aggregate")


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"capture": {"mode": "exact"}}'])
def test_a_report_that_cannot_be_read(tmp_path, text):
    with pytest.raises(Failed, match="cannot be read"):
        finish(tmp_path, text, None)


class QuickContext:
    quick = True


@pytest.mark.parametrize(
    "mode, many, verdicts",
    [
        ("aggregate", (2000, 1.0), [stats.HOLDS, stats.HOLDS]),
        ("aggregate", (2000, 5.0), [stats.HOLDS, stats.FAILS]),
        ("aggregate", (3000, 1.0), [stats.FAILS, stats.HOLDS]),
        ("exact", (2000, 1.0), [stats.HOLDS, stats.HOLDS]),
        ("exact", (2000, 1.5), [stats.HOLDS, stats.FAILS]),
    ],
)
def test_either_cost_of_a_crowd_may_grow(mode, many, verdicts):
    """What a hold adds to the target does not hide what it takes of gilscope's time."""
    one = crowd.Crowd(QuickContext())
    one.costs = {(mode, 1): [(2000, 1.0)] * 7, (mode, 1000): [many] * 7}
    one.claim(mode)
    assert [row.verdict for row in one.found] == verdicts
