"""Rule kind ``change``: an attribute of a peer (User-Agent, address, network, transport) is not what it was.

A change is a thing that happened, not a condition that lasts: it is told once and has no end.  Another network is another /24
(IPv6: /64) outside the networks named as ours.  Within its learning period a peer may change as it likes, but never into what
``critical_patterns_file`` lists: a known scanner is critical at once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Final, TypeAlias

from qualitywatch.document import Section, Selector
from qualitywatch.model import AlertKey, ChangeObservation, Evaluation, Level, Observation, Severity, Signal
from qualitywatch.rules.spec import Common

Address: TypeAlias = IPv4Address | IPv6Address
Network: TypeAlias = IPv4Network | IPv6Network

_PREFIX: Final = {4: 24, 6: 64}


class Attribute(StrEnum):
    """What of a peer is watched."""

    USER_AGENT = "user_agent"
    ADDRESS = "address"
    NETWORK = "network"  # an address that moved far
    TRANSPORT = "transport"


@dataclass(frozen=True, slots=True)
class Options:
    attribute: Attribute
    severity: Severity
    new_peers: bool
    allowed: tuple[Selector, ...]
    networks: tuple[Network, ...] = ()
    learning_s: float = 0.0

    @property
    def observed(self) -> str:
        """Which attribute of an observation tells it."""
        return Attribute.ADDRESS if self.attribute is Attribute.NETWORK else self.attribute


class ChangeRule:
    """One change rule at work for one PBX."""

    def __init__(self, common: Common, options: Options) -> None:
        self._common = common
        self._options = options
        self._untold: dict[AlertKey, tuple[ChangeObservation, Severity]] = {}

    @property
    def listens_to(self) -> frozenset[str]:
        """Topics of the observations it looks at."""
        return frozenset({self._options.observed})

    def observe(self, observation: Observation) -> Iterable[AlertKey]:
        """Take in a change of our attribute, unless the new value is an allowed one or is being learnt."""
        if not isinstance(observation, ChangeObservation) or observation.attribute != self._options.observed:
            return ()
        key = self._common.key_of(observation.pbx, observation.subject)
        if key is None:
            return ()
        severity = self._options.severity
        if any(selector.matches(observation.new) for selector in self._common.critical_patterns):
            severity = Severity.CRITICAL
        elif not self._is_worth_telling(observation):
            return ()
        self._untold[key] = observation, severity
        return (key,)

    def evaluate(self, key: AlertKey, now: float) -> Evaluation | None:
        """Tell an observed change, once."""
        found = self._untold.pop(key, None)
        if found is None:
            return None
        change, severity = found
        details = {"old": change.old or "", "new": change.new}
        if change.old is None:
            details["new_peer"] = "yes"
        if change.address:
            details["address"] = change.address
        return Evaluation(
            key,
            now,
            (Level(severity, Signal.BREACH, 0.0),),
            None,
            0.0,
            topic=self._options.attribute,
            one_shot=True,
            details=details,
            texts=self._common.texts,
        )

    def forget(self) -> None:
        """A change that was seen stays seen: nothing to drop."""

    def expire(self, now: float) -> None:
        """Changes are told at once: nothing to release."""

    def _is_worth_telling(self, change: ChangeObservation) -> bool:
        options = self._options
        if change.old is None and not options.new_peers:
            return False
        if change.known_since is not None and change.at - change.known_since < options.learning_s:
            return False
        if any(selector.matches(change.new) for selector in options.allowed):
            return False
        return options.attribute is not Attribute.NETWORK or moved(change.old, change.new, options.networks)


def moved(old: str | None, new: str, ours: Iterable[Network]) -> bool:
    """Whether an address lies in another network than before, and in none of ours; a name that is no address is its own."""
    was, now = _address(old or ""), _address(new)
    if now is None:
        return was is not None or old != new
    if any(now in network for network in ours):
        return False
    return was is None or _network(was) != _network(now)


def _address(text: str) -> Address | None:
    """The host of ``host``, ``host:port`` or ``[v6]:port``."""
    host = text[1:].partition("]")[0] if text.startswith("[") else text
    host = host if host.count(":") != 1 else host.partition(":")[0]
    try:
        found = ip_address(host)
    except ValueError:
        return None
    return found.ipv4_mapped or found if isinstance(found, IPv6Address) else found


def _network(address: Address) -> Network:
    return ip_network(f"{address}/{_PREFIX[address.version]}", strict=False)


def parse(common: Common, section: Section) -> tuple[str, Callable[[], ChangeRule]]:
    """Read the keys of a change rule; problems go to the section's document."""
    attribute = section.choice("attribute", Attribute, Attribute.USER_AGENT)
    if attribute is not Attribute.NETWORK and "networks" in section:
        section.problem("networks", "is for attribute: network")
    options = Options(
        attribute=attribute,
        severity=section.choice("severity", Severity, Severity.WARNING),
        new_peers=section.boolean("new_peers", True),
        allowed=section.patterns("allowed"),
        networks=_read_networks(section),
        learning_s=section.duration_s("learning", 0.0),
    )
    return f"{options.attribute} of a peer changed: {options.severity}", partial(ChangeRule, common, options)


def _read_networks(section: Section) -> tuple[Network, ...]:
    networks = []
    for text in section.texts("networks"):
        try:
            networks.append(ip_network(text, strict=False))
        except ValueError:
            section.problem("networks", f"{text}: must be a network such as 10.0.0.0/8 or 2001:db8::/32")
    return tuple(networks)
