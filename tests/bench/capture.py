# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 gilscope contributors
"""gilscope at work on a target."""

import json
import os
import signal

from children import Child, Failed

# What gilscope -v says on stderr at the instant from which on it counts.
STARTED = "gilscope: capturing"
MODES = ("aggregate", "exact")


class Context:
    """Where things are. folder: for what is written meanwhile; quick: less of everything."""

    def __init__(self, build, folder, quick):
        self.build, self.folder, self.quick = build, folder, quick
        self.gilscope = os.environ.get("GILSCOPE", str(build / "gilscope"))
        self.reports = 0

    def new_file(self, ending):
        self.reports += 1
        return self.folder / ("%d.%s" % (self.reports, ending))


class Capture:
    """Running when it is made. messages: what it said until it ran."""

    def __init__(self, context, *options, pids):
        self.file = context.new_file("json")
        # Which it has to have been, if that was asked for.
        self.mode = options[options.index("--mode") + 1] if "--mode" in options else None
        command = [context.gilscope, "stat", "-v", "-f", "json", "-o", self.file]
        command += ["-p", ",".join(map(str, pids)), *options]
        self.child = Child(command, STARTED, on="stderr")
        self.messages = list(self.child.reader.seen)

    @property
    def pid(self):
        return self.child.pid

    def finish(self):
        """Ends it as Ctrl-C does; the Report."""
        status = self.child.end(signal.SIGINT)
        if status:
            raise Failed("gilscope ended with status %d: %s" % (status, self.child.reader.seen[-1]))
        report = read_report(self.file)
        if self.mode not in (None, report.mode):
            raise Failed("gilscope's report is of mode %s, not %s" % (report.mode, self.mode))
        return report


def read_report(file):
    """The Report, whose file is gone then."""
    try:
        return Report(json.loads(file.read_text(encoding="utf-8")))
    except (ValueError, LookupError, TypeError) as error:
        what = "%s: %s" % (type(error).__name__, error)
        raise Failed("gilscope's report cannot be read: %s" % what) from error
    finally:
        file.unlink(missing_ok=True)


class Report:
    """What the measurements want from a JSON report."""

    def __init__(self, report):
        overhead = report["overhead"]
        self.mode = report["capture"]["mode"]
        self.hits = overhead["probe_hits"]
        self.hit_ns = overhead["ns_per_hit"] or 0
        self.target_fraction = overhead["target_cpu_fraction"] or 0.0
        self.tool_cpu_ns = overhead["tool_cpu_ns"]
        self.max_rss_bytes = overhead["tool_max_rss_bytes"]
        self.losses = {name: count for name, count in report["losses"].items() if count}
        gils = [gil for process in report["processes"] for gil in process["gils"]]
        self.holds = sum(gil["holds"] for gil in gils)
        self.places = [
            (probe["role"], probe["file"], probe["offset"])
            for process in report["processes"]
            for probe in process["probes"]
        ]
