"""Which peers belong to which registration, as far as their addresses tell.

A registration is named ``PJSIP/user@host:port``; the peer that carries its calls usually has that very address.  Where several
registrations share one address nothing can be told, and nothing is guessed: a working number must not be excused by its
neighbour's wrong password.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

SIP_PORT: Final = "5060"  # RFC 3261, section 19.1.2


def trunk_at(address: str | None, technology: str, trunks: Iterable[str]) -> str | None:
    """Return the only trunk of a technology ("SIP", "PJSIP") at ``host:port``, or None."""
    if not address:
        return None
    wanted = _with_port(address)
    found = [trunk for trunk in trunks if trunk.startswith(f"{technology}/") and _with_port(trunk.rpartition("@")[2]) == wanted]
    return found[0] if len(found) == 1 else None


def is_registration(trunk: str, account: str, host: str) -> bool:
    """Whether ``PJSIP/user@host:port`` is registered under this name at this host, whatever the port."""
    user, at, address = trunk.partition("/")[2].rpartition("@")
    return bool(at) and user == account and _with_port(address).rpartition(":")[0].strip("[]") == host.lower()


def _with_port(address: str) -> str:
    host, colon, port = address.rpartition(":")
    if not colon or (address.startswith("[") and address.endswith("]")):
        return f"{address.lower()}:{SIP_PORT}"
    return f"{host.lower()}:{port}"
