# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 gilscope contributors
"""What the report looks like in each format."""

import csv
import io
import json
import os
import pty
import re
import subprocess

import pytest

import scope
from identities import check_report, close
from lines import LineReader
from scope import gil_of, process_of

INTERVAL_MS = 200


@pytest.fixture
def workload(one_interpreter, start_workload):
    return start_workload(one_interpreter, "convoy.py", 40)


def captured(attach, workload, *arguments, output="text"):
    """Report of one round of the workload, as text."""
    capture = attach(workload, *arguments, output=output)
    workload.go(0.005)
    status, stdout = capture.stop()
    assert status == 0, capture.messages
    return stdout.decode()


def test_text(attach, workload):
    text = captured(attach, workload)

    for section in ("PID %d" % workload.pid, "held", "handoff", "idle", "unknown", "HOLD", "WAIT"):
        assert section in text
    for tid in workload.ready.values():
        assert re.search(r"\b%d\b" % tid, text)
    assert re.search(r"(?i)loss\w*:? +none", text)
    assert "\x1b" not in text
    assert max(map(len, text.splitlines())) <= 200


def test_ascii(attach, workload):
    text = captured(attach, workload, "--ascii")
    assert text.isascii()
    assert "held" in text


def test_locale_without_utf8(workload):
    run = scope.run(
        "-p", workload.pid, "-d", "100ms", env={**os.environ, "LC_ALL": "C", "LANG": "C"}
    )
    assert run.returncode == 0
    assert run.stdout.isascii()


def test_thread_names_are_cleaned(one_interpreter, start_workload, attach):
    """A thread's name is anybody's text: no control character of it reaches the terminal."""
    workload = start_workload(one_interpreter, "named_thread.py")
    capture = attach(workload, "-v", output="text")
    workload.go()
    text = capture.stop()[1].decode()
    assert "red" in text
    assert not {char for char in text if ord(char) < 32 and char != "\n" or ord(char) == 127}
    capture = attach(workload)
    workload.go()
    assert any("red" in one["comm"] for one in process_of(capture.report())["threads"])


@pytest.mark.parametrize("columns", [60, 80, 160])
def test_terminal_width(workload, columns):
    """On a terminal the report fits into its lines, with colours or, when asked, without."""
    text = on_terminal(workload, columns, {})
    plain = re.sub(r"\x1b\[[0-9;]*m", "", text)
    assert "\x1b" not in plain
    assert max(map(len, plain.splitlines())) <= columns
    assert "\x1b" not in on_terminal(workload, columns, {"NO_COLOR": "1"})


def on_terminal(workload, columns, env):
    """What a short capture writes to a terminal of that width."""
    master, slave = pty.openpty()
    subprocess.run(["stty", "cols", str(columns), "rows", "50"], stdin=slave, check=True)
    process = subprocess.Popen(
        [scope.PROGRAM, "-p", str(workload.pid), "-d", "200ms"],
        stdout=slave,
        stdin=slave,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "LC_ALL": "C.UTF-8", "TERM": "xterm-256color", **env},
    )
    os.close(slave)
    data = b""
    try:
        while True:
            data += os.read(master, 65536)
    except OSError:  # the terminal's other side is closed
        pass
    os.close(master)
    assert process.wait(60) == 0
    return data.decode().replace("\r\n", "\n")


def test_csv(attach, workload):
    rows = list(csv.DictReader(io.StringIO(captured(attach, workload, output="csv"))))

    tids = {int(row["tid"]) for row in rows}
    assert set(workload.ready.values()) <= tids
    for row in rows:
        number = {name: int(text) for name, text in row.items() if name not in ("name", "comm", "group") and text}
        spent = number["hold_total_ns"] + number["wait_total_ns"] + number["off_gil_ns"]
        assert close(spent, number["observed_ns"])
        if number["hold_count"]:
            assert number["hold_min_ns"] <= number["hold_p50_ns"] <= number["hold_max_ns"]
    assert sum(int(row["wait_count"]) for row in rows) > 0
    # What hurts comes first.
    waits = [int(row["wait_total_ns"]) for row in rows]
    assert waits == sorted(waits, reverse=True)


def test_csv_has_the_columns_of_json(attach, workload):
    header = captured(attach, workload, output="csv").split("\n", 1)[0].split(",")
    capture = attach(workload)
    workload.go(0.005)
    thread = process_of(capture.report())["threads"][0]
    wanted = [name for name in thread if name not in ("name", "group", "hold", "wait")]
    wanted = [name for name in wanted if not isinstance(thread[name], (dict, type(None)))]
    for times in ("hold", "wait"):
        names = [name for name in thread[times] if name not in ("clipped", "buckets")]
        wanted += [times + "_" + name for name in names]
    missing = set(wanted) - set(header)
    assert not missing


def test_series(attach, workload):
    capture = attach(workload, "-i", "%dms" % INTERVAL_MS, "-d", "1500ms")
    workload.go(0.005)
    report = capture.report(stop=False)

    series, gil = process_of(report)["series"], gil_of(report)
    duration = report["capture"]["duration_ns"]
    bins = -(-duration // (INTERVAL_MS * 1000000))
    assert len(series) in (bins, bins - 1)
    assert [one["at_ns"] for one in series] == [
        index * INTERVAL_MS * 1000000 for index in range(len(series))
    ]
    assert close(sum(one["held_ns"] for one in series), gil["held_ns"])
    assert close(sum(one["handoff_ns"] for one in series), gil["handoff_ns"])


def test_interval_lines(workload):
    """The lines come while the capture goes on, one for each interval, and the report after
    them."""
    process = subprocess.Popen(
        [scope.PROGRAM, "-p", str(workload.pid), "-i", "%dms" % INTERVAL_MS, "-d", "1"],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    reader = LineReader(process.stdout.fileno(), "gilscope")
    early = []
    while process.poll() is None and len(early) < 4:
        early.append(reader.read(60))
    assert len(early) == 4 and process.poll() is None  # a heading and lines before the end
    text = "\n".join(reader.rest(60))
    assert process.wait(60) == 0
    process.stdout.close()
    before_report = text.split("Profiled", 1)[0].splitlines()
    lines = [line for line in before_report if re.match(r"\s*[\d.]+ ?m?s?\s", line)]
    assert 4 <= len(lines) <= 6, before_report


def test_output_file(attach, workload, tmp_path):
    path = tmp_path / "report.json"
    capture = attach(workload, "-o", path)
    workload.go(0.005)
    status, stdout = capture.stop()

    assert status == 0 and stdout == b""
    check_report(json.loads(path.read_text()))


def test_reader_that_goes_away(workload):
    """gilscope ... | head: no signal ends it without a word, and no report is claimed."""
    process = subprocess.Popen(
        [scope.PROGRAM, "-p", str(workload.pid), "-d", "100ms", "-f", "json"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    process.stdout.close()
    messages = process.stderr.read().decode()
    assert process.wait(60) == 1, messages
    process.stderr.close()


def test_version_and_help():
    version = scope.run("--version")
    assert version.returncode == 0 and re.search(r"gilscope \d+\.\d+", version.stdout)
    for arguments in (["--help"], ["stat", "--help"]):
        text = scope.run(*arguments)
        assert text.returncode == 0 and text.stderr == ""
        for option in ("--pid", "--duration", "--interval", "--format", "--output", "--ring-size"):
            assert option in text.stdout
