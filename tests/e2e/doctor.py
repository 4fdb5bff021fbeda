# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 gilscope contributors
"""gilscope doctor's checklist. Each that a test sees was held against its schema."""

import functools
import json
import pathlib
import subprocess

import jsonschema

import scope

SCHEMA = pathlib.Path(__file__).resolve().parents[2] / "tools" / "doctor-1.schema.json"
PATIENCE = 60


@functools.lru_cache(maxsize=None)
def validator():
    schema = json.loads(SCHEMA.read_text())
    jsonschema.Draft7Validator.check_schema(schema)
    return jsonschema.Draft7Validator(schema)


class Checklist:
    """What gilscope doctor -f json said. prefix: a command that becomes gilscope."""

    def __init__(self, pid=None, prefix=(), **options):
        command = [*prefix, scope.PROGRAM, "doctor", "-f", "json"]
        run = subprocess.run(
            command + (["-p", str(pid)] if pid else []),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
            **options,
        )
        assert run.stderr == ""
        self.said = json.loads(run.stdout)
        validator().validate(self.said)
        self.checks = {one["id"]: one for one in self.said["checks"]}
        assert len(self.checks) == len(self.said["checks"]), "an id stands twice"
        self.works = self.said["works"]
        assert run.returncode == (0 if self.works else 1)
        assert self.works == (not self.ids("failed"))
        assert ("target" in self.said) == (pid is not None)

    def ids(self, status):
        """Of the checks with that status."""
        return {name for name, check in self.checks.items() if check["status"] == status}

    @property
    def target(self):
        return self.said["target"]
