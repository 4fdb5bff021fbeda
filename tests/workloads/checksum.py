# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 gilscope contributors
"""Threads whose results can be checked: a probe that harmed the process would show in them.

    checksum.py THREADS ROUNDS

Each thread chains SHA-256 over its own index, with a GIL cycle in each round, and the process must
leave with status 0.
"""

import hashlib
import sys
import threading

from protocol import commands, free_libc, say

THREADS, ROUNDS = map(int, sys.argv[1:])


def chain(index):
    digest = b"%d" % index
    for _ in range(ROUNDS):
        digest = hashlib.sha256(digest).digest()
        free_libc.getpid()
    return digest.hex()


def main():
    say("READY")
    for _ in commands():
        results = {}
        threads = [
            threading.Thread(target=lambda index=index: results.update({index: chain(index)}))
            for index in range(THREADS)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        say("DONE", digests=[results.get(index) for index in range(THREADS)])


main()
