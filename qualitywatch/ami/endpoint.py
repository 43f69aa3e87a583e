"""Where a manager interface is, and how to get in.

Standard: ``manager.conf`` of Asterisk 11 to 23: a server certificate only, and a TLS port of its own.
"""

from __future__ import annotations

import ssl
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from qualitywatch.ami.session import DEFAULT_EVENTS
from qualitywatch.errors import AmiConnectError

COOKIE_PATHS: Final = frozenset({"rawman", "mxml"})
DIGEST_PATHS: Final = frozenset({"arawman", "amxml"})


@dataclass(frozen=True, slots=True)
class TlsOptions:
    """How to check who answers.  ``server_name`` replaces the host name in the check, for PBXes reached by address."""

    ca_file: Path | None = None
    verify: bool = True
    server_name: str | None = None


@dataclass(frozen=True, slots=True)
class AmiEndpoint:
    """One PBX: its name for people, its manager port and the login.  ``tls`` None means plain TCP."""

    name: str
    host: str
    port: int
    username: str
    secret: str = field(repr=False)
    tls: TlsOptions | None = None
    md5: bool = True
    events: str = DEFAULT_EVENTS
    ajam_path: str = ""  # where the manager interface is on an HTTP server; empty: it has a port of its own

    @property
    def uses_digest(self) -> bool:
        """Whether each request logs in, instead of a session."""
        return self.ajam_path.rpartition("/")[2] in DIGEST_PATHS

    @property
    def address(self) -> str:
        """``host:port``, IPv6 addresses in brackets."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def tls_context(tls: TlsOptions) -> ssl.SSLContext:
    """Build the context of a TLS client; raises AmiConnectError when the CA file cannot be used."""
    try:
        context = ssl.create_default_context(cafile=None if tls.ca_file is None else str(tls.ca_file))
    except ssl.SSLError as exc:
        raise AmiConnectError(f"tls.ca_file {tls.ca_file} holds no certificate in PEM form") from exc
    except OSError as exc:
        raise AmiConnectError(f"tls.ca_file {tls.ca_file} cannot be read: {exc.strerror}") from exc
    if not tls.verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context
