"""Who may share a line of their own, by their addresses.

Peers of one network may lose together because of a router that is theirs alone; peers of several networks, or phones as well as
trunks, have nothing in common but the PBX and the network it stands in.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Collection
from typing import Final, TypeAlias

_PREFIX: Final = {4: 24, 6: 64}

Lookup: TypeAlias = Callable[[str], str | None]  # of a peer: its address, or the trunk it carries; None where unknown


def host_of(address: str) -> str:
    """Return the host of a ``host:port``, or of one without a port; a bare IPv6 address has none."""
    host, _, port = address.rpartition(":")
    has_port = port.isdigit() and host and (":" not in host or host.endswith("]"))
    return (host if has_port else address).strip("[]").lower()


def network(address: str | None) -> str | None:
    """Return the network of a ``host:port``: the /24 (IPv6: /64), or the name as it is; None for no address."""
    if not address:
        return None
    host = host_of(address)
    try:
        ip = ipaddress.ip_address(host)
    except ValueError:
        return host
    return str(ipaddress.ip_network((ip, _PREFIX[ip.version]), strict=False))


def are_unrelated(subjects: Collection[str], trunk_of: Lookup, address_of: Lookup) -> bool:
    """Whether peers have no line of their own in common: they are of several networks, or trunks as well as phones."""
    carriers = sum(trunk_of(subject) is not None for subject in subjects)
    networks = {network(address_of(subject)) for subject in subjects} - {None}
    return len(networks) > 1 or 0 < carriers < len(subjects)
