# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 gilscope contributors
"""The identities that the e2e tests check, against reports that the unit tests pin: they hold
there, and a report that breaks one is seen."""

import json
import pathlib
import sys

import pytest

pytest.importorskip("jsonschema")

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/e2e"))

import identities  # noqa: E402  (found by the line before)

GOLDEN = ROOT / "tests/golden"


def load(name):
    return json.loads((GOLDEN / name).read_text(encoding="utf-8"))


@pytest.mark.parametrize("name", sorted(path.name for path in GOLDEN.glob("*.json")))
def test_they_hold(name):
    identities.check_report(load(name), losses=True)


def add(table, field, value=1):
    table[field] += value


def overlap(report):
    """The two runs of one pid at the same time."""
    runs = [one for one in report["processes"] if one["pid"] == report["processes"][5]["pid"]]
    assert len(runs) == 2
    runs[1]["from_ns"] = runs[0]["from_ns"]
    for gil in runs[1]["gils"]:
        gil["from_ns"] = runs[0]["from_ns"]


@pytest.mark.parametrize(
    "change",
    [
        lambda r: add(r["totals"], "processes"),
        lambda r: add(r["totals"], "observed_ns"),
        lambda r: add(r["totals"], "unobserved_ns"),
        lambda r: add(r["totals"], "held_ns"),
        lambda r: add(r["totals"], "holds", -1),
        lambda r: add(r["totals"], "forced_releases"),
        lambda r: add(r["totals"], "probe_hits"),
        lambda r: r.pop("totals"),
        lambda r: r["processes"].pop(),
        lambda r: add(r["processes"][5], "unobserved_ns", r["processes"][5]["from_ns"]),
        lambda r: add(r["processes"][5], "observed_ns", r["capture"]["duration_ns"]),
        lambda r: r["processes"][1].update(end="signal"),
        lambda r: r["processes"][6].update(end="duration"),
        lambda r: r["processes"][1]["gils"][0].update(from_ns=r["capture"]["duration_ns"] + 1),
        lambda r: r["processes"][4]["losses"].update(ring_full=3),
        overlap,
    ],
)
def test_what_is_broken_is_seen(change):
    check_is_seen("server.json", change)


def check_is_seen(name, change):
    report = load(name)
    change(report)
    with pytest.raises((AssertionError, identities.jsonschema.ValidationError)):
        identities.check_report(report, losses=True)


def exited(report):
    return report["processes"][0]["exited_threads"]


@pytest.mark.parametrize(
    "change",
    [
        lambda r: r["processes"][0].pop("exited_threads"),
        lambda r: exited(r).clear(),
        lambda r: exited(r)[1].update(gil=0),
        lambda r: exited(r)[1].update(gil=7),
        lambda r: exited(r)[0].update(threads=0),
        lambda r: add(exited(r)[0]["hold"], "total_ns", 10_000_000),
        lambda r: add(exited(r)[0]["hold"]["clipped"], "count"),
        lambda r: add(exited(r)[0], "off_gil_ns", 1_000_000_000),
        lambda r: exited(r)[0]["wait"]["buckets"].pop(),
        lambda r: r["processes"][0]["threads"][1].update(tid=4242, exited=False),
    ],
)
def test_threads_together(change):
    check_is_seen("requests.json", change)
