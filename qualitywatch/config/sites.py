"""Section ``sites``: what places are called, and the networks their phones are in."""

from __future__ import annotations

from ipaddress import ip_network

from qualitywatch.document import Section
from qualitywatch.quality.sites import Network


def read_sites(root: Section) -> dict[str, tuple[Network, ...]]:
    """Read the networks of every named site; of two that hold an address the narrower one counts, so none may be twice."""
    section = root.section("sites")
    sites: dict[str, tuple[Network, ...]] = {}
    if section is None:
        return sites
    taken: dict[Network, str] = {}
    for name in section:
        networks = []
        for text in section.texts(name, required=True):
            try:
                network = ip_network(text, strict=False)
            except ValueError:
                section.problem(name, f"{text}: must be a network such as 10.1.0.0/16 or 2001:db8::/48")
                continue
            if taken.setdefault(network, name) != name:
                section.problem(name, f"{text} is of {taken[network]} already")
            networks.append(network)
        sites[name] = tuple(networks)
    return sites
