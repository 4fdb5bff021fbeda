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


@pytest.fixture(scope="module")
def kernel():
    """struct name -> {field: bit offset}, of the running kernel."""
    bpftool = shutil.which("bpftool", path=os.environ["PATH"] + ":/usr/sbin:/usr/local/sbin")
    if not bpftool:
        pytest.skip("no bpftool")
    if not os.path.exists(BTF):
        pytest.skip(f"this kernel has no {BTF}")
    dump = subprocess.run([bpftool, "-j", "btf", "dump", "file", BTF], capture_output=True, check=True)
    wanted = ("task_struct", "pt_regs", "user_pt_regs")
    return {t["name"]: {m["name"]: m["bits_offset"] for m in t["members"]}
            for t in json.loads(dump.stdout)["types"]
            if t["kind"] == "STRUCT" and t["name"] in wanted and t["members"]}


def declared(header, struct):
    """[(field, elements)] of a struct in one of our headers."""
    text = re.sub(r"/\*.*?\*/", "", (ROOT / "vmlinux" / header).read_text(), flags=re.S)
    body = re.search(r"struct %s \{(.*?)\n\};" % struct, text, re.S).group(1)
    names = []
    for line in body.split(";"):
        for word in line.replace(",", " ").split():
            match = re.fullmatch(r"(\w+)(?:\[(\d+)\])?", word)
            if match and match.group(1) not in ("unsigned", "long", "int", "char", "struct", "__u64"):
                names.append((match.group(1), int(match.group(2) or 1)))
    return names


def test_fields_exist(kernel):
    fields = declared("vmlinux.h", "task_struct")
    assert [name for name, _ in fields] == ["pid", "tgid", "comm"]
    assert [name for name, _ in fields if name not in kernel["task_struct"]] == []


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
