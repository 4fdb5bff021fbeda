# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 gilscope contributors
"""Uncontended GIL cycles as fast as they come, and how long each "go" of them took.

    timed_cycles.py COUNT
"""

import sys

from protocol import free_libc, now_ns, serve

COUNT = int(sys.argv[1])


def work():
    cycle = free_libc.getpid
    begin = now_ns()
    for _ in range(COUNT):
        cycle()
    return {"cycles": COUNT, "ns": now_ns() - begin}


serve(work)
