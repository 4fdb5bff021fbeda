# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 gilscope contributors
"""The BPF programs do not grow unnoticed: their instructions against those of
tests/bench/instructions.json."""

import os
import pathlib
import sys

import pytest

pytest.importorskip("elftools")
ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "bench"))

import instructions  # noqa: E402 (the path comes first)

BUILD = pathlib.Path(os.environ.get("GILSCOPE", ROOT / "build/gilscope")).parent


def test_no_program_grew():
    wanted = instructions.read_wanted()
    here = (instructions.compiler(), os.uname().machine)
    if here != (wanted["compiler"], wanted["machine"]):
        known = (wanted["compiler"], wanted["machine"])
        pytest.skip("counted with %s for %s, this is %s for %s" % (*known, *here))
    found = {}
    for path in sorted((BUILD / "gen").glob("*.bpf.o")):
        found.update(instructions.count(path))
    assert found
    complaints = instructions.complaints(wanted["instructions"], found)
    assert not complaints, "\n".join(complaints)


def test_growth_is_told():
    wanted = {"large": 1000, "small": 20}
    assert not instructions.complaints(wanted, {"large": 1030, "small": 22})
    assert not instructions.complaints(wanted, {"large": 500, "small": 10})
    told = instructions.complaints(wanted, {"large": 1031, "small": 23})
    assert told[0] == "large grew from 1000 to 1031 instructions, by 3%"
    assert told[1].startswith("small grew")
    assert "make bench-instructions" in told[2]


def test_a_program_that_comes_or_goes_is_told():
    told = instructions.complaints({"old": 10}, {"new": 10})
    assert told[:2] == ["new is new: 10 instructions", "old is gone"]
