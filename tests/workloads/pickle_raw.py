# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 gilscope contributors
"""pickle.dump into an unbuffered file beside a thread that computes.

    pickle_raw.py ROUNDS

A dump is C code that checks for no drop request. Protocol 3 collects everything and writes it with
one call at the end, for which FileIO gives the GIL up by itself: a voluntary release, though by
then the other thread has asked for the GIL. Between the dumps runs Python code that is forced to
drop it.
"""

import os
import pickle
import sys
import tempfile
import threading
import time

from protocol import commands, now_ns, say, start_threads

ROUNDS = int(sys.argv[1])


def write_calls():
    """Number of write system calls that this thread has made, of each kind."""
    with open("/proc/self/task/%d/io" % threading.get_native_id(), "rb", buffering=0) as counters:
        fields = dict(line.split(b": ") for line in counters.read().splitlines())
    return int(fields[b"syscw"])


def compute_for(ns):
    end = now_ns() + ns
    while now_ns() < end:
        pass


def main():
    done = []

    def compute(index):
        while not done:
            pass

    data = [str(number) for number in range(200000)]
    cpu = start_threads(1, compute)[0]
    say("READY", pickler=threading.get_native_id(), cpu=cpu)
    with tempfile.TemporaryFile(buffering=0) as file:
        for _ in commands():
            begin, cpu_begin, writes = now_ns(), time.thread_time_ns(), write_calls()
            for _ in range(ROUNDS):
                os.lseek(file.fileno(), 0, os.SEEK_SET)
                pickle.dump(data, file, protocol=3)
                compute_for(20000000)
            truth = {
                "writes": write_calls() - writes,
                "cpu_ns": time.thread_time_ns() - cpu_begin,
                "elapsed_ns": now_ns() - begin,
            }
            say("DONE", rounds=ROUNDS, **truth)
    done.append(True)


main()
