#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 gilscope contributors
"""Packages of any Debian suite and architecture, unpacked into a cache outside the tree:

    debian.py SUITE ARCH PACKAGE...     prints the folder that holds them with all that they need

The machine's own packages and sources are not touched: apt works on folders of the cache, with the
mirror that the machine uses. No maintainer script runs. Environment: GILSCOPE_CACHE, the cache
(~/.cache/gilscope).
"""

import glob
import hashlib
import os
import pathlib
import re
import shutil
import subprocess
import sys
import time

CACHE = pathlib.Path(os.environ.get("GILSCOPE_CACHE", os.path.expanduser("~/.cache/gilscope")))
KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"
MIRROR = "http://deb.debian.org/debian"
LISTS_LAST_S = 24 * 3600


class Unavailable(Exception):
    """What was asked for cannot be had here, and why."""


def mirror():
    """The mirror of Debian's main archive that this machine's apt is configured with."""
    for path in ["/etc/apt/sources.list", *sorted(glob.glob("/etc/apt/sources.list.d/*"))]:
        if not os.path.isfile(path):
            continue
        for line in pathlib.Path(path).read_text(encoding="utf-8", errors="replace").splitlines():
            found = re.match(r"(?:deb\s+(?:\[[^]]*\]\s+)?|URIs:\s*)(\S+/debian)/?(?:\s|$)", line)
            if found:
                return found[1]
    return MIRROR


class Suite:
    """One suite for one architecture."""

    def __init__(self, name, arch="amd64"):
        if not shutil.which("apt-get") or not shutil.which("dpkg-deb"):
            raise Unavailable("no apt-get and dpkg-deb here")
        self.name, self.arch = name, arch
        self.folder = CACHE / "debian" / ("%s-%s" % (name, arch))
        self.fresh = False
        self.options = [
            "Dir::Etc::sourcelist=%s" % (self.folder / "sources.list"),
            "Dir::Etc::sourceparts=-",
            "Dir::Etc::preferencesparts=-",
            "Dir::State=%s" % (self.folder / "state"),
            "Dir::State::status=%s" % (self.folder / "status"),
            "Dir::Cache=%s" % (self.folder / "cache"),
            "APT::Architecture=%s" % arch,
            "APT::Architectures::=%s" % arch,
            "APT::Install-Recommends=false",
            # bullseye's Release file has expired where it lives on as an archive.
            "Acquire::Check-Valid-Until=false",
            "APT::Sandbox::User=root",
            "APT::Get::List-Cleanup=false",
        ]

    def apt(self, *arguments, cwd=None):
        """Runs apt-get on the suite's own folders; its output."""
        options = [word for option in self.options for word in ("-o", option)]
        done = subprocess.run(
            ["apt-get", "-q", *options, *arguments],
            cwd=cwd or self.folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            check=False,
        )
        if done.returncode:
            raise Unavailable("apt-get %s: %s" % (arguments[0], done.stdout.strip()[-500:]))
        return done.stdout

    def update(self):
        """The suite's lists, at most a day old."""
        stamp = self.folder / "updated"
        if self.fresh or (
            stamp.exists() and abs(os.stat(stamp).st_mtime - time.time()) < LISTS_LAST_S
        ):
            self.fresh = True
            return
        for folder in ("state/lists/partial", "cache/archives/partial"):
            (self.folder / folder).mkdir(parents=True, exist_ok=True)
        source = "[signed-by=%s] %s %s main\n" % (KEYRING, mirror(), self.name)
        (self.folder / "sources.list").write_text("deb " + source + "deb-src " + source)
        (self.folder / "status").touch()
        self.apt("update")
        stamp.touch()
        self.fresh = True

    def wanted(self, names, depends):
        """(URI, file name) of the packages; with all that they depend on."""
        self.update()
        words = ["--print-uris", "-y", "install" if depends else "download", *names]
        return re.findall(r"^'([^']+)' (\S+) \d+", self.apt(*words), re.M)

    def names(self, *names):
        """Names of the packages and of all that they depend on; nothing is fetched but the lists."""
        return [file.split("_")[0] for _, file in self.wanted(names, depends=True)]

    def packages(self, *names, depends=True):
        """The .deb files of the packages, in the cache; with all that they depend on."""
        wanted = self.wanted(names, depends)
        archive = self.folder / "debs"
        archive.mkdir(exist_ok=True)
        missing = [(uri, name) for uri, name in wanted if not (archive / name).exists()]
        for uri, name in missing:
            self.fetch(uri, archive / name)
        return [archive / name for _, name in wanted]

    def fetch(self, uri, path):
        """Downloads one file through apt's own method, whole or not at all."""
        part = path.with_name(path.name + ".part")
        options = [word for option in self.options for word in ("-o", option)]
        done = subprocess.run(
            ["/usr/lib/apt/apt-helper", *options, "download-file", uri, part],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        if done.returncode:
            raise Unavailable("cannot download %s: %s" % (uri, done.stdout.strip()[-300:]))
        part.rename(path)

    def unpack(self, *names, depends=True):
        """A folder with the files of the packages (and of all that they depend on)."""
        debs = self.packages(*names, depends=depends)
        made_from = [*(deb.name for deb in debs), "relative links"]
        key = hashlib.sha256("\n".join(made_from).encode()).hexdigest()[:12]
        label = re.sub(r"[^a-z0-9.+-]", "-", names[0])
        root = self.folder / "roots" / ("%s-%s" % (label, key))
        if root.exists():
            return root
        partial = root.with_name(root.name + ".part")
        shutil.rmtree(partial, ignore_errors=True)
        partial.mkdir(parents=True)
        # Suites since bookworm have /bin, /sbin and /lib* as links into /usr, made by no package
        # that is unpacked here.
        for name in ("bin", "sbin", "lib", "lib64"):
            (partial / "usr" / name).mkdir(parents=True)
            (partial / name).symlink_to("usr/" + name)
        for deb in debs:
            files = subprocess.Popen(["dpkg-deb", "--fsys-tarfile", deb], stdout=subprocess.PIPE)
            subprocess.run(
                ["tar", "-x", "--keep-directory-symlink", "-C", partial], stdin=files.stdout, check=True
            )
            files.stdout.close()
            if files.wait():
                raise Unavailable("cannot unpack %s" % deb)
        make_links_relative(partial)
        partial.rename(root)
        return root

    def source(self, name):
        """A folder with the unpacked source of the package."""
        self.update()
        folder = self.folder / "sources" / name
        found = [path for path in folder.glob("*") if path.is_dir()] if folder.exists() else []
        if not found:
            partial = folder.with_name(name + ".part")
            shutil.rmtree(partial, ignore_errors=True)
            partial.mkdir(parents=True)
            self.apt("source", name, cwd=partial)
            partial.rename(folder)
            found = [path for path in folder.glob("*") if path.is_dir()]
        return found[0]


def make_links_relative(root):
    """Links to absolute names lead somewhere else than in the root where it is not "/"."""
    for folder, folders, files in os.walk(root):
        for name in folders + files:
            path = os.path.join(folder, name)
            if os.path.islink(path) and os.readlink(path).startswith("/"):
                inside = os.path.join(root, os.readlink(path).lstrip("/"))
                os.unlink(path)
                os.symlink(os.path.relpath(inside, folder), path)


def main():
    if len(sys.argv) < 4:
        sys.exit(__doc__.strip())
    try:
        print(Suite(sys.argv[1], sys.argv[2]).unpack(*sys.argv[3:]))
    except Unavailable as error:
        sys.exit("debian.py: %s" % error)


if __name__ == "__main__":
    main()
