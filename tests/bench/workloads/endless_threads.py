# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 gilscope contributors
"""A thread for each piece of work, one after the other without end, as some servers do.

    endless_threads.py CYCLES_EACH

"go SECONDS" lets it go on for so long and answers with the number of threads there were.
"""

import ctypes
import sys
import threading

from protocol import now_ns, serve

CYCLES = int(sys.argv[1])
release_and_take = ctypes.CDLL(None).abs


def piece():
    for _ in range(CYCLES):
        release_and_take(1)


def work(seconds):
    end, count = now_ns() + float(seconds) * 1e9, 0
    while now_ns() < end:
        thread = threading.Thread(target=piece)
        thread.start()
        thread.join()
        count += 1
    return {"threads": count}


serve(work)
