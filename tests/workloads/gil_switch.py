# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 gilscope contributors
"""A free-threaded interpreter whose GIL goes on and off.

    gil_switch.py THREADS FOLDER

THREADS compute all the time. "flicker": imports extensions that need no GIL, for each of which it is
turned on and off again. "on": imports needs_gil from FOLDER, which turns it on for good. "hold": one
thread holds the GIL for 300 ms in C; DONE {"tid", "held_ns"}. Each answers DONE {"enabled"}.
"""

import importlib
import sys
import threading

from protocol import commands, held_libc, now_ns, say

EXTENSIONS = ["_json", "_csv", "_heapq", "_bisect", "_opcode", "unicodedata"]
end = False


def compute():
    while not end:
        sum(range(1000))


def hold():
    """How long one C call held the GIL, in ns."""
    begin = now_ns()
    held_libc.usleep(300000)
    return now_ns() - begin


sys.path.insert(0, sys.argv[2])
threads = [threading.Thread(target=compute, daemon=True) for _ in range(int(sys.argv[1]))]
for one in threads:
    one.start()
say("READY", enabled=sys._is_gil_enabled())
for words in commands():
    truth = {}
    if words[0] == "flicker":
        for name in EXTENSIONS:
            sys.modules.pop(name, None)
            try:
                importlib.import_module(name)
            except ImportError:
                pass
    elif words[0] == "on":
        importlib.import_module("needs_gil")
    elif words[0] == "hold":
        truth = {"tid": threading.get_native_id(), "held_ns": hold()}
    say("DONE", enabled=sys._is_gil_enabled(), **truth)
end = True
