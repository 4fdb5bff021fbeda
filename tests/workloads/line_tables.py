# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 gilscope contributors
"""Writes the line tables of the standard library's code objects, and the interpreter's own answer
for each offset, for tests/unit/check_lines.c:

    line_tables.py FILE STEP        every STEP-th source file, and some code of its own

Prints {"files": n, "codes": n}."""

import array
import ctypes
import io
import json
import os
import sys
import types
import warnings

TABLE = "co_linetable" if sys.version_info >= (3, 10) else "co_lnotab"

LONG = 1000  # bytes of code

# What source in a library seldom has: no line at all, lines backwards and far apart.
OWN = [
    "def f():\n" + "\n" * 40000 + "    return 1\n",
    "x = (\n" + "\n" * 300 + "1 +\n" + "\n" * 300 + "f(\n2,\n3))\n",
    "def f():\n    try:\n        with a as b:\n            yield b\n    finally:\n        c()\n",
    "async def f():\n    async with a:\n        async for b in c:\n            await b\n",
    "class C:\n  @d\n  @e\n  def f(self): return [x for x in y\n if x] or (lambda: (yield))\n",
    "def f():\n" + "".join("    v%d = g(%d, h=v)\n" % (n, n) for n in range(1500)),
    "match = 1\nwhile match:\n    if a: break\n    continue\nelse:\n    pass\n",
]


def sources():
    """Every source file of the library, sorted."""
    for folder, folders, files in os.walk(os.path.dirname(os.__file__)):
        folders[:] = sorted(set(folders) - {"site-packages", "dist-packages", "__pycache__"})
        for name in sorted(files):
            if name.endswith(".py"):
                yield os.path.join(folder, name)


def compiled(source, name):
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return compile(source, name, "exec", dont_inherit=True)
    except (SyntaxError, ValueError, RecursionError):
        return None  # some of the library's tests are not meant to be compiled


def nested(code):
    """The code object and all that are in it."""
    waiting = [code]
    while waiting:
        one = waiting.pop()
        yield one
        waiting += [const for const in one.co_consts if isinstance(const, types.CodeType)]


def asker():
    """ask(code, offset): the interpreter's own answer."""
    ask = ctypes.pythonapi.PyCode_Addr2Line
    ask.argtypes, ask.restype = [ctypes.py_object, ctypes.c_int], ctypes.c_int
    return ask


def from_ranges(code):
    """The answers for all offsets at once (3.10 and later)."""
    lines = array.array("i", [-1]) * (len(code.co_code) // 2)
    for start, end, line in code.co_lines():
        for at in range(start // 2, end // 2):
            lines[at] = -1 if line is None else line
    return [code.co_firstlineno, *lines]


def answers(code, ask):
    """The line at each offset. Asking one by one takes the square of the length."""
    if len(code.co_code) > LONG and hasattr(code, "co_lines"):
        return from_ranges(code)
    return [ask(code, offset) for offset in range(-2, len(code.co_code), 2)]


def write(file, code, ask):
    table, lines = getattr(code, TABLE), answers(code, ask)
    array.array("i", [code.co_firstlineno, len(table), len(lines)]).tofile(file)
    file.write(table)
    array.array("i", lines).tofile(file)


def main():
    path, step = sys.argv[1], int(sys.argv[2])
    ask, counts = asker(), {"files": 0, "codes": 0}
    with open(path, "wb") as file:
        array.array("i", [sys.version_info[1]]).tofile(file)
        texts = [(text.encode(), "<own>") for text in OWN]
        for name in list(sources())[::step]:
            with io.open_code(name) as source:
                texts.append((source.read(), name))
        for text, name in texts:
            whole = compiled(text, name)
            counts["files"] += whole is not None
            for code in nested(whole) if whole else ():
                write(file, code, ask)
                counts["codes"] += 1
    os.write(1, json.dumps(counts).encode())  # sys.stdout may be a server's log


main()
