"""Whom a connection to a database trusts: what the operating system trusts, or the authority of a configuration alone."""

from __future__ import annotations

import ssl
from pathlib import Path

from qualitywatch.sinks.server import Refusal, SinkError


def authority(ca_file: Path | None) -> ssl.SSLContext | None:
    """What certificates are checked with; None is what the operating system trusts.  Raises SinkError."""
    if ca_file is None:
        return None
    try:
        return ssl.create_default_context(cafile=str(ca_file))
    except ssl.SSLError:
        raise SinkError(f"{ca_file} holds no certificate in PEM form", Refusal.FIX) from None
    except OSError as exc:
        raise SinkError(f"{ca_file}: {exc.strerror}", Refusal.FIX) from None
