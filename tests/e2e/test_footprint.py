# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 gilscope contributors
"""What gilscope itself takes: its memory, with a hundred threads to watch."""

import json
import pathlib
import re
import subprocess
import sys

import scope

LIMIT = 32 << 20
# Of what planning takes, 2.4 to 4.1 MiB came back for each of 7 interpreters, 1.9 MiB at most
# where the interpreter's file was kept in memory.
GIVEN_BACK = 2 << 20
THREADS, CYCLES = 100, 50


def memory(pid, name):
    """VmRSS or VmHWM of a process, in bytes."""
    status = pathlib.Path(f"/proc/{pid}/status").read_text(encoding="utf-8")
    return int(re.search(rf"^{name}:\s*(\d+) kB$", status, re.MULTILINE).group(1)) * 1024


def test_memory(one_interpreter, start_workload, attach, tell):
    workload = start_workload(one_interpreter, "many_threads.py", THREADS, CYCLES)
    capture = attach(workload)
    workload.go()
    during, peak = (memory(capture.process.pid, name) for name in ("VmRSS", "VmHWM"))
    report = capture.report()

    tell("rss", during)
    assert len(report["processes"][0]["threads"]) > THREADS
    assert peak <= report["overhead"]["tool_max_rss_bytes"] <= LIMIT
    # What planning took has been given back.
    assert during <= peak - GIVEN_BACK


# Has a large memory, then becomes gilscope.
FROM_A_LARGE_PROGRAM = """
import os, sys
large = b"x" * int(sys.argv[1])
os.execv(sys.argv[2], sys.argv[2:])
"""


def test_memory_of_the_parent_is_not_ours(one_interpreter, start_workload):
    workload = start_workload(one_interpreter, "convoy.py", 1)
    run = subprocess.run(
        [sys.executable, "-c", FROM_A_LARGE_PROGRAM, str(4 * LIMIT), scope.PROGRAM]
        + ["-p", str(workload.pid), "-d", "100ms", "-f", "json"],
        stdout=subprocess.PIPE,
        check=True,
    )
    assert json.loads(run.stdout)["overhead"]["tool_max_rss_bytes"] <= LIMIT
