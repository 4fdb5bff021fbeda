# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 gilscope contributors
"""Which e2e tests run in a guest, by what they show about a kernel: the columns of the table."""

BOOT, LOG = "boots", "kernel log"

# Every report that a test sees is held against the schema and the identities (tests/e2e/scope.py),
# so each of these also shows that the report is complete.
CHECKS = {
    "truth": ("test_truth.py",),
    "forced": ("test_contention.py",),
    "every cycle": ("test_cycles.py", "test_aggregate.py"),
    "-- COMMAND": ("test_command.py",),
    "trees": ("test_trees.py",),
    "edges": ("test_ends.py", "test_edges.py"),
    "frames": ("test_python_code.py",),
    "refusals": ("test_environment.py", "test_violation.py"),
}

# What a kernel has no part in, and what only takes long in a guest: one interpreter of one kind is
# enough there, and so are some threads.
LEFT_OUT = ("renamed", "test_ten_thousand_threads", "test_a_crowd")
LEFT_OUT += ("mp-", "forkserver", "test_many_short_children", "test_by_control_group")
LEFT_OUT += ("test_lines_of_intervals",)  # a second for each interpreter to begin


def tests():
    """The tests as pytest's arguments."""
    return ["tests/e2e/" + name for names in CHECKS.values() for name in names]


def of(node):
    """The check that a test belongs to."""
    test = node.rsplit("/", 1)[-1]
    return next(
        check for check, names in CHECKS.items() if any(test.startswith(name) for name in names)
    )


def columns():
    return [BOOT, *CHECKS, LOG]
