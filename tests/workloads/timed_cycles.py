# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 gilscope contributors
"""Uncontended GIL cycles as fast as they come, and the CPU time that each "go" of them took.

    timed_cycles.py COUNT
"""

import sys
import time

from protocol import free_libc, serve

COUNT = int(sys.argv[1])


def work():
    cycle = free_libc.getpid
    begin = time.thread_time_ns()
    for _ in range(COUNT):
        cycle()
    return {"cycles": COUNT, "cpu_ns": time.thread_time_ns() - begin}


serve(work)
