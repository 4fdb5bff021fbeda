# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 gilscope contributors
"""What is true of every report, whatever was profiled."""

import functools
import json
import math
import pathlib

import jsonschema

SCHEMA = pathlib.Path(__file__).resolve().parents[2] / "tools" / "report-1.schema.json"
LOSS_DEFINITIONS = pathlib.Path(__file__).resolve().parents[2] / "bpf" / "loss.def"

# What is rounded, and clocks that are read one after the other.
SLACK_NS = 1000
GIL_SUMS = (
    "held_ns",
    "handoff_ns",
    "idle_ns",
    "unknown_ns",
    "wait_ns",
    "holds",
    "contended_holds",
)


@functools.lru_cache(maxsize=None)
def validator():
    schema = json.loads(SCHEMA.read_text())
    kind = jsonschema.validators.validator_for(schema)
    kind.check_schema(schema)
    return kind(schema)


@functools.lru_cache(maxsize=None)
def loss_names():
    """Every name in bpf/loss.def."""
    lines = LOSS_DEFINITIONS.read_text().splitlines()
    return {line[len("LOSS(") : line.index(",")] for line in lines if line.startswith("LOSS(")}


def close(value, truth, share=0.001, slack=SLACK_NS):
    """Within a share of the truth, and a microsecond for what is rounded."""
    return abs(value - truth) <= share * abs(truth) + slack


def check_report(report, losses=False):
    """Asserts the schema and the identities. losses: some are expected."""
    validator().validate(report)
    assert set(report["losses"]) == loss_names()
    if not losses:
        lost = {name: count for name, count in report["losses"].items() if count}
        assert not lost, lost
    for process in report["processes"]:
        check_process(process)
        check_span(process, report["capture"])
    check_sequence(report["processes"])
    check_process_losses(report)
    if len(report["processes"]) > 1:
        assert "totals" in report
    if "totals" in report:
        check_totals(report)


def check_span(process, capture):
    """When it was observed: to the end of the capture, unless it ended before."""
    begin, end = process["from_ns"], process["from_ns"] + process["observed_ns"]
    assert process["unobserved_ns"] <= begin, process["pid"]
    assert end <= capture["duration_ns"] + SLACK_NS, process["pid"]
    ended = ("target_exit", "exec")
    if process["end"] not in ended:
        assert capture["end"] == process["end"] or capture["end"] in ended, process["pid"]
        assert end >= capture["duration_ns"] - SLACK_NS, process["pid"]
    for gil in process["gils"]:
        assert begin <= gil["from_ns"] <= end, gil
        assert gil["from_ns"] + gil["observed_ns"] <= end + SLACK_NS, gil


def check_sequence(processes):
    """Entries of one pid are runs of it one after the other."""
    runs = sorted(processes, key=lambda one: (one["pid"], one["from_ns"]))
    for one, other in zip(runs, runs[1:]):
        if one["pid"] == other["pid"]:
            assert one["end"] in ("exec", "target_exit"), one["pid"]
            assert one["from_ns"] + one["observed_ns"] <= other["from_ns"] + SLACK_NS, one["pid"]


def check_process_losses(report):
    """What the processes lost is part of what was lost."""
    for name, count in report["losses"].items():
        assert sum(one.get("losses", {}).get(name, 0) for one in report["processes"]) <= count, name


def check_totals(report):
    processes, totals = report["processes"], report["totals"]
    gils = [gil for one in processes for gil in one["gils"]]
    hits = sum(probe["hits"] for one in processes for probe in one["probes"])
    assert totals["processes"] == len(processes)
    assert totals["probe_hits"] == hits
    for field in ("observed_ns", "unobserved_ns"):
        assert totals[field] == sum(one[field] for one in processes), field
    for field in GIL_SUMS:
        assert totals[field] == sum(gil[field] for gil in gils), field
    for field in ("forced_releases", "voluntary_releases"):
        if totals[field] is not None:
            assert totals[field] == sum(gil[field] for gil in gils), field


def check_process(process):
    gils = {gil["id"]: gil for gil in process["gils"]}
    assert len(gils) == len(process["gils"])
    exited = process["exited_threads"]
    # The kernel uses the id of a thread that exited again.
    keys = [(one["tid"], one["gil"]) for one in process["threads"] if not one["exited"]]
    assert len(set(keys)) == len(keys), "a thread has two entries"
    assert len({one["gil"] for one in exited}) == len(exited), "a GIL has two entries"
    for thread in process["threads"] + exited:
        assert thread["gil"] in gils
        check_thread(thread)
    check_blame(process)
    for gil in process["gils"]:
        check_gil(gil, [one for one in process["threads"] + exited if one["gil"] == gil["id"]])


def check_series(process):
    """The bins are those from its begin to its end, without a hole, and sum up to its GILs."""
    bins = process["series"]
    first, end = bins[0], bins[-1]["at_ns"] + bins[-1]["span_ns"]
    for one, other in zip(bins, bins[1:]):
        assert one["at_ns"] + one["span_ns"] == other["at_ns"], process["pid"]
    assert first["at_ns"] <= process["from_ns"] <= first["at_ns"] + first["span_ns"], first
    assert close(end, process["from_ns"] + process["observed_ns"]), process["pid"]
    for field in ("held_ns", "handoff_ns", "idle_ns", "unknown_ns", "holds", "contended_holds"):
        total = sum(gil[field] for gil in process["gils"])
        assert sum(one[field] for one in bins) == total, field


def check_blame(process):
    """Whom a thread waited for: all of its waits, and nothing else."""
    waited, blamed = {}, {}
    for kind in ("threads", "exited_threads"):
        for one in process[kind]:
            key = one["gil"], one.get("tid", "exited")
            waited[key] = waited.get(key, 0) + one["wait"]["total_ns"]
    for one in process["blame"]:
        key = one["gil"], one["waiter"]
        blamed[key] = blamed.get(key, 0) + one["ns"]
    assert {key: ns for key, ns in waited.items() if ns} == blamed


def check_gil(gil, threads):
    parts = gil["held_ns"] + gil["handoff_ns"] + gil["idle_ns"] + gil["unknown_ns"]
    assert close(parts, gil["observed_ns"]), gil
    assert close(sum(one["hold"]["total_ns"] for one in threads), gil["held_ns"]), gil
    holds = sum(one["hold"]["count"] + one["hold"]["clipped"]["count"] for one in threads)
    assert holds == gil["holds"], (holds, gil)
    for field in ("forced_releases", "voluntary_releases"):
        if gil[field] is not None:  # the libc probes cannot tell them apart
            assert sum(one[field] for one in threads) == gil[field], field
    assert gil["contended_holds"] <= gil["holds"]
    waited = sum(one["wait"]["total_ns"] for one in threads)
    assert close(gil["waiters"]["mean"] * gil["observed_ns"], waited, share=0.005), gil
    assert gil["waiters"]["mean"] <= gil["waiters"]["max"] or waited == 0, gil


def check_thread(thread):
    """An entry of one thread, or of several that exited, together."""
    hold, wait = thread["hold"], thread["wait"]
    check_times(hold)
    check_times(wait)
    spent = hold["total_ns"] + wait["total_ns"] + thread["off_gil_ns"]
    several = thread.get("threads", 1)
    assert close(spent, thread["observed_ns"], slack=several * SLACK_NS), thread
    if thread["forced_releases"] is not None:
        released = thread["forced_releases"] + thread["voluntary_releases"]
        assert hold["count"] - several <= released <= hold["count"] + hold["clipped"]["count"], thread


def check_times(times):
    count, buckets = times["count"], times["buckets"]
    assert sum(n for _, _, n in buckets) == count, times
    if not count:
        assert times["total_ns"] == times["clipped"]["ns"], times
        return
    marks = [times[name] for name in ("min_ns", "p50_ns", "p90_ns", "p99_ns", "p999_ns", "max_ns")]
    assert marks == sorted(marks), times
    assert times["min_ns"] <= times["mean_ns"] <= times["max_ns"], times
    complete = times["total_ns"] - times["clipped"]["ns"]
    assert abs(times["mean_ns"] - complete / count) <= 1, times
    check_buckets(times)
    for name, share in (("p50_ns", 0.5), ("p90_ns", 0.9), ("p99_ns", 0.99), ("p999_ns", 0.999)):
        assert abs(times[name] - percentile(times, share)) <= 1, (name, times)


def check_buckets(times):
    end = 0
    for low, high, number in times["buckets"]:
        assert number > 0 and end <= low < high, times
        assert high - low <= max(low / 32, 2), (low, high)
        end = high
    first, last = times["buckets"][0], times["buckets"][-1]
    assert first[0] <= times["min_ns"] < first[1], times
    assert last[0] <= times["max_ns"] < last[1], times


def percentile(times, share):
    """The value from the buckets, as the schema defines it."""
    wanted = math.ceil(share * times["count"])
    for low, high, number in times["buckets"]:
        wanted -= number
        if wanted <= 0:
            return min(max((low + high) / 2, times["min_ns"]), times["max_ns"])
    raise AssertionError(times)
