# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 gilscope contributors
"""The decoder of line tables against each interpreter's own, over its standard library: a part of it,
or with GILSCOPE_ALL_LINES=1 and on the interpreters of the matrix all of it."""

import json
import os
import pathlib
import subprocess

import pytest

import interpreters
import workload

BUILD = pathlib.Path(os.environ.get("GILSCOPE", "build/gilscope")).resolve().parent
CHECK = BUILD / "tests/check_lines"
ALL = bool(os.environ.get("GILSCOPE_ALL_LINES") or interpreters.matrix_file())
STEP = 1 if ALL else 60


def test_lines_of_the_library(interpreter, tmp_path, tell):
    if not CHECK.exists():
        pytest.skip("%s is not built (make unit)" % CHECK)
    file = tmp_path / "lines"
    command = [*interpreter.command, workload.script("line_tables.py"), file, str(STEP)]
    told = json.loads(subprocess.check_output(command, env=interpreter.environment))
    done = subprocess.run([CHECK, file], stdout=subprocess.PIPE, text=True, check=False)
    tell("lines", done.stdout)
    assert done.returncode == 0, done.stdout
    assert done.stdout.startswith("%d code objects, " % told["codes"])
    assert told["codes"] > (10000 if ALL else 300), told
