"""Which site an address is of: the configured one with the narrowest network around it, else its /24 (IPv6: /64).

An address that says nothing of where somebody is makes no site: loopback, where a gateway on the PBX itself speaks for others,
and link-local ones, which every network has.  A network that is configured counts whatever it is.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping, Sequence
from typing import Final, TypeAlias

from qualitywatch.quality.neighbours import around, host_of

Network: TypeAlias = ipaddress.IPv4Network | ipaddress.IPv6Network
Sites: TypeAlias = Mapping[str, Sequence[Network]]  # name to networks

_REMEMBERED: Final = 10_000  # addresses: more than one PBX has phones


class SiteBook:
    """The sites of one PBX, by address.  Every sample asks, so answers are remembered."""

    def __init__(self, sites: Sites | None = None) -> None:
        named = [(network, name) for name, networks in (sites or {}).items() for network in networks]
        self._named = sorted(named, key=lambda pair: -pair[0].prefixlen)
        self._known: dict[str, str | None] = {}

    def site_at(self, address: str | None) -> str | None:
        """Name of the site of a ``host:port``; None where it cannot be told."""
        if not address:
            return None
        if address not in self._known:
            if len(self._known) >= _REMEMBERED:
                self._known.clear()
            host = host_of(address)  # every call comes from another port of the same phone
            if host not in self._known:
                self._known[host] = self._find(host)
            self._known[address] = self._known[host]
        return self._known[address]

    def _find(self, host: str) -> str | None:
        try:
            ip = ipaddress.ip_address(host.partition("%")[0])
        except ValueError:
            return None
        ip = getattr(ip, "ipv4_mapped", None) or ip
        for network, name in self._named:
            if ip in network:
                return name
        if ip.is_loopback or ip.is_link_local or ip.is_unspecified or ip.is_multicast:
            return None
        return around(ip)
