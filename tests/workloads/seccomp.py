# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 gilscope contributors
"""Seccomp filters, as containers and services have them. As a program, makes one system call fail
in another program, by its number and its first argument:

    seccomp.py NUMBER ARGUMENT ERRNO COMMAND...
"""

import ctypes
import os
import struct
import sys

LOAD, IF_EQUAL, RETURN = 0x20, 0x15, 0x06
NUMBER_AT, FIRST_ARGUMENT_AT = 0, 16  # in struct seccomp_data
ALLOW, FAIL, KILL_PROCESS = 0x7FFF0000, 0x00050000, 0x80000000
PR_SET_NO_NEW_PRIVS = 38
SET_MODE_FILTER, ALL_THREADS = 1, 1
MACHINE = os.uname().machine
SECCOMP = {"x86_64": 317, "aarch64": 277}[MACHINE]
# What a Python calls that works, sleeps and ends, and neither opens files nor starts threads: read,
# write, mmap, munmap, brk, rt_sigaction, pread64, madvise, exit, futex, clock_gettime,
# clock_nanosleep, exit_group. None of them is there for probes.
QUIET = {
    "x86_64": (0, 1, 9, 11, 12, 13, 17, 28, 60, 202, 228, 230, 231),
    "aarch64": (63, 64, 222, 215, 214, 134, 67, 233, 93, 98, 113, 115, 94),
}[MACHINE]


def install(instructions):
    """For all threads of this process and for what it starts."""
    code = b"".join(struct.pack("HBBI", *one) for one in instructions)
    buffer = ctypes.create_string_buffer(code)
    program = struct.pack("HxxxxxxP", len(instructions), ctypes.addressof(buffer))
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0):
        raise OSError(ctypes.get_errno(), "prctl")
    if libc.syscall(SECCOMP, SET_MODE_FILTER, ALL_THREADS, program):
        raise OSError(ctypes.get_errno(), "seccomp")


def allow_only(numbers):
    """Whoever makes another system call dies, and all of the process with it."""
    allowed = [one for number in numbers for one in ((IF_EQUAL, 0, 1, number), (RETURN, 0, 0, ALLOW))]
    install([(LOAD, 0, 0, NUMBER_AT), *allowed, (RETURN, 0, 0, KILL_PROCESS)])


def let_fail(number, argument, error):
    """That system call with that first argument does nothing but fail."""
    install(
        [
            (LOAD, 0, 0, NUMBER_AT),
            (IF_EQUAL, 0, 3, number),
            (LOAD, 0, 0, FIRST_ARGUMENT_AT),
            (IF_EQUAL, 0, 1, argument),
            (RETURN, 0, 0, FAIL | error),
            (RETURN, 0, 0, ALLOW),
        ]
    )


if __name__ == "__main__":
    let_fail(*map(int, sys.argv[1:4]))
    os.execvp(sys.argv[4], sys.argv[4:])
