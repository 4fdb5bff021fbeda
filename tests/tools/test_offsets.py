# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 gilscope contributors
"""The offsets that gilscope reads memory with, against the DWARF of every interpreter at hand: of
this machine, and of what tests/matrix/debian.py has fetched (python3.N-minimal with python3.N-dbg)."""

import glob
import importlib.util
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys

import pytest

pytest.importorskip("elftools")

ROOT = pathlib.Path(__file__).resolve().parents[2]
GILSCOPE = pathlib.Path(os.environ.get("GILSCOPE", ROOT / "build/gilscope"))
SHOW_TARGET = GILSCOPE.parent / "tests" / "show_target"
CACHE = os.environ.get("GILSCOPE_CACHE", "~/.cache/gilscope")
SHOW_PYTHON = GILSCOPE.parent / "tests" / "show_python"
HEADERS = {
    table: (ROOT / ("user/target/%s_table.h" % table)).read_text(encoding="utf-8")
    for table in ("offsets", "names")
}
PYTHON_HEADER = (ROOT / "user/target/py_layout_table.h").read_text(encoding="utf-8")
PLACES = (
    "/usr/bin/python3.*",
    "/usr/lib/*/libpython3.*.so.*",
    "/usr/local/bin/python3.*",
    "/usr/local/lib/libpython3.*.so.*",
    "~/.pyenv/versions/*/lib/libpython3.*.so.*",
    "~/.pyenv/versions/*/bin/python3.*",
)
NAME = r"python3\.\d+|libpython3\.\d+\.so\.[\d.]+"
DEBUG_FOLDERS = ["/usr/lib/debug"] + glob.glob(
    os.path.expanduser(CACHE + "/debian/*/roots/*/usr/lib/debug")
)

spec = importlib.util.spec_from_file_location("gen_offsets", ROOT / "tools/gen-offsets.py")
generator = importlib.util.module_from_spec(spec)
spec.loader.exec_module(generator)


def interpreters():
    """{path: Layouts} of the interpreters 3.8 and newer that have DWARF, one of each version and
    machine."""
    roots = [""] + sorted(glob.glob(os.path.expanduser(CACHE + "/debian/*/roots/*")))
    found, seen = {}, set()
    for root in roots:
        for path in sorted(sum((glob.glob(root + os.path.expanduser(p)) for p in PLACES), [])):
            # Not the debug builds (python3.11d).
            if os.path.islink(path) or not re.fullmatch(NAME, os.path.basename(path)):
                continue
            with open(path, "rb") as file:
                if file.read(4) != b"\x7fELF":
                    continue
                elf = generator.ELFFile(file)
                exported = elf.get_section_by_name(".dynsym")
                if not exported or not exported.get_symbol_by_name("_PyRuntime"):
                    continue
            try:
                version, layouts = generator.version_of(path), generator.layouts_of(path, DEBUG_FOLDERS)
            except generator.Unusable:
                continue
            build = layouts.machine, version
            if generator.minor_of(version) >= (3, 8) and build not in seen:
                seen.add(build)
                found[path] = layouts
    return found


LAYOUTS = interpreters()
every_interpreter = pytest.mark.parametrize(
    "path", sorted(LAYOUTS) or [pytest.param("", marks=pytest.mark.skip(reason="no interpreter with DWARF here"))]
)


def resolved(path, libc="glibc"):
    """What gilscope says of the file."""
    if not SHOW_TARGET.exists():
        pytest.skip("%s is not built (make unit)" % SHOW_TARGET)
    return json.loads(subprocess.check_output([SHOW_TARGET, "file", libc, path]))[path]


# Of the GIL itself: its fields do not differ by version, but by machine.
GIL = ("interval", "last_holder", "locked", "cond", "switch_cond")


@every_interpreter
def test_offsets_are_those_of_the_dwarf(path):
    """Field by field, from the table or from the file's own _Py_DebugOffsets."""
    told, layouts = resolved(path), LAYOUTS[path]
    assert told["error"] == 0
    assert told["version"].startswith(generator.version_of(path))
    offsets = dict(told["offsets"])
    del offsets["pthread_tid"]
    expected = {name: layouts.offset(tag, way) or 0 for name, tag, way, _ in generator.TABLE}
    expected.update({"gil_" + name: layouts.offset("_gil_runtime_state", name) for name in GIL})
    assert offsets == expected


@pytest.mark.parametrize("table", HEADERS)
@every_interpreter
def test_header_is_what_the_generator_makes(path, table):
    version = generator.version_of(path)
    row = generator.row_of(version, LAYOUTS[path], table)
    assert generator.entry_of(generator.minor_of(version), row) in HEADERS[table]


@pytest.mark.parametrize("table", HEADERS)
def test_header_has_each_version_once(table):
    """The same text again from what it says."""
    minors = [int(minor) for minor in re.findall(r"\{\.minor = (\d+),", HEADERS[table])]
    assert minors == list(range(8, 16))


MISSING = -1  # as gilscope has what is not there


@every_interpreter
def test_python_layout_is_that_of_the_dwarf(path):
    """Field by field, as above; of structures that the DWARF of the file has, as from 3.13 on not all
    do."""
    if not SHOW_PYTHON.exists():
        pytest.skip("%s is not built (make unit)" % SHOW_PYTHON)
    told, layouts = json.loads(subprocess.check_output([SHOW_PYTHON, "layout", path])), LAYOUTS[path]
    assert (told["error"], told["types"]) == (0, True)
    compared = 0
    for name, places in DWARF_PLACES.items():
        there = [place for place in places if layouts.size(place[0])]
        found = [layouts.offset(*place) if place[1] else layouts.size(place[0]) for place in there]
        found = [offset for offset in found if offset is not None]
        if found or there and name in OPTIONAL:
            assert told[name] == (found[0] if found else MISSING), name
            compared += bool(found)
    assert compared >= 18
    gc = layouts.offset("_is", "gc"), layouts.offset("_gc_runtime_state", "collecting")
    assert told["interp_collecting"] == (MISSING if gc[0] is None else sum(gc))
    assert told["code_window"] + 88 == told["code_lines"] + 8
    frame = max(told[name] for name in ("frame_code", "frame_previous", "frame_instruction", "frame_owner"))
    assert frame < told["frame_size"] <= frame + 8


# The generator's places, and those of structures as they are since 3.13.
NEWER = {
    "tstate_frame": [("_ts", "current_frame")],
    "frame_code": [("_PyInterpreterFrame", "f_executable")],
    "frame_instruction": [("_PyInterpreterFrame", "instr_ptr")],
}
DWARF_PLACES = {
    name.lower(): [*NEWER.get(name.lower(), []), *places]
    for name, places, _ in generator.PYTHON
    if name not in ("INTERP_GC", "GC_COLLECTING")
}
OPTIONAL = {name.lower() for name in generator.PYTHON_OPTIONAL}


@every_interpreter
def test_python_header_is_what_the_generator_makes(path):
    version = generator.version_of(path)
    row = generator.python_row_of(version, LAYOUTS[path])
    assert generator.python_entry_of(generator.minor_of(version), row) in PYTHON_HEADER


def test_python_header_has_each_version_once():
    """As above; its rows are arrays."""
    minors = [int(minor) for minor in re.findall(r"^\t\{(\d+), \{$", PYTHON_HEADER, re.M)]
    assert minors == list(range(8, 16))


def test_interpreters_that_disagree_are_refused(monkeypatch):
    rows = iter([{"interp_id": 8}, {"interp_id": 16}])
    layouts = type("Fake", (), {"machine": "x86_64", "path": "fake"})
    monkeypatch.setattr(generator, "version_of", lambda path: "3.12." + path)
    monkeypatch.setattr(generator, "layouts_of", lambda path, folders: layouts)
    monkeypatch.setattr(generator, "row_of", lambda version, layouts: next(rows))
    with pytest.raises(generator.Unusable, match="3.12.1.*differs"):
        generator.rows_of(["0", "1"], [], generator.row_of)


def test_file_without_dwarf_is_refused(tmp_path):
    if not shutil.which("gcc"):
        pytest.skip("no gcc")
    source, file = tmp_path / "empty.c", tmp_path / "python3.9"
    source.write_text('const char *version = "3.9.1";')
    subprocess.run(["gcc", "-g0", "-shared", "-o", file, source], check=True)
    command = [sys.executable, ROOT / "tools/gen-offsets.py", file]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    assert run.returncode == 1
    assert run.stdout == ""
    assert "DWARF" in run.stderr


def musl_headers():
    """{machine: folder} of musl's headers at hand."""
    places = "/usr/include/*-linux-musl", CACHE + "/debian/*/roots/*/usr/include/*-linux-musl"
    found = [path for place in places for path in glob.glob(os.path.expanduser(place))]
    return {os.path.basename(path).split("-")[0]: path for path in found}


def size_of_types(options):
    """sizeof(pthread_cond_t) + sizeof(pthread_mutex_t) with some headers: the only size for which
    a program compiles. All 64-bit machines have the same basic types."""
    source = "#include <pthread.h>\n_Static_assert(sizeof(pthread_cond_t) + sizeof(pthread_mutex_t) == %d, \"\");"
    sizes = [
        size
        for size in range(64, 129, 8)
        if not subprocess.run(
            ["gcc", "-fsyntax-only", *options, "-xc", "-"],
            input=(source % size).encode(),
            capture_output=True,
            check=False,
        ).returncode
    ]
    assert len(sizes) == 1
    return sizes[0]


@pytest.mark.parametrize("machine", ["x86_64", "aarch64"])
def test_musl_types(machine):
    """musl's types have the same sizes on both machines, glibc's have not."""
    headers = musl_headers().get(machine)
    paths = [path for path in LAYOUTS if LAYOUTS[path].machine == machine]
    if not shutil.which("gcc") or not headers or not paths:
        pytest.skip("no gcc, no headers of musl, or no interpreter for %s" % machine)
    offsets = resolved(paths[0], "musl")["offsets"]
    size = size_of_types(["-nostdinc", "-isystem", headers])
    assert offsets["gil_switch_cond"] - offsets["gil_cond"] == size
