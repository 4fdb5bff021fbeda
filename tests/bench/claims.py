# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 gilscope contributors
"""The claims of the project: each is a bar, what was measured, and whether it holds."""

import dataclasses

import stats
import tables
from tables import with_spread

NOT_MEASURED = "not measured"


@dataclasses.dataclass(frozen=True)
class Claim:
    """One row: what is claimed, its bar as text, what was measured as text, the verdict (one of
    stats, or NOT_MEASURED), and how it was measured or why not."""

    what: str
    bar: str
    measured: str
    verdict: str
    how: str = ""


def from_values(what, bar, bar_text, values, show, how=""):
    """A claim about the median of values, one a round."""
    if not values:
        return Claim(what, bar_text, "-", NOT_MEASURED, how or "no value")
    found = stats.estimate(values)
    measured = with_spread(found.median, found.interval, show)
    return Claim(what, bar_text, measured, bar.judge(found.interval), how)


def from_count(what, bar, bar_text, value, show, how=""):
    """A claim about something that is counted, or a maximum."""
    return Claim(what, bar_text, show(value), bar.judge_exactly(value), how)


def missing(what, bar_text, reason):
    return Claim(what, bar_text, "-", NOT_MEASURED, reason)


def table(claims):
    rows = [[one.what, one.bar, one.measured, one.verdict, one.how] for one in claims]
    percent = round(100 * stats.CONFIDENCE)
    note = "Measured: the median and its %d%% interval, if it is one of several rounds." % percent
    return tables.Table("Bars", ["claim", "bar", "measured", "verdict", "how"], rows, [note])
