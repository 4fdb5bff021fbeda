# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 gilscope contributors
"""Threads of all kinds with names of all kinds.

    thread_names.py MORE

READY {"names": {tid: name, or null: threading knows none}}: of each kind one, and MORE of the plain
kind. "go": each takes the GIL once; DONE. "rename": all that can be get other names; "more N": N more
threads; "leave": the process ends; DONE {"names"} of all.
"""

import _thread
import os
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

from protocol import commands, free_libc, say

STEPS = [threading.Event()]
NAMES = ["ascii", "latin \u00e9", "\u6f22\u5b57", "emoji \U0001f600", "long " * 50, "same", "same", "x"]
started = threading.Semaphore(0)
native_ids = {}  # of threads that threading does not know


def run():
    """A thread's life: it takes the GIL at each step."""
    started.release()
    step = 0
    while STEPS[step].wait():
        step += 1
        free_libc.getpid()
        started.release()


def go():
    """Each thread takes the GIL once."""
    STEPS.append(threading.Event())
    STEPS[-2].set()
    for _ in range(len(threads) + POOL + 2):
        started.acquire()


class WithProperty(threading.Thread):
    """Its name is what it was told to be, whatever it says itself."""

    @property
    def name(self):
        return "property"

    @name.setter
    def name(self, value):
        pass


class WithSlots(threading.Thread):
    """Attributes of its own beside those of Thread."""

    __slots__ = ("first", "second")


class WithMany(threading.Thread):
    """More attributes than share their keys, some of them before Thread's own."""

    def __init__(self, **arguments):
        self.before = 1
        super().__init__(**arguments)
        for index in range(50):
            setattr(self, "attribute_%d" % index, index)


class WithDict(threading.Thread):
    """Its __dict__ has been asked for, changed, and replaced by a copy."""

    def __init__(self, **arguments):
        super().__init__(**arguments)
        vars(self)["another"] = 1
        self.__dict__ = dict(vars(self))


def raw(known):
    """A thread that threading did not start; it knows of it if it was asked."""
    native_ids[known] = threading.get_native_id()
    if known:
        threading.current_thread()
    run()


def start(thread):
    thread.daemon = True
    thread.start()
    started.acquire()
    return thread


def names():
    """What threading says of each, without the classes' own opinion."""
    known = {one.native_id: one._name for one in threading.enumerate()}
    return {**known, native_ids[False]: None}


POOL = 3
kinds = [threading.Thread(target=run, name=name) for name in NAMES]
kinds += [kind(target=run, name=kind.__name__) for kind in (WithProperty, WithSlots, WithMany, WithDict)]
kinds += [threading.Timer(0, run)] + [threading.Thread(target=run) for _ in range(int(sys.argv[1]))]
threads = [start(one) for one in kinds]
pool = ThreadPoolExecutor(POOL, thread_name_prefix="pool")
for _ in range(POOL):
    pool.submit(run)
    started.acquire()
for known in (True, False):
    _thread.start_new_thread(raw, (known,))
    started.acquire()

say("READY", names=names())
for words in commands():
    if words[0] == "rename":
        for number, one in enumerate(threading.enumerate()):
            one.name = "%s \u0436 %d" % (one.name, number)
    elif words[0] == "more":
        threads += [start(threading.Thread(target=run, name="late-%d" % n)) for n in range(int(words[1]))]
        STEPS[:-1] = [STEPS[0]] * (len(STEPS) - 1)
    elif words[0] == "leave":
        os._exit(0)
    else:
        go()
    say("DONE", names=names())
os._exit(0)
