# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 gilscope contributors
"""The Python interpreters of this machine, and variants of them that are made from what is
there."""

import dataclasses
import functools
import glob
import json
import os
import pathlib
import re
import shutil
import subprocess

OLDEST = (3, 8)

# What an interpreter tells about itself: where its code is, and whether it has a GIL at all.
ABOUT = """
import json, os, sys, sysconfig
maps = open("/proc/self/maps").read().split()
shared = [word for word in maps if "/libpython" in word]
print(json.dumps({
    "version": list(sys.version_info[:3]),
    "file": os.path.realpath(shared[0] if shared else "/proc/self/exe"),
    "exe": os.path.realpath("/proc/self/exe"),
    "shared": bool(shared),
    "prefix": sys.base_prefix,
    "gil": not sysconfig.get_config_var("Py_GIL_DISABLED"),
}))
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
    """One way to run Python. kind: static, shared, stripped, renamed, embedded."""

    kind: str
    exe: str
    version: tuple
    file: str
    env: tuple = ()

    @property
    def id(self):
        return "%s-%s" % (self.kind, ".".join(map(str, self.version)))

    @property
    def command(self):
        return [self.exe]

    @property
    def environment(self):
        """The test's own environment without what would change a Python."""
        inherited = {name: value for name, value in os.environ.items() if "PYTHON" not in name}
        return {**inherited, "PYTHONDONTWRITEBYTECODE": "1", **dict(self.env)}


def ask(exe):
    """What the interpreter exe says about itself, or None if it does not run."""
    try:
        run = subprocess.run([exe, "-c", ABOUT], capture_output=True, timeout=30, check=True)
        return json.loads(run.stdout)
    except (OSError, subprocess.SubprocessError, ValueError):
        return None


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
        if re.fullmatch(r"python3(\.\d+)?", os.path.basename(path))
    ]
    return sorted(glob.glob("/usr/bin/python3")) + versions + on_path


@functools.lru_cache(maxsize=None)
def installed():
    """(interpreters that gilscope supports, older ones), each file once."""
    supported, older, seen = [], [], set()
    for exe in candidates():
        about = ask(exe)
        if not about or not about["gil"] or about["file"] in seen:
            continue
        seen.add(about["file"])
        interpreter = Interpreter(
            kind="shared" if about["shared"] else "static",
            exe=about["exe"],
            version=tuple(about["version"]),
            file=about["file"],
        )
        (supported if interpreter.version >= OLDEST else older).append(interpreter)
    return supported, older


def newest(kind):
    """The newest interpreter of that kind, or None."""
    those = [one for one in installed()[0] if one.kind == kind]
    return max(those, key=lambda one: one.version, default=None)


def variants():
    """Variants that can be made here, without making them: make() does, when a test wants one."""
    shared, static = newest("shared"), newest("static")
    made = []
    if shared and shutil.which("strip"):
        made.append(dataclasses.replace(shared, kind="stripped"))
    if static or shared:
        made.append(dataclasses.replace(static or shared, kind="renamed"))
    embedded = embeddable()
    if embedded and shutil.which("gcc"):
        made.append(dataclasses.replace(embedded, kind="embedded"))
    return made


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
    return makers.get(interpreter.kind, lambda one, _: one)(interpreter, pathlib.Path(folder))


def make_stripped(interpreter, folder):
    """The same executable over a stripped copy of its library."""
    library = folder / os.path.basename(interpreter.file)
    subprocess.run(["strip", "-s", "-o", library, interpreter.file], check=True)
    env = (("LD_LIBRARY_PATH", str(folder)),)
    return dataclasses.replace(interpreter, file=str(library), env=env)


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
    about = subprocess.run(
        [program, "-c", ABOUT], env=made.environment, capture_output=True, check=True
    )
    return dataclasses.replace(made, file=json.loads(about.stdout)["file"])
