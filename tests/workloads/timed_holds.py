# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 gilscope contributors
"""Holds whose length C code knows that gives the GIL up and takes it by itself.

    timed_holds.py TRUTH_LIBRARY HOLD_US GAP_US COUNT
"""

import sys

from protocol import load_truth, serve_in_thread

library = load_truth(sys.argv[1])
HOLD_US, GAP_US, COUNT = map(int, sys.argv[2:])


def work():
    return {"holds": COUNT, "held_ns": library.hold_gil(HOLD_US, GAP_US, COUNT)}


serve_in_thread(work)
