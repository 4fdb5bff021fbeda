# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 gilscope contributors
"""A process with two threads and a long switch interval, so that attaching to it takes long.

    slow_switch.py SECONDS

"exec ARG...": becomes another program. "exit": ends at once.
"""

import os
import sys
import threading

from protocol import become, commands, say

sys.setswitchinterval(float(sys.argv[1]))
threading.Thread(target=threading.Event().wait, daemon=True).start()
say("READY")
for words in commands():
    if words[0] == "exec":
        become(*words[1:])
    os._exit(0)
