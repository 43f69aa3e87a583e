"""What a service tells systemd over the socket of sd_notify(3); its credentials are read by ``config.secret_keys``.

The notify protocol is one datagram of ``NAME=value`` lines to the socket named in the environment.  Without systemd every
function quietly does nothing, and no trouble with the socket may ever harm the daemon.
"""

from __future__ import annotations

import os
import socket

_SEND_TIMEOUT_S = 1.0  # only waits when systemd itself is overwhelmed


def ready() -> bool:
    """Tell systemd that starting is complete; return whether it was told."""
    return _notify("READY=1")


def watchdog() -> bool:
    """Tell systemd that work goes on; to be called every ``watchdog_interval_s``; return whether it was told."""
    return _notify("WATCHDOG=1")


def status(text: str) -> bool:
    """Set the one line that ``systemctl status`` shows; return whether it was told."""
    return _notify("STATUS=" + " ".join(text.split()))  # a line break would begin another assignment


def reloading(monotonic_s: float) -> bool:
    """Tell systemd that the configuration is being read again, until ``ready``; return whether it was told.

    ``monotonic_s`` are seconds of CLOCK_MONOTONIC: Type=notify-reload takes no other sign that this is not an old message.
    """
    return _notify(f"RELOADING=1\nMONOTONIC_USEC={int(monotonic_s * 1e6)}")


def stopping() -> bool:
    """Tell systemd that an orderly stop has begun; return whether it was told."""
    return _notify("STOPPING=1")


def watchdog_interval_s() -> float | None:
    """Seconds between two calls of ``watchdog``: half the limit, as sd_watchdog_enabled(3) advises; None when not watched."""
    limit_us, pid = os.environ.get("WATCHDOG_USEC", ""), os.environ.get("WATCHDOG_PID", "")
    if not limit_us.isdecimal() or int(limit_us) == 0 or (pid and pid != str(os.getpid())):
        return None
    return int(limit_us) / 1e6 / 2


def _notify(assignment: str) -> bool:
    address = os.environ.get("NOTIFY_SOCKET", "")
    if not address.startswith(("/", "@")):
        return False
    if address.startswith("@"):
        address = "\0" + address[1:]  # Linux's abstract namespace
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as sender:
            sender.settimeout(_SEND_TIMEOUT_S)
            sender.sendto(assignment.encode("utf-8", "backslashreplace"), address)
    except OSError:
        return False
    return True
