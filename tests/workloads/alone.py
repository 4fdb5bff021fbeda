# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 gilscope contributors
"""A thread that computes alone: it never gives the GIL up, for nobody wants it.

    alone.py thread|main

"thread": the main thread sleeps in read(). "main": there is one thread, and a signal ends it.
"""

import os
import signal
import sys
import threading

from protocol import commands, say


def compute(done):
    rounds = 0
    while not done:
        rounds += 1
    return rounds


def beside_a_sleeping_main_thread():
    done, rounds = [], []
    thread = threading.Thread(target=lambda: rounds.append(compute(done)))
    thread.start()
    say("READY", holder=thread.native_id, pid=os.getpid())
    for _ in commands():
        break
    done.append(True)
    thread.join()
    say("DONE", rounds=rounds[0])


def in_the_only_thread():
    done = []
    signal.signal(signal.SIGUSR1, lambda number, frame: done.append(True))
    say("READY", holder=os.getpid(), pid=os.getpid())
    say("DONE", rounds=compute(done))


if sys.argv[1] == "thread":
    beside_a_sleeping_main_thread()
else:
    in_the_only_thread()
