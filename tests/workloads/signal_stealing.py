# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 gilscope contributors
"""Threads whose timed waits for the GIL often end at the very moment of a release: in glibc such a
waiter signals the condition variable once more, which looks like a release from inside libc."""

import sys
import time

from protocol import commands, say, start_threads

sys.setswitchinterval(0.0002)


def work(index):
    while True:
        if index:
            time.sleep(0.0002)
        else:
            sum(range(50))


say("READY", tids=start_threads(5, work))
for _ in commands():
    say("DONE")
