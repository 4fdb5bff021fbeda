# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 gilscope contributors
"""What became of each test, as a table of kernels and checks."""

import collections


class Table:
    """Cells are (kernel, check); each holds the outcome of each of its tests."""

    def __init__(self, columns):
        self.columns = columns
        self.cells = collections.defaultdict(dict)
        self.kernels = []

    def note(self, kernel, check, test, outcome):
        """outcome: passed, failed or skipped. The last one counts: a test whose end fails has failed."""
        if kernel not in self.kernels:
            self.kernels.append(kernel)
        self.cells[kernel, check][test] = outcome

    def count(self, outcome):
        return sum(list(cell.values()).count(outcome) for cell in self.cells.values())

    def text(self, kernel, check):
        """What a cell shows: how many of its tests passed; those that failed aloud."""
        outcomes = list(self.cells.get((kernel, check), {}).values())
        if not outcomes:
            return "-"
        passed, failed = outcomes.count("passed"), outcomes.count("failed")
        if failed:
            return "%d of %d FAILED" % (failed, len(outcomes))
        return "%d ok" % passed if passed else "skipped"

    def __str__(self):
        rows = [["kernel", *self.columns]]
        rows += [[k, *(self.text(k, check) for check in self.columns)] for k in self.kernels]
        widths = [max(map(len, column)) for column in zip(*rows)]
        return "\n".join(
            "  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip()
            for row in rows
        )

    def total(self):
        counts = [(self.count(outcome), outcome) for outcome in ("passed", "failed", "skipped")]
        return ", ".join("%d %s" % one for one in counts if one[0] or one[1] != "skipped")
