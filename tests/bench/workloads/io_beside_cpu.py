# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 gilscope contributors
"""Threads that ask another process and wait for its answer, beside one that computes.

    io_beside_cpu.py IO_THREADS

"go SECONDS" answers with what was done in a second: answers that came, and loops of the computing
thread.
"""

import os
import select
import socket
import sys

from protocol import now_ns, serve, start_threads

IO_THREADS = int(sys.argv[1])
LOOPS = 1000  # between two looks at the counter
REQUEST = b"x" * 64


def echo(ends):
    """The other process: answers until all have gone."""
    while ends:
        for end in select.select(ends, [], [])[0]:
            data = end.recv(len(REQUEST))
            if data:
                end.send(data)
            else:
                ends.remove(end)


def start_echo():
    """Our ends of the connections to a process that answers, which ends when they are closed."""
    pairs = [socket.socketpair() for _ in range(IO_THREADS)]
    if os.fork() == 0:
        for ours, _ in pairs:
            ours.close()
        echo([theirs for _, theirs in pairs])
        os._exit(0)
    for _, theirs in pairs:
        theirs.close()
    return [ours for ours, _ in pairs]


def main():
    ours = start_echo()
    answers, loops = [0] * IO_THREADS, [0]

    def ask(index):
        end = ours[index]
        while True:
            end.send(REQUEST)
            end.recv(len(REQUEST))
            answers[index] += 1

    def compute(index):
        while True:
            for _ in range(LOOPS):
                pass
            loops[0] += LOOPS

    def watch(seconds):
        begin, before = now_ns(), (sum(answers), loops[0])
        select.select([], [], [], float(seconds))
        after, end = (sum(answers), loops[0]), now_ns()
        answered, looped = ((b - a) * 1e9 / (end - begin) for a, b in zip(before, after))
        return {"answers": answered, "loops": looped}

    start_threads(1, compute)
    start_threads(IO_THREADS, ask)
    serve(watch)


main()
