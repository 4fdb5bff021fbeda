# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 gilscope contributors
"""tools/check-includes.py finds an include that points the wrong way."""

import pathlib
import subprocess
import sys

import pytest

TOOL = pathlib.Path(__file__).resolve().parents[2] / "tools" / "check-includes.py"


def check(root, path, include):
    """Status of the tool over a tree with one file that includes that, and its output."""
    file = root / path
    file.parent.mkdir(parents=True)
    file.write_text('#include <stdio.h>\n  #  include "%s"\n' % include)
    run = subprocess.run(
        [sys.executable, TOOL, root], capture_output=True, text=True, check=False
    )
    return run.returncode, run.stdout


WRONG = [
    ("user/base/log.c", "target/target.h"),
    ("user/base/log.c", "bpf/events.h"),
    ("user/target/resolve.c", "probe/plan.h"),
    ("user/probe/plan.c", "collect/collector.h"),
    ("user/collect/drain.c", "model/model.h"),
    ("user/collect/drain.c", "report/result.h"),
    ("user/model/model.c", "target/target.h"),
    ("user/model/model.c", "bpf/state.h"),
    ("user/model/model.c", "gil.skel.h"),
    ("user/model/model.c", "report/result.h"),
    ("user/report/json.c", "gil.skel.h"),
    ("user/report/json.c", "result.h"),
    ("user/extra/thing.c", "base/log.h"),
]
RIGHT = [
    ("user/base/log.c", "base/log.h"),
    ("user/target/resolve.c", "base/log.h"),
    ("user/probe/plan.c", "target/elf_image.h"),
    ("user/probe/attach.c", "gil.skel.h"),
    ("user/collect/drain.c", "bpf/events.h"),
    ("user/model/model.c", "bpf/events.h"),
    ("user/report/json.c", "model/model.h"),
    ("user/cmd_stat.c", "report/result.h"),
    ("user/main.c", "collect/collector.h"),
]


@pytest.mark.parametrize("path, include", WRONG)
def test_wrong(tmp_path, path, include):
    status, output = check(tmp_path, path, include)
    assert status == 1
    assert path.split("/")[1] in output


@pytest.mark.parametrize("path, include", RIGHT)
def test_right(tmp_path, path, include):
    assert check(tmp_path, path, include) == (0, "")


def test_nothing_to_check(tmp_path):
    run = subprocess.run([sys.executable, TOOL, tmp_path], capture_output=True, check=False)
    assert run.returncode == 1
