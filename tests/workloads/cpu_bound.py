# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 gilscope contributors
"""Threads that compute and nothing else, from before the capture to after it.

    cpu_bound.py THREADS
"""

import sys

from protocol import commands, say, start_threads


def main():
    done = []

    def compute(index):
        while not done:
            pass

    say("READY", tids=start_threads(int(sys.argv[1]), compute))
    for _ in commands():
        say("DONE")
    done.append(True)


main()
