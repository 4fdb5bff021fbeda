# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 gilscope contributors
"""Python stacks from outside: walked and resolved, against what the interpreter says of itself."""

import json
import os
import pathlib
import subprocess

import pytest

from lines import PATIENCE, LineReader

BUILD = pathlib.Path(os.environ.get("GILSCOPE", "build/gilscope")).resolve().parent
TOOL, WALK = BUILD / "tests/show_python", BUILD / "pystack/walk.bpf.o"

# bpf/pystack.h
MOST, NAME_SIZE = 64, 512
TRUNCATED, FAULTED, NO_FRAMES, BAD_TSTATE, NO_CODE, COLLECTING = (1 << bit for bit in range(6))


class Tool:
    """show_python, which may say a word before its answer."""

    def __init__(self, *arguments):
        if not TOOL.exists() or not WALK.exists():
            pytest.skip("%s is not built (make unit)" % TOOL)
        self.process = subprocess.Popen(
            [str(word) for word in (TOOL, *arguments)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        self.reader = LineReader(self.process.stdout.fileno(), "show_python")

    def expect(self, word):
        said = self.reader.read(PATIENCE)
        assert said == word, self.process.stderr.read().decode()

    def answer(self):
        """What it shows; lets it go on first."""
        self.process.stdin.write(b"\n")
        self.process.stdin.close()
        text = self.reader.read(PATIENCE)
        errors = self.process.stderr.read().decode()
        assert self.process.wait(PATIENCE) == 0, errors
        self.process.stdout.close()
        self.process.stderr.close()
        return json.loads(text)


def threads_of(shown):
    return {thread["tid"]: thread for thread in shown["threads"]}


def presentable(name):
    """A name as gilscope tells it."""
    text = "".join(
        "?" if ord(c) < 32 or 127 <= ord(c) < 160 else "\ufffd" if "\ud800" <= c < "\ue000" else c
        for c in name
    )
    if len(text.encode()) < NAME_SIZE:
        return text
    room = NAME_SIZE - 1 - len("…".encode())
    return text.encode()[:room].decode(errors="ignore") + "…"


def expected(stack):
    """The truth about a stack as frames."""
    return [[presentable(function), presentable(file), line] for function, file, line in stack[:MOST]]


def found(thread):
    """The frames of a thread, all of which must be resolved."""
    assert [frame for frame in thread["frames"] if frame["result"] != "resolved"] == []
    return [[frame["function"], frame["file"], frame["line"]] for frame in thread["frames"]]


@pytest.fixture
def parked(interpreter, start_workload):
    return start_workload(interpreter, "known_stacks.py")


def test_python_code_of_every_thread(parked):
    shown = threads_of(Tool("stacks", parked.pid).answer())
    truth = parked.ready["stacks"]
    assert len(truth) > 30
    for tid, stack in truth.items():
        thread = shown[int(tid)]
        assert found(thread) == expected(stack)
        assert thread["flags"] == (TRUNCATED if len(stack) > MOST else 0)
    depths = {len(stack) for stack in truth.values()}
    assert {MOST, MOST + 1} <= depths, "no stack is just as deep as is told, or one deeper"
    ids = {tid: thread["id"] for tid, thread in shown.items()}
    alike = {json.dumps(stack[:MOST]) for stack in truth.values()}
    assert len({ids[int(tid)] for tid in truth}) == len(alike), "stacks that differ have one id"


def test_python_code_of_a_thread_without_frames(parked):
    shown = threads_of(Tool("stacks", parked.pid).answer())
    bare = [thread for tid, thread in shown.items() if thread["flags"] & NO_FRAMES]
    assert len(bare) == parked.ready["no_frames"]
    assert bare[0]["frames"] == []
    assert str(bare[0]["tid"]) not in parked.ready["stacks"]


def test_python_code_that_was_freed(interpreter, parked):
    """It is said to be stale, whatever has taken its place; what lives on is told."""
    tool = Tool("later", parked.pid)
    tool.expect("walked")
    parked.tell("free")
    freed = parked.expect("DONE")["freed"]
    assert freed or interpreter.threaded
    shown = threads_of(tool.answer())
    for tid, stack in parked.ready["stacks"].items():
        if tid != str(parked.ready["doomed"]):
            assert found(shown[int(tid)]) == expected(stack)
            continue
        frames = dict(zip((name for name, _, _ in stack), shown[int(tid)]["frames"]))
        assert frames.pop("doomed")["result"] == ("stale" if freed else "resolved")
        assert frames
        assert {frame["result"] for frame in frames.values()} == {"resolved"}


def test_python_code_in_a_collection(interpreter, parked):
    if interpreter.version < (3, 9):
        pytest.skip("3.8 has its collector in the runtime, which the walk does not read")
    flags = {thread["flags"] & COLLECTING for thread in Tool("stacks", parked.pid).answer()["threads"]}
    assert flags == {0}
    parked.tell("collect")
    parked.expect("DONE")
    flags = {thread["flags"] & COLLECTING for thread in Tool("stacks", parked.pid).answer()["threads"]}
    assert flags == {COLLECTING}


@pytest.mark.parametrize("depth", [3, 70])
def test_python_code_from_a_probe(parked, depth):
    """The same walk in the kernel, of the thread that hits the probe."""
    tool = Tool("probe", parked.pid, parked.pid, parked.pid, parked.ready["probed"], WALK)
    tool.expect("attached")
    parked.tell("call", depth)
    truth = parked.expect("DONE")["stack"]
    shown = tool.answer()
    assert shown["hits"] == parked.ready["calls"]
    assert found(shown) == expected(truth)
    assert shown["flags"] == (TRUNCATED if len(truth) > MOST else 0)


def test_python_code_of_another_thread_from_a_probe(parked):
    """A waiter sees the stack of the holder."""
    for tid, stack in list(parked.ready["stacks"].items())[:5]:
        tool = Tool("probe", parked.pid, tid, parked.pid, parked.ready["probed"], WALK)
        tool.expect("attached")
        parked.tell("call", 1)
        parked.expect("DONE")
        shown = tool.answer()
        native = threads_of(Tool("stacks", parked.pid).answer())[int(tid)]
        if tid != str(parked.pid):
            assert found(shown) == expected(stack)
            assert shown["id"] == native["id"]
