"""How soon the event loop gets its turn beside threads that compute: those that write to disk.

A thread that computes lets go of the interpreter when it is asked to, and who wants it waits 5 ms before asking.  The loop lets
go of it at every look at its sockets and every send, some twenty times on the way from a report to a request: while a busy
minute was written, that was a tenth of a second.
"""

from __future__ import annotations

import sys
from typing import Final

ASK_AFTER_S: Final = 0.0005


def shorten() -> None:
    """Let whoever waits for the interpreter ask for it sooner."""
    sys.setswitchinterval(ASK_AFTER_S)
