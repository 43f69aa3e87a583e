"""Who may share a line of their own, by their addresses.

Peers of one network may lose together because of a router that is theirs alone; when most of those elsewhere lose as well, in
other networks or over trunks, they have nothing in common but the PBX and the network it stands in.
"""

from __future__ import annotations

import ipaddress
from collections import Counter
from collections.abc import Callable, Collection
from typing import Final, TypeAlias

EVERYWHERE: Final = 0.5  # more than this part of those elsewhere must lose as well

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
    return around(ip)


def around(ip: ipaddress.IPv4Address | ipaddress.IPv6Address) -> str:
    """Return the network that an address is taken to be of: its /24 (IPv6: /64)."""
    return str(ipaddress.ip_network((ip, _PREFIX[ip.version]), strict=False))


def lose_everywhere(lossy: Collection[str], active: Collection[str], trunk_of: Lookup, address_of: Lookup) -> bool:
    """Whether most lose, also of those who do not share the line, of a network or a trunk, that most of the lossy ones have."""
    lines = {subject: trunk_of(subject) or network(address_of(subject)) for subject in active}
    counts = Counter(lines[subject] for subject in lossy)
    unknown = counts.pop(None, 0)
    if not counts:
        return False
    worst, most = counts.most_common(1)[0]
    elsewhere = sum(line != worst for line in lines.values())
    return unknown <= most and len(lossy) - most > EVERYWHERE * elsewhere
