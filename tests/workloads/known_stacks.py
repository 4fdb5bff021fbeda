# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 gilscope contributors
"""Threads that are parked in known Python stacks.

READY comes when all are parked, with stacks: {tid: [[function, file, line], ...]}, leaf first, as
sys._current_frames() has them. Commands: "call", the main thread calls a function of the interpreter with the
GIL held, in the stack that it answers with; "free", the thread "doomed" ends, its code is freed (not by
every free-threaded build: the answer says it) and other code made; "collect", a thread is parked in a
garbage collection.
"""

import _thread
import asyncio
import ctypes
import gc
import os
import sys
import threading
import weakref

from protocol import commands, free_libc, say, wait_in_read

# Nobody else calls that one.
PROBED = "Py_GetCopyright"
CALLS = 100
probed = getattr(ctypes.pythonapi, PROBED)

forever = _thread.allocate_lock()
forever.acquire()
parked, tids = [], {}


class Path(str):
    """What is a string for compile()."""


# (name of a function, name of a file): each kind of string that there is, and what is no text.
NAMES = (
    ("plain", "<made up>"),
    ("größe", "/tmp/größe.py"),
    ("каша", "/tmp/関数/каша.py"),
    ("\U00020000", "\U00020000/\U0001f40d.py"),
    ("bytes", "not-utf8-\udcff.py"),
    ("control", "tab\tand\nnewline.py"),
    ("f" * 600, "/d" * 400 + "/long.py"),
    ("я" * 400, "/я" * 255 + ".py"),
    ("sub", Path("/tmp/subclass.py")),
    ("wide", Path("/tmp/каша-subclass.py")),
    ("empty", ""),
)


def park():
    return parked.append(None) or forever.acquire()


def made(name, file, body="    x = 1\n    return park()\n", park=park):
    """A function of source that exists nowhere."""
    namespace = {"park": park}
    exec(compile("\ndef %s():\n%s" % (name, body), file, "exec"), namespace)
    return namespace[name]


class Shop:
    @property
    def price(self):
        return [park() for _ in range(1)]

    @classmethod
    def visit(cls):
        def inside(shop):
            return (lambda: shop.price)()

        return inside(cls())

    def __lt__(self, other):
        return bool(park())


def generators():
    def inner():
        yield 1
        yield park()

    def outer():
        yield from inner()

    for _ in outer():
        pass


def tasks():
    async def helper():
        await asyncio.sleep(0)
        return park()

    async def both():
        async def forward():
            return await helper()

        await asyncio.gather(asyncio.ensure_future(forward()))

    asyncio.run(both())


def through_c(depth):
    return park() if not depth else list(map(through_c, [depth - 1]))


def recursive(depth):
    if depth:
        return recursive(
            depth
            - 1
        )
    return park()


def cleaning():
    try:
        try:
            raise KeyError
        except KeyError:
            with open(os.devnull):
                pass
        finally:
            park()
    finally:
        pass


def sorting():
    sorted([Shop(), Shop()])


def module():
    exec(compile("if True:\n\n  x = [\n    1,\n    park(),\n  ]\n", "module.py", "exec"), {"park": park})


def long_body():
    """More than 4 KiB of line table: the last line counts."""
    lines = "".join("    v%d = abs(%d)\n" % (n, n) for n in range(2000))
    return made("long_body", "long.py", lines + "    return park()\n")


STACKS = [generators, tasks, cleaning, sorting, module, Shop.visit, long_body()]
STACKS += [lambda: through_c(5), lambda: through_c(50), lambda: through_c(100), lambda: recursive(10)]
# As deep as is told, and deeper: what threading calls is part of it.
STACKS += [lambda depth=depth: recursive(depth) for depth in (*range(56, 68), 100)]
STACKS += [made(*names) for names in NAMES]


def name_of(code):
    return getattr(code, "co_qualname", code.co_name)


def stack_of(frame):
    stack = []
    while frame:
        stack.append([name_of(frame.f_code), str(frame.f_code.co_filename), frame.f_lineno])
        frame = frame.f_back
    return stack


def run(target):
    tids[threading.get_ident()] = threading.get_native_id()
    target()


def start(target):
    thread = threading.Thread(target=run, args=(target,), daemon=True)
    thread.start()
    return thread


def wait_parked(count):
    while len(parked) < count:
        free_libc.usleep(500)


def all_stacks():
    frames = sys._current_frames()
    return {tids[ident]: stack_of(frame) for ident, frame in frames.items() if ident in tids}


class Doomed:
    """A thread in a code object that goes away with it."""

    def __init__(self):
        self.go = _thread.allocate_lock()
        self.go.acquire()
        function = made("doomed", "doomed.py", park=self.park)
        self.code = weakref.ref(function.__code__)
        self.thread = start(function)

    def park(self):
        return parked.append(None) or self.go.acquire()

    def free(self):
        self.go.release()
        self.thread.join()
        self.thread = None
        gc.collect()
        return [made("other%d" % n, "other%d.py" % n) for n in range(300)]


def down(depth, truth):
    if depth:
        return down(depth - 1, truth)
    for _ in range(CALLS):
        truth.clear(), truth.extend(stack_of(sys._getframe())), probed()
    return truth


def collect():
    """Parks a thread at the begin of a collection."""
    count = len(parked)

    def begin(phase, info):
        park()

    gc.callbacks.append(begin)
    start(gc.collect)
    wait_parked(count + 1)
    gc.callbacks.clear()


def watch(main, doomed):
    """Tells when everybody is parked, the main thread in its wait for commands."""
    wait_parked(len(STACKS) + 1)
    wait_in_read(tids[main])
    tid = tids[doomed.thread.ident]
    say("READY", stacks=all_stacks(), doomed=tid, no_frames=1, probed=PROBED, calls=CALLS)
    forever.acquire()


def main():
    kept = []
    gc.disable()
    tids[threading.get_ident()] = threading.get_native_id()
    doomed = Doomed()
    for target in STACKS:
        start(target)
    _thread.start_new_thread(forever.acquire, ())
    threading.Thread(target=watch, args=(threading.get_ident(), doomed), daemon=True).start()
    for words in commands():
        if words[0] == "call":
            say("DONE", stack=down(int(words[1]), []))
        elif words[0] == "free":
            kept += doomed.free()
            say("DONE", freed=doomed.code() is None)
        elif words[0] == "collect":
            collect()
            say("DONE")
    os._exit(0)


main()
