# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 gilscope contributors
"""Two threads that hold the GIL in native code, one longer than the other, while two others come back for it.

    blame.py TRUTH_LIBRARY LONG_US SHORT_US COUNT

Each waiter sleeps in read() without the GIL until a holder, which keeps the GIL, writes a byte.
"""

import os
import sys
import threading

from protocol import commands, free_libc, load_truth, say, start_threads, wait_in_read, watch_queue

library = load_truth(sys.argv[1])
LONG_US, SHORT_US, COUNT = map(int, sys.argv[2:])


class Waiter:
    def __init__(self):
        self.reader, self.writer = os.pipe()
        self.waits = 0
        (self.tid,) = start_threads(1, self.run)

    def run(self, index):
        while True:
            library.wait_for_gil(self.reader)
            self.waits += 1


class Holder:
    def __init__(self, hold_us):
        self.hold_us, self.held_ns = hold_us, 0
        self.go, self.done = threading.Semaphore(0), threading.Semaphore(0)
        (self.tid,) = start_threads(1, self.run)

    def run(self, index):
        while True:
            self.go.acquire()
            for one in waiters:
                wait_in_read(one.tid)
            library.wake_and_hold(waiters[0].writer, 0)
            self.held_ns += library.wake_and_hold(waiters[1].writer, self.hold_us)
            self.done.release()


waiters = [Waiter(), Waiter()]


def main():
    holders = [Holder(LONG_US), Holder(SHORT_US)]
    tids = [one.tid for one in waiters + holders]
    stood_ns = watch_queue(*tids)
    say("READY", waiters=tids[:2], holders=tids[2:])
    for _ in commands():
        stood = stood_ns()
        for _ in range(COUNT):
            for holder in holders:
                holder.go.release()
                holder.done.acquire()
        while min(one.waits for one in waiters) < 2 * COUNT:
            free_libc.usleep(1000)
        say("DONE", held_ns=[one.held_ns for one in holders], waits=COUNT, stood_ns=stood_ns() - stood)


main()
