# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 gilscope contributors
"""The JSON Schema of the report against reports that the unit test of the reports pins."""

import json
import pathlib
import re

import pytest

jsonschema = pytest.importorskip("jsonschema")

ROOT = pathlib.Path(__file__).resolve().parents[2]
SCHEMA = json.loads((ROOT / "tools/report-1.schema.json").read_text())
REPORTS = sorted((ROOT / "tests/golden").glob("*.json"))
SEVERAL = ROOT / "tests/golden/server.json"


def errors(report):
    return [e.message for e in jsonschema.Draft7Validator(SCHEMA).iter_errors(report)]


def test_schema_is_valid():
    jsonschema.Draft7Validator.check_schema(SCHEMA)


@pytest.mark.parametrize("path", REPORTS, ids=lambda path: path.name)
def test_report_conforms(path):
    assert errors(json.loads(path.read_text(encoding="utf-8"))) == []


def test_there_are_reports():
    assert REPORTS


def test_every_loss_is_required():
    names = re.findall(r"^LOSS\((\w+),", (ROOT / "bpf/loss.def").read_text(), re.MULTILINE)
    losses = SCHEMA["properties"]["losses"]
    assert names
    assert sorted(losses["required"]) == sorted(names)
    assert sorted(losses["properties"]) == sorted(names)


@pytest.mark.parametrize(
    "change",
    [
        lambda r: r.pop("losses"),
        lambda r: r["losses"].pop("ring_full"),
        lambda r: r.update(schema="gilscope.report/2"),
        lambda r: r["capture"].update(duration_ns=1.5),
        lambda r: r["processes"][0]["gils"][0].pop("unknown_ns"),
        lambda r: r["processes"][1]["threads"][0]["wait"].pop("clipped"),
        lambda r: r["processes"][1]["threads"][0]["hold"]["buckets"].append([1, 2]),
        lambda r: r["processes"][0]["probes"][0].update(emulated="yes"),
        lambda r: r["processes"][0].pop("unobserved_ns"),
        lambda r: r["processes"][0].update(end="later"),
        lambda r: r["processes"][1].update(losses={"ring_full": 0}),
        lambda r: r["processes"].clear(),
        lambda r: r.pop("totals"),
        lambda r: r["totals"].pop("unobserved_ns"),
    ],
)
def test_what_is_wrong_is_refused(change):
    report = json.loads(SEVERAL.read_text(encoding="utf-8"))
    change(report)
    assert errors(report)


def test_one_process_needs_no_totals():
    report = json.loads(SEVERAL.read_text(encoding="utf-8"))
    del report["processes"][1:], report["totals"]
    assert errors(report) == []


def test_unknown_fields_are_allowed():
    report = json.loads(SEVERAL.read_text(encoding="utf-8"))
    report["processes"][1]["threads"][0]["name"] = "worker"
    report["findings"] = []
    assert errors(report) == []
