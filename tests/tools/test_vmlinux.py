# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 gilscope contributors
"""The types in vmlinux/ against the BTF of the running kernel."""
import json
import os
import pathlib
import platform
import re
import shutil
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
BTF = "/sys/kernel/btf/vmlinux"
REGISTERS = {"x86_64": ("pt_regs_x86.h", "pt_regs"), "aarch64": ("pt_regs_arm64.h", "user_pt_regs")}
# What is read through CO-RE, and the fields of it.
STRUCTS = {
    "upid": ["nr", "ns"],
    "pid": ["level", "numbers"],
    "signal_struct": ["live"],
    "task_struct": ["pid", "tgid", "comm", "mm", "thread_pid", "group_leader", "signal"],
}


@pytest.fixture(scope="module")
def kernel():
    """struct name -> {field: bit offset}, of the running kernel."""
    bpftool = shutil.which("bpftool", path=os.environ["PATH"] + ":/usr/sbin:/usr/local/sbin")
    if not bpftool:
        pytest.skip("no bpftool")
    if not os.path.exists(BTF):
        pytest.skip(f"this kernel has no {BTF}")
    dump = subprocess.run([bpftool, "-j", "btf", "dump", "file", BTF], capture_output=True, check=True)
    wanted = (*STRUCTS, "pt_regs", "user_pt_regs")
    return {t["name"]: {m["name"]: m["bits_offset"] for m in t["members"]}
            for t in json.loads(dump.stdout)["types"]
            if t["kind"] == "STRUCT" and t["name"] in wanted and t["members"]}


def declared(header, struct):
    """[(field, elements)] of a struct in one of our headers."""
    text = re.sub(r"/\*.*?\*/", "", (ROOT / "vmlinux" / header).read_text(), flags=re.S)
    body = re.search(r"struct %s \{(.*?)\n\};" % struct, text, re.S).group(1)
    fields = []
    for line in filter(str.strip, body.split(";")):
        for field in line.split(","):
            name, elements = re.search(r"(\w+)(?:\[(\d+)\])?\s*$", field).groups()
            fields.append((name, int(elements or 1)))
    return fields


@pytest.mark.parametrize("struct", STRUCTS)
def test_fields_exist(kernel, struct):
    names = [name for name, _ in declared("vmlinux.h", struct)]
    assert names == STRUCTS[struct]
    assert [name for name in names if name not in kernel[struct]] == []


def test_registers_are_where_the_kernel_has_them(kernel):
    if platform.machine() not in REGISTERS:
        pytest.skip(f"no registers are declared for {platform.machine()}")
    header, struct = REGISTERS[platform.machine()]
    at = 0
    for name, elements in declared(header, struct):
        # Newer kernels keep cs and ss in unions with their FRED extensions: the place counts.
        known = kernel[struct].get(name, at)
        assert known == at, name
        at += 64 * elements
    assert "sp" in kernel[struct]
