"""Names what answers instead of the manager interface, so that an administrator knows which setting to correct.

Strategy: a table of the first bytes of the protocols on neighbouring ports; anything else is quoted, escaped and short.
"""

from __future__ import annotations

import re
from typing import Final

_QUOTED_BYTES: Final = 40
_MANAGER_PORT: Final = "use the port set in manager.conf (5038 by default)"

_STRANGERS: Final[tuple[tuple[re.Pattern[bytes], str], ...]] = (
    (re.compile(rb"SSH-"), f"this port answers as SSH, not as the Asterisk manager: {_MANAGER_PORT}"),
    (
        re.compile(rb"HTTP/|<(?:!doctype|html)|(?:GET|POST|HEAD|OPTIONS) /", re.IGNORECASE),
        f"this port answers as HTTP, not as the Asterisk manager: {_MANAGER_PORT}",
    ),
    (
        re.compile(rb"[\x14-\x17]\x03|[\x14-\x17]\Z"),
        "this port answers in TLS: switch TLS on for this PBX, or use the plain port set in manager.conf (5038 by default)",
    ),
    (re.compile(rb"SIP/2\.0"), f"this port answers as SIP, not as the Asterisk manager: {_MANAGER_PORT}"),
    (re.compile(rb"220[ -]"), f"this port answers as a mail or FTP server, not as the Asterisk manager: {_MANAGER_PORT}"),
    (re.compile(rb"\+OK|\* OK"), f"this port answers as a mailbox server, not as the Asterisk manager: {_MANAGER_PORT}"),
)


def describe_stranger(first_line: bytes) -> str:
    """Return one sentence on what seems to be listening and what to do, from the first bytes it sent."""
    for pattern, description in _STRANGERS:
        if pattern.match(first_line):
            return description
    quoted = first_line.rstrip(b"\r\n")[:_QUOTED_BYTES].decode("latin-1").encode("unicode_escape").decode("ascii")
    return f"this port does not answer as the Asterisk manager (it sent '{quoted}'): {_MANAGER_PORT}"
