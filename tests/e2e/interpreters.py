# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 gilscope contributors
"""The interpreters that the tests run under: those of this machine and variants that are made from
what is there, or those that the file GILSCOPE_INTERPRETERS lists (tests/matrix makes such a
file)."""

import dataclasses
import functools
import glob
import json
import os
import pathlib
import re
import shutil
import subprocess
import tempfile

OLDEST = (3, 8)

# What an interpreter tells about itself: where its code is, and whether it has a GIL at all. A
# server that embeds it may make another file of sys.stdout.
ABOUT = """
import json, os, sys, sysconfig
maps = open("/proc/self/maps").read().split()
shared = [word for word in maps if os.path.basename(word).startswith("libpython")]
os.write(1, json.dumps({
    "version": list(sys.version_info[:3]),
    "file": os.path.realpath(shared[0] if shared else "/proc/self/exe"),
    "exe": os.path.realpath("/proc/self/exe"),
    "shared": bool(shared),
    "prefix": sys.base_prefix,
    "gil": not sysconfig.get_config_var("Py_GIL_DISABLED"),
}).encode())
"""

# An embedding program: all that it has of Python is the library that it is linked with.
EMBEDDER = """
#include <Python.h>
int main(int argc, char **argv)
{
	return Py_BytesMain(argc, argv);
}
"""


@dataclasses.dataclass(frozen=True)
class Interpreter:
    """One way to run Python. kind: how it is called: static, shared, stripped, embedded and so on;
    exe: what the process executes; launcher: what is started in its place and becomes exe, or "";
    file: where the interpreter's code is; variant: what make() makes of it first, or "";
    threaded: it is a free-threaded build; plugin: the program loads it after its own code began;
    method: how gilscope must find its GIL."""

    kind: str
    exe: str
    version: tuple
    file: str
    env: tuple = ()
    variant: str = ""
    launcher: str = ""
    threaded: bool = False
    plugin: bool = False
    method: str = "call-sites"

    @property
    def id(self):
        return "%s-%s" % (self.kind, ".".join(map(str, self.version)))

    @property
    def command(self):
        return [self.launcher or self.exe]

    @property
    def environment(self):
        """The test's own environment without what would change a Python."""
        inherited = {name: value for name, value in os.environ.items() if "PYTHON" not in name}
        return {**inherited, "PYTHONDONTWRITEBYTECODE": "1", **dict(self.env)}


def ask(command, env=None):
    """What the interpreter says about itself, or None if it does not run."""
    with tempfile.NamedTemporaryFile("w", suffix=".py") as script:
        script.write(ABOUT)
        script.flush()
        try:
            run = subprocess.run(
                [command, script.name], env=env, capture_output=True, timeout=30, check=True
            )
            return json.loads(run.stdout)
        except (OSError, subprocess.SubprocessError, ValueError):
            return None


def from_about(kind, about, **fields):
    """The interpreter that said that about itself."""
    return Interpreter(
        kind=kind, exe=about["exe"], version=tuple(about["version"]), file=about["file"], **fields
    )


def candidates():
    """Every python3 that may be here: Debian's, pyenv's, what is on PATH."""
    pyenv = os.environ.get("PYENV_ROOT", os.path.expanduser("~/.pyenv"))
    versions = sorted(
        glob.glob(os.path.join(pyenv, "versions", "*", "bin", "python3")),
        key=lambda path: [int(number) for number in re.findall(r"\d+", path.split("/")[-3])],
    )
    on_path = [
        path
        for folder in os.environ.get("PATH", "").split(":")
        for path in sorted(glob.glob(os.path.join(folder, "python3*")))
        if re.fullmatch(r"python3(\.\d+)?t?", os.path.basename(path))
    ]
    return sorted(glob.glob("/usr/bin/python3")) + versions + on_path


def free_threaded():
    """The free-threaded ones: of the matrix, else of this machine."""
    if matrix_file():
        return [one for one in wanted() if one.threaded]
    found = [ask(exe) for exe in candidates()]
    return [from_about("free-threaded", one, threaded=True) for one in found if one and not one["gil"]]


@functools.lru_cache(maxsize=None)
def installed():
    """(interpreters that gilscope supports, older ones), each file once."""
    supported, older, seen = [], [], set()
    for exe in candidates():
        about = ask(exe)
        if not about or not about["gil"] or about["file"] in seen:
            continue
        seen.add(about["file"])
        interpreter = from_about("shared" if about["shared"] else "static", about)
        (supported if interpreter.version >= OLDEST else older).append(interpreter)
    return supported, older


def newest(kind):
    """The newest interpreter of that kind, or None."""
    those = [one for one in installed()[0] if one.kind == kind]
    return max(those, key=lambda one: one.version, default=None)


def variant(interpreter, name):
    """What make() will make of it."""
    return dataclasses.replace(interpreter, kind=name, variant=name)


def variants():
    """Variants that can be made here, without making them: make() does, when a test wants one."""
    shared, static = newest("shared"), newest("static")
    made = []
    if shared and shutil.which("strip"):
        made.append(variant(shared, "stripped"))
    if static or shared:
        made.append(variant(static or shared, "renamed"))
    embedded = embeddable()
    if embedded and shutil.which("gcc"):
        made.append(variant(embedded, "embedded"))
    return made


def listed(path):
    """The interpreters of a file that save() wrote."""
    lists = {"version", "env"}
    entries = json.loads(pathlib.Path(path).read_text(encoding="utf-8"))
    for entry in entries:
        entry.update({name: as_tuple(entry[name]) for name in lists})
    return [Interpreter(**entry) for entry in entries]


def as_tuple(value):
    return tuple(map(as_tuple, value)) if isinstance(value, list) else value


def save(those, path):
    """Writes the interpreters into a file for listed()."""
    entries = [dataclasses.asdict(one) for one in those]
    pathlib.Path(path).write_text(json.dumps(entries, indent=2) + "\n", encoding="utf-8")


def matrix_file():
    """The file that lists the interpreters, if it is not those of this machine."""
    return os.environ.get("GILSCOPE_INTERPRETERS")


@functools.lru_cache(maxsize=None)
def wanted():
    """Every interpreter that a test with the fixture `interpreter` runs under."""
    path = matrix_file()
    return listed(path) if path else installed()[0] + variants()


def config_of(interpreter):
    """Path of its python3-config, or None."""
    folder = os.path.dirname(interpreter.exe)
    path = os.path.join(folder, "python%d.%d-config" % interpreter.version[:2])
    return path if os.access(path, os.X_OK) else None


def embeddable():
    """An interpreter with the means to embed it. First the static one: its shared library is one
    more file, stripped on Debian."""
    static = [one for one in installed()[0] if one.kind == "static"]
    shared = [one for one in installed()[0] if one.kind == "shared"]
    return next((one for one in static + shared[::-1] if config_of(one)), None)


def make(interpreter, folder):
    """An interpreter that runs: itself, or the variant built in folder."""
    makers = {"stripped": make_stripped, "renamed": make_renamed, "embedded": make_embedded}
    return makers.get(interpreter.variant, lambda one, _: one)(interpreter, pathlib.Path(folder))


def make_stripped(interpreter, folder):
    """A stripped copy of the executable, or the same executable over a stripped copy of its
    library."""
    copy = folder / os.path.basename(interpreter.file)
    subprocess.run(["strip", "-s", "-o", copy, interpreter.file], check=True)
    if interpreter.file == interpreter.exe:
        home = ask(interpreter.exe, interpreter.environment)["prefix"]
        env = (*interpreter.env, ("PYTHONHOME", home))
        return dataclasses.replace(interpreter, exe=str(copy), file=str(copy), env=env)
    env = (*interpreter.env, ("LD_LIBRARY_PATH", str(folder)))
    return dataclasses.replace(interpreter, file=str(copy), env=env)


def make_renamed(interpreter, folder):
    """A copy whose name says nothing of Python."""
    copy = folder / "app-server"
    shutil.copy(interpreter.exe, copy)
    env = (("PYTHONHOME", ask(interpreter.exe)["prefix"]),)
    file = str(copy) if interpreter.file == interpreter.exe else interpreter.file
    return dataclasses.replace(interpreter, exe=str(copy), file=file, env=env)


def make_embedded(interpreter, folder):
    """A C program that is linked with the interpreter's library."""

    def flags(*what):
        return subprocess.check_output([config_of(interpreter), *what], text=True).split()

    source, program = folder / "embedder.c", folder / "embedder"
    source.write_text(EMBEDDER)
    link = flags("--embed", "--ldflags")
    rpath = ["-Wl,-rpath," + flag[2:] for flag in link if flag.startswith("-L")]
    subprocess.run(
        ["gcc", "-o", program, source, *flags("--includes"), *link, *rpath], check=True
    )
    env = (("PYTHONHOME", ask(interpreter.exe)["prefix"]),)
    made = dataclasses.replace(interpreter, exe=str(program), env=env)
    return dataclasses.replace(made, file=ask(program, made.environment)["file"])
