#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 gilscope contributors
"""Checks that includes inside user/ point one way along the data flow.

    check-includes.py [ROOT]

Prints each include that does not, and exits with 1 if there is one.
"""

import pathlib
import re
import sys

# A stage may include itself and the stages before it. The model is pure: base and the stream's
# records are all that it knows. Only main.c and the commands, the files directly in user/, see all.
FLOW = ["base", "target", "probe", "collect", "model", "report"]
STREAM = ["bpf/events.h", "bpf/loss.def"]
KERNEL = ["bpf/", "gil.skel.h"]
# What the walk of Python's frames in BPF and the resolver of these frames share.
FRAMES = ["bpf/pystack.h"]
BEFORE = {stage: [one + "/" for one in FLOW[: place + 1]] for place, stage in enumerate(FLOW)}
MAY_INCLUDE = {
    "base": BEFORE["base"],
    "target": BEFORE["target"] + FRAMES,
    "probe": BEFORE["probe"] + KERNEL,
    "collect": BEFORE["collect"] + KERNEL,
    "model": ["base/", "model/"] + STREAM,
    "report": BEFORE["report"] + STREAM,
}

INCLUDE = re.compile(r'^\s*#\s*include\s+"([^"]+)"')


def stage_of(path):
    """The folder in user/ that a file is in, or None for the commands."""
    return path.parts[1] if len(path.parts) > 2 else None


def allowed(stage, include):
    """Whether a file of that stage may include this."""
    return stage is None or any(
        include.startswith(one) if one.endswith("/") else include == one
        for one in MAY_INCLUDE.get(stage, ())
    )


def wrong_includes(root):
    """(file, line number, include) of each that points the wrong way, and the number of files."""
    wrong = []
    files = sorted(path for path in root.glob("user/**/*") if path.suffix in (".c", ".h"))
    for file in files:
        path = file.relative_to(root)
        for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), 1):
            match = INCLUDE.match(line)
            if match and not allowed(stage_of(path), match.group(1)):
                wrong.append((path, number, match.group(1)))
    return wrong, len(files)


def main():
    root = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else pathlib.Path(__file__).parents[1]
    wrong, files = wrong_includes(root)
    for path, number, include in wrong:
        print('%s:%d: a file of this stage may not include "%s"' % (path, number, include))
    unknown = {path.name for path in root.glob("user/*") if path.is_dir()} - set(FLOW)
    for name in sorted(unknown):
        print("user/%s: no stage of the data flow (%s)" % (name, " <- ".join(FLOW)))
    if not files:
        print("%s: no files in user/" % root)
    sys.exit(1 if wrong or unknown or not files else 0)


main()
