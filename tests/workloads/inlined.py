# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 gilscope contributors
"""Calls whose release of the GIL compilers like to inline, a known number of times in one thread.

    inlined.py read|stat|listdir|write COUNT
"""

import os
import sys
import tempfile

from protocol import serve_in_thread

OPERATION, COUNT = sys.argv[1], int(sys.argv[2])


def make_operation(folder):
    """A callable for the operation: it is called COUNT times."""
    if OPERATION == "read":
        zero = os.open("/dev/zero", os.O_RDONLY)
        return lambda: os.read(zero, 16)
    if OPERATION == "stat":
        return lambda: os.stat(folder)
    if OPERATION == "listdir":
        return lambda: os.listdir(folder)
    sink = open("/dev/null", "wb", buffering=0)
    return lambda: sink.write(b"x")


def main():
    with tempfile.TemporaryDirectory() as folder:
        operation = make_operation(folder)

        def work():
            for _ in range(COUNT):
                operation()
            return {"count": COUNT}

        serve_in_thread(work)


main()
