# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 gilscope contributors
"""Uncontended GIL cycles as fast as they come: a batch for each line on stdin, its ns per cycle on stdout."""
import ctypes
import sys
import time

BATCH = 20000
release_and_take = ctypes.CDLL(None).abs  # a foreign call gives the GIL up and takes it back


def batch():
    begin = time.perf_counter_ns()
    for _ in range(BATCH):
        release_and_take(1)
    return (time.perf_counter_ns() - begin) / BATCH


for _ in sys.stdin:
    print(batch(), flush=True)
