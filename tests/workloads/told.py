# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 gilscope contributors
"""What is known from outside of the GILs of a process, told from inside.

Arguments: the switch interval in microseconds. READY has it, the interpreters that have the main
GIL, those that have one of their own, and the id of the main thread. "go": another thread takes it
last. "hold": that thread keeps it.
"""

import os
import sys
import threading

from protocol import commands, held_libc, say, wait_in_read


def make_interpreter():
    """One more interpreter, in one list or the other: [shares the GIL], [has its own]. It ends
    with the last reference to it, where it is an object and not a number."""
    try:
        if sys.version_info >= (3, 13):
            import _interpreters as interpreters
        else:
            import _xxsubinterpreters as interpreters
    except ImportError:
        return [], []
    made = [interpreters.create()]
    return ([], made) if sys.version_info >= (3, 12) else (made, [])


def main():
    sys.setswitchinterval(int(sys.argv[1]) / 1e6)
    shared, own = make_interpreter()
    asked, answer = os.pipe()
    main_tid = threading.get_native_id()

    def work():
        tid = threading.get_native_id()
        while True:
            word = os.read(asked, 1)
            wait_in_read(main_tid)
            say("DONE", tid=tid)
            if word == b"h":
                held_libc.pause()

    threading.Thread(target=work, daemon=True).start()
    say(
        "READY",
        tid=main_tid,
        interval_us=round(sys.getswitchinterval() * 1e6),
        shared=[0, *map(int, shared)],
        own=[*map(int, own)],
    )
    for words in commands():
        os.write(answer, words[0][:1].encode())


main()
