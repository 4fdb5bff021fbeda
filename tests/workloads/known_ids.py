# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 gilscope contributors
"""Threads whose ids, names and times are known: one computes from before the capture on and so
holds the GIL when it begins; one holds it for known times when it is told to.

    known_ids.py HOLD_US GAP_US COUNT

The ids are those of the process's own PID namespace. Names in Python are those of the kernel in
capitals. "sandbox" forbids all system calls that it does
not need from then on, "forbidden" makes one that is not among them.
"""

import os
import sys
import threading

import seccomp
from protocol import commands, free_libc, held_libc, now_ns, say, start_threads, watch_queue

HOLD_US, GAP_US, COUNT = map(int, sys.argv[1:])
NAMES = ("computer", "holder")
PR_SET_NAME = 15


def hold():
    keep, give = held_libc.usleep, free_libc.usleep
    held_ns = 0
    begin = now_ns()
    for _ in range(COUNT):
        keep(HOLD_US)
        held_ns += now_ns() - begin
        give(GAP_US)
        begin = now_ns()
    return held_ns


def main():
    stop, held = [], []
    parked, go, finished = (threading.Semaphore(0) for _ in range(3))

    def compute():
        while not stop:
            pass
        finished.release()
        parked.acquire()

    def hold_when_told():
        while True:
            go.acquire()
            held.append(hold())
            finished.release()

    def run(index):
        threading.current_thread().name = NAMES[index].upper()
        free_libc.prctl(PR_SET_NAME, NAMES[index].encode(), 0, 0, 0)
        (compute, hold_when_told)[index]()

    free_libc.prctl(PR_SET_NAME, b"main", 0, 0, 0)
    tids = start_threads(len(NAMES), run)
    stood_ns = watch_queue(tids[1])
    names = dict(zip(NAMES, tids), main=threading.get_native_id())
    say("READY", tids=names, pid=os.getpid(), uid=os.getuid())
    for words in commands():
        if words[0] == "sandbox":
            seccomp.allow_only(seccomp.QUIET)
            say("DONE")
            continue
        if words[0] == "forbidden":
            os.getppid()
        if not stop:
            stop.append(True)
            finished.acquire()
        before = stood_ns()
        go.release()
        finished.acquire()
        say("DONE", holds=COUNT, held_ns=held.pop(), stood_ns=stood_ns() - before)


main()
