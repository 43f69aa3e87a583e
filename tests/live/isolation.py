"""A network namespace with a loopback interface and nothing else, so that nothing of the bench can reach beyond it.

Asterisk's SIP library opens sockets for name lookups on all addresses, whatever its configuration says; in a namespace of our
own "all addresses" is the loopback.  It also keeps the bench's ports apart from everything else on the machine.
"""

from __future__ import annotations

import ctypes
import os
import subprocess
from typing import Final

_CLONE_NEWNET: Final = 0x40000000  # <sched.h>


def isolate() -> bool:
    """Move this process (its main thread and all later children) into a new network namespace with loopback only.

    Returns False, having changed nothing, where the kernel or the rights do not allow it.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    if os.geteuid() != 0 or libc.unshare(_CLONE_NEWNET) != 0:
        return False
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    return True
