# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 gilscope contributors
"""The convoy effect: a thread that gives the GIL up for a short call finds it taken when it comes
back, and waits for a switch interval.

    convoy.py CALLS

"go SECONDS" sets the switch interval and makes CALLS calls of CALL_US microseconds beside a thread
that computes.
"""

import sys
import threading

from protocol import commands, free_libc, now_ns, say, start_threads

CALLS = int(sys.argv[1])
CALL_US = 1000


def main():
    done = []

    def compute(index):
        while not done:
            pass

    cpu = start_threads(1, compute)[0]
    say("READY", io=threading.get_native_id(), cpu=cpu)
    for words in commands():
        sys.setswitchinterval(float(words[1]))
        begin = now_ns()
        for _ in range(CALLS):
            free_libc.usleep(CALL_US)
        say("DONE", calls=CALLS, call_ns=CALL_US * 1000, elapsed_ns=now_ns() - begin)
    done.append(True)


main()
