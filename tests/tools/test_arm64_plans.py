# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 gilscope contributors
"""Probe plans for Debian's arm64 interpreters, on any machine, against what other tools say of the
same files: llvm-objdump names the calls and shows the code, readelf shows the frames.

GILSCOPE_ARM64_FILES=all: every suite (make check-arm64-files); else the stable one's executable."""
import functools
import os
import pathlib
import re
import shutil
import struct
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "matrix"))
import cross  # noqa: E402
import debian  # noqa: E402

FILES = [("bookworm", "python3.11-minimal", "usr/bin/python3.11")]
if os.environ.get("GILSCOPE_ARM64_FILES") == "all":
    SUITES = {"bullseye": ("3.9",), "bookworm": ("3.11",), "trixie": ("3.13",), "sid": ("3.14", "3.15")}
    FILES = [
        (suite, package % version, path % version)
        for suite, versions in SUITES.items()
        for version in versions
        for package, path in (
            ("python%s-minimal", "usr/bin/python%s"),
            ("libpython%s", "usr/lib/aarch64-linux-gnu/libpython%s.so.1.0"),
        )
    ]

# What a signal's failure is reported with, up to the name of the condition variable (3.8 to 3.15).
MESSAGE = re.compile(rb"PyCOND_SIGNAL\([^\0]*?(switch_cond|cond)\) failed\0")
INSTRUCTION = re.compile(r"^ *([0-9a-f]+):\s+(\S+)[ \t]*([^<\n]*)(?:<([^>]*)>)?", re.M)


def run(*command):
    if not shutil.which(command[0]):
        pytest.skip("%s is not installed" % command[0])
    return subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout


@pytest.fixture(scope="module", params=FILES, ids=lambda f: pathlib.Path(f[2]).name.split(".so")[0])
def path(request):
    """The interpreter's file."""
    suite, package, name = request.param
    try:
        return debian.Suite(suite, "arm64").unpack(package) / name
    except debian.Unavailable as error:
        pytest.skip("%s of %s arm64 cannot be had: %s" % (package, suite, error))


def printer():
    return pathlib.Path(os.environ["GILSCOPE"]).with_name("print_plan")


def parse_plan(text):
    """(header, sites, returns, notes); the sites and returns as {word before: word}."""
    lines = text.splitlines()
    sites, returns, notes = [], [], []
    for line in lines[1:]:
        kind, rest = line.split(" ", 1)
        if kind == "note":
            notes.append(rest)
            continue
        words = line.split()
        fields = {words[i]: words[i + 1] for i in range(3 if kind == "site" else 2, len(words) - 1, 2)}
        if kind == "site":
            sites.append({"role": words[1], "vaddr": int(words[2], 16), **fields})
        else:
            returns.append({"vaddr": int(words[1], 16), **fields})
    return lines[0], sites, returns, notes


@pytest.fixture(scope="module")
def plan(path):
    return parse_plan(run(str(printer()), str(path)))


@functools.lru_cache(maxsize=1)
def disassemble(path):
    """{address: (mnemonic, operands, what is branched to)} of all code."""
    text = run("llvm-objdump", "-d", "--no-show-raw-insn", str(path))
    return {
        int(address, 16): (mnemonic, operands.strip(), label)
        for address, mnemonic, operands, label in INSTRUCTION.findall(text)
    }


def segments(data):
    """(offset, vaddr, size in the file) of the file's PT_LOADs."""
    at, size, count = struct.unpack_from("<Q", data, 32)[0], *struct.unpack_from("<HH", data, 54)
    headers = [struct.unpack_from("<IIQQQQ", data, at + i * size) for i in range(count)]
    return [(offset, vaddr, filesz) for kind, _, offset, vaddr, _, filesz in headers if kind == 1]


def messages(data):
    """{address of a message: "cond" or "switch_cond"}."""
    return {
        found.start() - offset + vaddr: found[1].decode()
        for found in MESSAGE.finditer(data)
        for offset, vaddr, size in segments(data)
        if offset <= found.start() < offset + size
    }


def number(text):
    return int(text.split("#")[-1].split()[0].rstrip("]"), 0)


def reported(code, vaddr, wanted, depth=3):
    """Which of the `wanted` messages the code from `vaddr` on loads before it calls anything; of a
    branch that may be taken, both ways are looked at."""
    registers = {}
    for _ in range(24):
        mnemonic, operands, _ = code[vaddr]
        words = operands.replace(" ", "").split(",")
        if mnemonic == "adrp":
            registers[words[0]] = int(words[1], 16)
        elif mnemonic == "add" and words[1] in registers and "#" in words[2] and len(words) == 3:
            registers[words[0]] = registers[words[1]] + number(words[2])
            if registers[words[0]] in wanted:
                return wanted[registers[words[0]]]
        elif mnemonic in ("bl", "blr", "ret", "br"):
            return None
        elif mnemonic == "b":
            vaddr = int(words[0], 16)
            continue
        elif mnemonic[0] == "b" and "." in mnemonic or mnemonic in ("cbz", "cbnz", "tbz", "tbnz"):
            taken = depth and reported(code, int(words[-1], 16), wanted, depth - 1)
            return taken or (depth and reported(code, vaddr + 4, wanted, depth - 1)) or None
        vaddr += 4
    return None


def calls(code, name):
    return {
        vaddr
        for vaddr, (mnemonic, _, label) in code.items()
        if mnemonic in ("bl", "b") and label == name + "@plt"
    }


def test_arm64_every_call_is_a_site(path, plan):
    """The plan has all calls of the two functions, and nothing else."""
    header, sites, _, notes = plan
    code = disassemble(path)
    assert header == "plan 0 call-sites forced-known 1" and notes == []
    waits = {site["vaddr"] for site in sites if site["role"] == "wait"}
    signals = {site["vaddr"] for site in sites if site["role"] != "wait"}
    assert waits and waits == calls(code, "pthread_cond_timedwait")
    assert signals and signals == calls(code, "pthread_cond_signal")
    assert len(sites) == len(waits) + len(signals)


def test_arm64_sites_are_instructions(path, plan):
    """Where a probe is put in the file stands a branch, which the kernel simulates."""
    data = path.read_bytes()
    for site in plan[1]:
        offset = int(site["offset"], 16)
        assert offset in [site["vaddr"] - v + o for o, v, size in segments(data) if 0 <= site["vaddr"] - v < size]
        (word,) = struct.unpack_from("<I", data, offset)
        assert word >> 26 in (0b100101, 0b000101), site
        assert site["length"] == "4" and site["emulated"] == "1"


def test_arm64_roles_are_those_of_the_messages(path, plan):
    """CPython's own message for the failure of each call says which condition variable it is."""
    code, wanted = disassemble(path), messages(path.read_bytes())
    roles = {"acquire": "switch_cond", "release": "cond"}
    for site in plan[1]:
        if site["role"] in roles:
            assert reported(code, site["vaddr"] + 4, wanted) == roles[site["role"]], site
    assert {site["role"] for site in plan[1]} == {"wait", "acquire", "release"}


def frames(path):
    """[(address at which a row begins, base, CFA - base, how far x30 is below the CFA or 0)]."""
    rows, columns = [], []
    for line in run("readelf", "--debug-dump=frames-interp", str(path)).splitlines():
        words = line.split()
        if words[:2] == ["LOC", "CFA"]:
            columns = words
        elif len(words) == len(columns) > 1 and re.match(r"(sp|x29)\+", words[1]):
            base, offset = words[1].split("+")
            saved = re.match(r"c-(\d+)", dict(zip(columns, words)).get("ra", "u"))
            rows.append((int(words[0], 16), base, int(offset), int(saved[1]) if saved else 0))
    return sorted(rows)


def row_at(rows, vaddr):
    return [row for row in rows if row[0] <= vaddr][-1]


def test_arm64_return_addresses(path, plan):
    """The places of return addresses are those of .eh_frame, and behind each planned one is a
    call."""
    rows, code = frames(path), disassemble(path)
    _, sites, returns, _ = plan
    checked = 0
    for entry in sites + [r for r in returns if r["forced"] == "0"]:
        if entry.get("role", "release") != "release":
            continue
        _, base, offset, below = row_at(rows, entry["vaddr"])
        assert entry.get("known", "1") == "1"
        assert int(entry["below"]) == below > 0
        assert base == "x29" or int(entry["cfa"]) == offset, entry
        checked += 1
    assert checked
    for entry in returns:
        assert code[entry["vaddr"] - 4][0] == "bl"
    assert any(entry["forced"] == "1" for entry in sites + returns)


def test_arm64_build_plans_the_same(path, plan):
    """A build for arm64, run by qemu, makes the same plan as the one for this machine."""
    other = pathlib.Path(os.environ["GILSCOPE"]).parent / "arm64" / "print_plan"
    if not other.exists():
        pytest.skip("no build for arm64 in %s" % other.parent)
    try:
        root = cross.sysroot("arm64")
    except debian.Unavailable as error:
        pytest.skip("no libraries for arm64: %s" % error)
    assert parse_plan(run("qemu-aarch64-static", "-L", str(root), str(other), str(path))) == plan
