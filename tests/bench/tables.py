# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 gilscope contributors
"""Tables as text for a terminal or as markdown, and the numbers in them."""

import dataclasses
import math


@dataclasses.dataclass
class Table:
    """A header, rows of as many texts, and lines below."""

    title: str
    header: list
    rows: list
    notes: list = dataclasses.field(default_factory=list)

    def markdown(self):
        lines = ["**%s**" % self.title, ""]
        lines += [markdown_row(self.header), "|---" * len(self.header) + "|"]
        lines += [markdown_row(row) for row in self.rows]
        return "\n".join(lines + [""] * bool(self.notes) + self.notes)

    def text(self):
        rows = [self.header, *self.rows]
        widths = [max(len(row[column]) for row in rows) for column in range(len(self.header))]
        lines = [
            "  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip()
            for row in rows
        ]
        lines.insert(1, "-" * (sum(widths) + 2 * len(widths) - 2))
        return "\n".join([self.title, "", *lines, *self.notes])


def markdown_row(cells):
    return "| %s |" % " | ".join(cell.replace("|", "/") for cell in cells)


def in_units(value, units):
    """The number in the largest unit, of (size, name), in which it is 1 or more."""
    for size, name in units:
        if abs(value) >= size or (size, name) == units[-1]:
            return "%s %s" % (short(value / size), name)
    return None


def short(value):
    """Three digits that mean something; a huge one (a ratio to nothing) is "huge"."""
    if math.isinf(value):
        return "huge"
    if abs(value) >= 100:
        return "{:,.0f}".format(value)
    return "%.1f" % value if abs(value) >= 10 else "%.2f" % value


def duration(ns):
    return in_units(ns, [(1e9, "s"), (1e6, "ms"), (1e3, "µs"), (1.0, "ns")])


def memory(size):
    return in_units(size, [(2**20, "MiB"), (2**10, "KiB"), (1, "B")])


def change(ratio):
    """A ratio as a signed change."""
    return "%+.1f%%" % (100 * (ratio - 1))


def ratio(value):
    return "%.2f" % value if not math.isinf(value) else "huge"


def percent(fraction):
    return "%.2f%%" % (100 * fraction)


def unit_of(text):
    """What follows the number: " µs", "%", "/s"."""
    return text.lstrip("+-.,0123456789")


def with_spread(middle, spread, show):
    """1.85 µs (1.78 to 1.93), with the units that differ; without a spread (too few values) the
    middle alone."""
    if spread is None:
        return show(middle)
    unit = unit_of(show(middle))
    low, high = (without_unit(show(value), unit) for value in spread)
    return "%s (%s to %s)" % (show(middle), low, high)


def without_unit(text, unit):
    """The number alone if that is its unit; a text without a number as it is."""
    return text[: len(text) - len(unit)] if unit_of(text) == unit != text else text
