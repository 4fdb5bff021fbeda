# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 gilscope contributors
"""A process that ends in each way while it is watched.

    "go": some GIL cycles. "exit STATUS": leaves with two threads at work. "exec ARG...": becomes
    another program.
"""

import os
import sys

from protocol import become, commands, free_libc, say, start_threads


def main():
    def compute(index):
        while True:
            free_libc.usleep(500)

    say("READY", tids=start_threads(2, compute))
    for words in commands():
        if words[0] == "exit":
            sys.exit(int(words[1]))
        if words[0] == "exec":
            become(*words[1:])
        for _ in range(100):
            free_libc.getpid()
        say("DONE")


main()
