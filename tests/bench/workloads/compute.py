# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 gilscope contributors
"""Threads that compute, each a fixed amount: the GIL goes round by force only.

    compute.py THREADS

"go LOOPS_EACH" answers with the ns that all of it took.
"""

import sys
import threading

from protocol import now_ns, serve, start_threads

THREADS = int(sys.argv[1])


def compute(loops):
    value = 1
    for _ in range(loops):
        value = value * 3 & 0xFFFF
    return value


def main():
    go, finished = threading.Semaphore(0), threading.Semaphore(0)
    loops = []

    def run(index):
        while True:
            go.acquire()
            compute(loops[-1])
            finished.release()

    def together(count):
        loops.append(int(count))
        begin = now_ns()
        for _ in range(THREADS):
            go.release()
        for _ in range(THREADS):
            finished.acquire()
        return {"ns": now_ns() - begin}

    start_threads(THREADS, run)
    serve(together)


main()
