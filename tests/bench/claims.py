# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 gilscope contributors
"""The claims of the project: each is a bar, what was measured, and whether it holds."""

import dataclasses

import stats
import tables
from children import Absent, reason_of
from tables import with_spread

NOT_MEASURED = "not measured"
ABSENT = "absent"  # not measured, for want of something that is not gilscope's


@dataclasses.dataclass(frozen=True)
class Claim:
    """One row: what is claimed, its bar as text, what was measured as text, the verdict (one of
    stats, NOT_MEASURED or ABSENT), and how it was measured or why not."""

    what: str
    bar: str
    measured: str
    verdict: str
    how: str = ""


def from_values(what, bar, bar_text, values, show, how=""):
    """A claim about the median of values, one a round."""
    if not values:
        return missing(what, bar_text, "no value")
    found = stats.estimate(values)
    measured = with_spread(found.median, found.interval, show)
    return Claim(what, bar_text, measured, bar.judge(found.interval), how)


def from_count(what, bar, bar_text, value, show, how=""):
    """A claim about something that is counted, or a maximum."""
    return Claim(what, bar_text, show(value), bar.judge_exactly(value), how)


def missing(what, bar_text, reason, verdict=NOT_MEASURED):
    return Claim(what, bar_text, "-", verdict, reason)


def broken(what, error):
    """What an exception leaves of a measurement."""
    verdict = ABSENT if isinstance(error, Absent) else NOT_MEASURED
    return missing(what, "-", reason_of(error), verdict)


def complaints(claims, whole):
    """Why --check fails, in lines: noise is no reason, nor is what is absent. whole: all that was
    wanted was begun and ended."""
    lines = [] if whole else ["the run was interrupted"]
    if not any(one.verdict in (stats.HOLDS, stats.FAILS, stats.NOISE) for one in claims):
        lines.append("no bar was judged")
    bad = [one for one in claims if one.verdict in (stats.FAILS, NOT_MEASURED)]
    return lines + ["%s: %s" % (one.verdict, one.what) for one in bad]


def table(claims):
    rows = [[one.what, one.bar, one.measured, one.verdict, one.how] for one in claims]
    percent = round(100 * stats.CONFIDENCE)
    note = "Measured: the median and its %d%% interval, if it is one of several rounds." % percent
    return tables.Table("Bars", ["claim", "bar", "measured", "verdict", "how"], rows, [note])
