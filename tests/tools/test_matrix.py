# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 gilscope contributors
"""What the matrix of interpreters rests on, without an interpreter that is not here."""

import os
import pathlib
import subprocess
import sys
import xml.etree.ElementTree

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "matrix"))

import builds
import check_interpreters
import debian
import loader
import sources


def test_a_copy_starts_through_the_loader_of_its_root(tmp_path):
    """The copy names the loader in a root that is a folder here, and is otherwise the program."""
    program = pathlib.Path(sys.executable).resolve().read_bytes()
    at, name = loader.interpreter_entry(program)
    root = tmp_path / "root"
    (root / name.lstrip("/")).parent.mkdir(parents=True)
    (root / name.lstrip("/")).symlink_to(name)
    copy = tmp_path / "copy"
    loader.copy_for_root(root, os.path.realpath(sys.executable), copy)

    expected = str(pathlib.Path(name).resolve())
    made = copy.read_bytes()
    assert loader.interpreter_entry(made) == (at, expected)
    # The loader's entry has 56 bytes.
    assert made[:at] == program[:at] and made[at + 56 : len(program)] == program[at + 56 :]
    script = "import os; print(os.readlink('/proc/self/exe'))"
    run = [copy, "-c", script]
    home = {**os.environ, "PYTHONHOME": sys.base_prefix}
    assert subprocess.check_output(run, text=True, env=home).strip() == str(copy)


def test_links_stay_inside_a_root(tmp_path):
    (tmp_path / "usr" / "lib").mkdir(parents=True)
    (tmp_path / "usr" / "lib" / "file").write_text("inside")
    (tmp_path / "usr" / "link").symlink_to("/usr/lib/file")
    (tmp_path / "near").symlink_to("usr/lib")
    debian.make_links_relative(tmp_path)
    assert (tmp_path / "usr" / "link").read_text() == "inside"
    assert os.readlink(tmp_path / "near") == "usr/lib"


def case(name, module, verdict=None, **properties):
    """A test case as pytest reports it."""
    element = xml.etree.ElementTree.Element("testcase", name=name, classname="tests.e2e." + module)
    group = xml.etree.ElementTree.SubElement(element, "properties")
    for key, value in properties.items():
        xml.etree.ElementTree.SubElement(group, "property", name=key, value=value)
    if verdict:
        xml.etree.ElementTree.SubElement(element, verdict, message="because")
    return element


def test_a_row_counts_what_ran():
    row = check_interpreters.Row("one", "3.11.2")
    row.add(case("test_known_holds[one-3.11.2]", "test_truth"))
    row.add(case("test_timed_holds[one-3.11.2]", "test_truth", "failure"))
    row.add(case("test_convoy[one-3.11.2]", "test_contention", "skipped"))
    row.add(case("test_libc_probes[one-3.11.2]", "test_target"))
    row.add(case("test_what[one-3.11.2]", "test_target", "error", found="call-sites 1/2/3"))
    cells = dict(zip(check_interpreters.COLUMNS, row.texts()[2:]))
    assert cells == {
        "found": "call-sites 1/2/3",
        "sites": "",
        "truth": "FAIL 1/2",
        "contention": "skip 1/1",
        "forced": "",
        "libc": "1",
        "ends": "",
        "gils": "",
        "trees": "",
        "target": "FAIL 1/1",
        "names": "",
        "frames": "",
        "lines": "",
    }
    assert (row.count("failed"), row.count("skipped")) == (2, 1)
    assert "skip  test_convoy[one-3.11.2]: because" in list(row.trouble())


def test_what_could_not_be_had_says_why():
    row = check_interpreters.Row("one", missing="no gcc here")
    assert row.texts()[-1] == "not had: no gcc here"


def test_every_test_of_an_interpreter_has_a_column():
    folder = pathlib.Path(__file__).resolve().parents[1] / "e2e"
    for path in folder.glob("test_*.py"):
        tests = path.read_text(encoding="utf-8").split("\ndef test_")[1:]
        for test in tests:
            name, rest = test.split("(", 1)
            wanted = [word.strip() for word in rest.split(")")[0].split(",")]
            known = check_interpreters.COLUMN_OF
            if "interpreter" in wanted:
                assert known.get("test_" + name) or known.get(path.stem), name


def test_rows_have_names_of_their_own():
    names = [row.name for row in sources.rows()]
    assert len(set(names)) == len(names)
    assert set(builds.BUILDS) <= {name.replace("-gil", "") for name in names}


def test_a_build_is_made_once_and_again_after_a_failure(tmp_path, monkeypatch):
    monkeypatch.setattr(builds, "CACHE", tmp_path)
    made = []

    def make(folder, _):
        made.append(folder)
        if len(made) == 1:
            raise builds.Unavailable("first")

    with pytest.raises(builds.Unavailable):
        builds.once("one", [1], make)
    folder = builds.once("one", [1], make)
    assert builds.once("one", [1], make) == folder and len(made) == 2
    assert builds.once("one", [2], make) != folder
