# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 gilscope contributors
"""What gilscope says of the interpreter, and that it leaves the process as it was."""

import hashlib
import os
import re

import interpreters
from scope import process_of


def code_at(pid, path, offset, size):
    """(bytes in the process's memory, bytes in the file) at an offset of a mapped file."""
    for line in open("/proc/%d/maps" % pid, encoding="utf-8"):
        words = line.split(maxsplit=5)
        if len(words) < 6 or words[5].strip() != path or "x" not in words[1]:
            continue
        begin, end = (int(word, 16) for word in words[0].split("-"))
        at = begin + offset - int(words[2], 16)
        if begin <= at < end:
            with open("/proc/%d/mem" % pid, "rb", buffering=0) as memory:
                memory.seek(at)
                in_memory = memory.read(size)
            with open("/proc/%d/root%s" % (pid, path), "rb") as file:
                file.seek(offset)
                return in_memory, file.read(size)
    raise AssertionError("%s+%#x is not mapped for execution" % (path, offset))


def sites(report):
    return {(one["file"], one["offset"]) for one in process_of(report)["probes"]}


def chain(index, rounds):
    """The digest that checksum.py must find."""
    digest = b"%d" % index
    for _ in range(rounds):
        digest = hashlib.sha256(digest).digest()
    return digest.hex()


def test_target_is_unharmed(interpreter, start_workload, attach):
    """The results are right, the status is 0, and the code is what it was: the probes were there
    (a second capture shows it) and are gone."""
    threads, rounds = 2, 1500
    workload = start_workload(interpreter, "checksum.py", threads, rounds)
    expected = {"digests": [chain(index, rounds) for index in range(threads)]}
    capture = attach(workload)
    assert workload.go() == expected
    probes = sites(capture.report())
    assert len(probes) >= (2 if interpreter.method == "libc-entry" else 3)
    for file, offset in probes:
        in_memory, in_file = code_at(workload.pid, file, offset, 16)
        assert in_memory == in_file

    capture = attach(workload)
    for file, offset in probes:
        in_memory, in_file = code_at(workload.pid, file, offset, 16)
        assert in_memory != in_file
    assert workload.go() == expected
    assert sites(capture.report()) == probes
    for file, offset in probes:
        in_memory, in_file = code_at(workload.pid, file, offset, 16)
        assert in_memory == in_file
    assert workload.go() == expected
    assert workload.quit() == 0


def test_killed_tool_leaves_the_target_unharmed(one_interpreter, start_workload, attach):
    workload = start_workload(one_interpreter, "checksum.py", 2, 500)
    expected = {"digests": [chain(index, 500) for index in range(2)]}
    capture = attach(workload)
    capture.kill()
    assert workload.go() == expected
    assert workload.quit() == 0


def test_what_it_says_of_the_interpreter(interpreter, start_workload, attach, tell):
    workload = start_workload(interpreter, "ends.py")
    capture = attach(workload)
    workload.go()
    process = process_of(capture.report())

    python = process["python"]
    assert re.match(r"\d+\.\d+\.\d+", python["version"]).group() == ".".join(
        map(str, interpreter.version)
    )
    assert python["build"] == ("free-threaded" if interpreter.threaded else "gil")
    assert python["linkage"] == ("static" if interpreter.file == interpreter.exe else "shared")
    assert os.path.realpath(python["file"]) == os.path.realpath(interpreter.file)
    assert python["stripped"] != has_symbols(interpreter.file)
    assert (process["pid"], process["ppid"]) == (workload.pid, os.getpid())
    tell("found", how_found(process))
    assert process["resolution"]["method"] == interpreter.method
    assert all(probe["instruction"] for probe in process["probes"])
    roles = {one["role"] for one in process["probes"]}
    if interpreter.method == "libc-entry":
        assert roles == {"libc-wait", "libc-signal"}
        return
    assert {"wait", "acquire", "release"} <= roles
    assert {probe["file"] for probe in process["probes"]} == {python["file"]}


def how_found(process):
    """In short, for a table: the method, the number of sites of each role, those not emulated."""
    roles = [one["role"] for one in process["probes"]]
    count = "/".join(str(roles.count(role)) for role in ("wait", "acquire", "release"))
    stepped = sum(not one["emulated"] for one in process["probes"])
    text = process["resolution"]["method"]
    text += " " + count if text == "call-sites" else ""
    return text + (", %d stepped" % stepped if stepped else "")


def has_symbols(file):
    """Whether the file has a symbol table (section type 2), by its section headers."""
    with open(file, "rb") as elf:
        head = elf.read(64)
        at, size = int.from_bytes(head[40:48], "little"), int.from_bytes(head[58:60], "little")
        count = int.from_bytes(head[60:62], "little")
        elf.seek(at)
        table = elf.read(size * count)
    return any(table[n * size + 4] == 2 for n in range(count))


def test_libc_probes(interpreter, start_workload, attach):
    """The fallback, asked for by name, tells the same truth and says that it is the fallback."""
    cycles = 2000
    workload = start_workload(interpreter, "gil_cycles.py", 2, cycles)
    capture = attach(workload, "--probes", "libc")
    truth = workload.go()
    process = process_of(capture.report())

    assert process["resolution"]["method"] == "libc-entry"
    assert truth["cycles"] <= process["gils"][0]["holds"] <= truth["cycles"] + 200


def test_libc_probes_beside_its_forwarders(one_interpreter, compiled, start_workload, attach):
    """A library that has functions of the same names is not libc."""
    forwarders = compiled("forwarders.c", "-shared", "-fPIC")
    workload = start_workload(one_interpreter, "gil_cycles.py", 2, 1000, forwarders)
    with open("/proc/%d/maps" % workload.pid, encoding="utf-8") as maps:
        code = [line.split()[-1] for line in maps if " r-xp " in line]
    libc = next(path for path in code if os.path.basename(path).startswith("libc.so"))
    assert code.index(str(forwarders)) < code.index(libc)  # else it would not be met first
    capture = attach(workload, "--probes", "libc")
    truth = workload.go()
    process = process_of(capture.report())
    assert {probe["file"] for probe in process["probes"]} == {libc}
    assert process["gils"][0]["holds"] >= truth["cycles"]


def test_variants_differ(made):
    """The variants are what they claim to be: a stripped file, another name."""
    for one in interpreters.variants():
        variant = made(one)
        if one.kind == "stripped":
            assert not has_symbols(variant.file) and has_symbols(one.file)
        if one.kind in ("renamed", "embedded"):
            assert "python" not in os.path.basename(variant.exe)
