# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 gilscope contributors
"""The guest's lines for the host, among those of the kernel and of pytest on its console."""

import json

MARK = "@gilscope "


def compose(**what):
    """What the guest writes: a line of its own, whatever was written before."""
    return "\n%s%s\n" % (MARK, json.dumps(what))


def parse(line):
    """The dictionary in a line of the console, or None in one that is not the guest's."""
    return json.loads(line[len(MARK) :]) if line.startswith(MARK) else None
