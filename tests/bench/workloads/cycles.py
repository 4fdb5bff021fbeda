# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 gilscope contributors
"""GIL cycles as fast as they come, in one thread or several.

    cycles.py THREADS

"go cycles N" (N each) and "go seconds S" answer with the ns that one of them took, the number of
all and, of one thread alone, the ns of its CPU time that one took: on a busy machine that is another
thing. One thread alone is never in contention; of several, each gives the GIL up and wants it back
at once, so they meet as they happen to.
"""

import ctypes
import sys
import threading
import time

from protocol import now_ns, serve, start_threads

THREADS = int(sys.argv[1])
CHUNK = 1000
release_and_take = ctypes.CDLL(None).abs  # a foreign call gives the GIL up and takes it back


def cycles(count):
    call = release_and_take
    for _ in range(count):
        call(1)
    return count


def seconds(duration):
    end, count = now_ns() + duration * 1e9, 0
    while now_ns() < end:
        count += cycles(CHUNK)
    return count


def do(unit, amount):
    """Returns how many cycles it did."""
    return cycles(int(amount)) if unit == "cycles" else seconds(float(amount))


def main():
    go, finished = threading.Semaphore(0), threading.Semaphore(0)
    orders, counts = [], []

    def run(index):
        while True:
            go.acquire()
            counts.append(do(*orders[-1]))
            finished.release()

    def together(*order):
        orders.append(order)
        counts.clear()
        for _ in range(THREADS):
            go.release()
        for _ in range(THREADS):
            finished.acquire()
        return sum(counts)

    def work_alone(*order):
        begin, begin_cpu = now_ns(), time.thread_time_ns()
        count = do(*order)
        cpu, wall = time.thread_time_ns() - begin_cpu, now_ns() - begin
        return {"ns": wall / count, "cpu_ns": cpu / count, "cycles": count}

    def work_together(*order):
        begin = now_ns()
        count = together(*order)
        return {"ns": (now_ns() - begin) / count, "cycles": count}

    if THREADS > 1:
        start_threads(THREADS, run)
    serve(work_alone if THREADS == 1 else work_together)


main()
