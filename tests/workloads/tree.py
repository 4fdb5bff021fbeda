# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 gilscope contributors
"""A process that makes others, each of which knows what it did.

    tree.py WAY COUNT HOLDS USEC

"go": makes COUNT children in that WAY, one after the other, and waits for them. Each holds the GIL
HOLDS times for USEC with a release between them, and says so. DONE {"children": [{"pid", "held_ns"}]}.

    fork        os.fork, at once the work
    fork-idle   os.fork, the work when the line "work" comes; FORKED {"pids"} before
    spawn       another interpreter, by subprocess
    shell       another interpreter, started by a shell
    forkserver, mp-fork, mp-spawn   multiprocessing
    exec        this process becomes another interpreter that does the work ("DONE" is its own)
"""

import json
import multiprocessing
import os
import subprocess
import sys
import time

from protocol import commands, held_libc, now_ns, say


def work(holds, usec):
    """Holds the GIL so often; how long in all, in ns. time.sleep(0) releases it in between."""
    held = 0
    for _ in range(holds):
        begin = now_ns()
        held_libc.usleep(usec)
        held += now_ns() - begin
        time.sleep(0)
    return held


def report(holds, usec, where):
    where.write(json.dumps({"pid": os.getpid(), "held_ns": work(holds, usec)}) + "\n")
    where.flush()


def forked(function):
    """Runs it in a child; its PID."""
    pid = os.fork()
    if not pid:
        status = 1
        try:
            function()
            status = 0
        finally:
            os._exit(status)
    return pid


def make(way, holds, usec, write):
    """One child, to its end."""
    self = [sys.executable, __file__, "child", str(holds), str(usec), str(write)]
    if way == "fork":
        with os.fdopen(os.dup(write), "w") as where:
            os.waitpid(forked(lambda: report(holds, usec, where)), 0)
    elif way == "spawn":
        subprocess.run(self, pass_fds=[write], check=True)
    elif way == "shell":
        command = " ".join("'%s'" % word for word in self)
        subprocess.run(["/bin/sh", "-c", command + "; exit $?"], pass_fds=[write], check=True)
    else:
        context = multiprocessing.get_context(way.replace("mp-", ""))
        os.set_inheritable(write, True)
        path = "/proc/%d/fd/%d" % (os.getpid(), write)
        child = context.Process(target=run_in_path, args=(holds, usec, path))
        child.start()
        child.join()


def run_in_path(holds, usec, path):
    with open(path, "w") as where:
        report(holds, usec, where)


def go(way, count, holds, usec):
    read, write = os.pipe()
    for _ in range(count):
        make(way, holds, usec, write)
    os.close(write)
    with os.fdopen(read) as lines:
        say("DONE", children=[json.loads(line) for line in lines])


def go_idle(count, holds, usec, steps):
    """The children are there before they work."""
    read, write = os.pipe()
    start, release = os.pipe()

    def wait_and_work():
        os.read(start, 1)
        with os.fdopen(os.dup(write), "w") as where:
            report(holds, usec, where)

    pids = [forked(wait_and_work) for _ in range(count)]
    os.close(write)
    say("FORKED", pids=pids)
    next(steps)
    os.write(release, b"." * count)
    with os.fdopen(read) as lines:
        children = [json.loads(line) for line in lines]
    for pid in pids:
        os.waitpid(pid, 0)
    say("DONE", children=children)


def main():
    if sys.argv[1] == "child":
        holds, usec, fd = map(int, sys.argv[2:5])
        with os.fdopen(fd, "w") as where:
            report(holds, usec, where)
        return
    if sys.argv[1] == "execed":
        held = work(int(sys.argv[2]), int(sys.argv[3]))
        say("DONE", children=[{"pid": os.getpid(), "held_ns": held}])
        for _ in commands():
            return
    way, count, holds, usec = sys.argv[1], *map(int, sys.argv[2:5])
    say("READY")
    steps = commands()
    for words in steps:
        if words[0] == "end":
            return
        if way == "exec":
            os.execv(sys.executable, [sys.executable, __file__, "execed", str(holds), str(usec)])
        elif way == "fork-idle":
            go_idle(count, holds, usec, steps)
        else:
            go(way, count, holds, usec)


if __name__ == "__main__":
    main()
