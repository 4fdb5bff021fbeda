# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 gilscope contributors
"""The JSON Schema of gilscope doctor: what is wrong is refused, and its parts are the report's."""

import copy
import json
import pathlib

import pytest

jsonschema = pytest.importorskip("jsonschema")

TOOLS = pathlib.Path(__file__).resolve().parents[2] / "tools"
SCHEMA = json.loads((TOOLS / "doctor-1.schema.json").read_text())
REPORT = json.loads((TOOLS / "report-1.schema.json").read_text())

SAMPLE = {
    "schema": "gilscope.doctor/1",
    "tool": {"version": "1"},
    "works": True,
    "machine": {"kernel": "6.1", "arch": "x86_64", "ns_per_hit": {"emulated": 900, "single_stepped": None}},
    "checks": [{"id": "ring-buffer", "status": "ok", "title": "Ring buffer", "detail": "works", "advice": ""}],
    "target": {"pid": 1},
}


def errors(said):
    return [e.message for e in jsonschema.Draft7Validator(SCHEMA).iter_errors(said)]


def test_schema_is_valid():
    jsonschema.Draft7Validator.check_schema(SCHEMA)
    assert errors(SAMPLE) == []


@pytest.mark.parametrize(
    "change",
    [
        lambda s: s.update(schema="gilscope.doctor/2"),
        lambda s: s.pop("works"),
        lambda s: s["checks"].clear(),
        lambda s: s["checks"][0].update(status="fine"),
        lambda s: s["checks"][0].pop("advice"),
        lambda s: s["machine"]["ns_per_hit"].update(emulated=0),
        lambda s: s["target"].update(gils=[]),
        lambda s: s["target"].pop("pid"),
    ],
)
def test_what_is_wrong_is_refused(change):
    said = copy.deepcopy(SAMPLE)
    change(said)
    assert errors(said)


def test_shared_parts_are_the_same():
    """What the report has too means the same there."""
    ours, theirs = SCHEMA["definitions"], REPORT["definitions"]
    for part in ("python", "resolution", "probe", "gil"):
        for name, meaning in ours[part]["properties"].items():
            assert theirs[part]["properties"][name] == meaning, (part, name)
