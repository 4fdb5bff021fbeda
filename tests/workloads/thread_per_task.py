# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 gilscope contributors
"""A thread for each task, as a server has one for each request; some tasks are long.

    thread_per_task.py TASKS CYCLES_EACH LONG USEC

"go": TASKS short threads with a few GIL cycles, a few at a time, and spread among them LONG others
that hold the GIL for USEC. DONE when all of them are gone, with the ids of the long ones.
"""

import sys
import threading

from protocol import free_libc, held_libc, serve, wait_gone

TASKS, CYCLES, LONG, USEC = map(int, sys.argv[1:])
AT_A_TIME = 8


def short_task(tids):
    tids.append(threading.get_native_id())
    for _ in range(CYCLES):
        free_libc.getpid()


def long_task(tids):
    tids.append(threading.get_native_id())
    held_libc.usleep(USEC)


def run(task, count):
    """Threads at the same time, to their end; their ids."""
    tids = []
    threads = [threading.Thread(target=task, args=(tids,)) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return tids


def work():
    long_ones, last = [], []
    groups = TASKS // AT_A_TIME
    for group in range(groups):
        last = run(short_task, AT_A_TIME)
        if group * LONG // groups > len(long_ones):
            long_ones += run(long_task, 1)
    while len(long_ones) < LONG:
        long_ones += run(long_task, 1)
    for tid in last + long_ones[-1:]:
        wait_gone(tid)
    return {"threads": groups * AT_A_TIME + LONG, "cycles": CYCLES, "long": long_ones}


serve(work)
