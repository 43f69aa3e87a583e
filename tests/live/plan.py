"""The numbering plan of the bench: ports, subscribers and AMI users, in one place because configs and scenarios share it.

Everything is on 127.0.0.1; a relay that spoils media stands on 127.0.0.2 with the phone's own RTP port.  All ports lie below
the kernel's ephemeral range, so that no client socket ever sits on one of them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

HOST: Final = "127.0.0.1"
RELAY_HOST: Final = "127.0.0.2"
PHONE_PASSWORD: Final = "pw"  # a made-up password of a loopback PBX
TRUNK_PASSWORD: Final = "trunkpass"


@dataclass(frozen=True, slots=True)
class AmiUser:
    """A login of manager.conf."""

    name: str
    secret: str


RECORDER: Final = AmiUser("recorder", "recorder-secret")
LEAST: Final = AmiUser("qualitywatch", "least-secret")
CALLER: Final = AmiUser("caller", "caller-secret")
HEALER: Final = AmiUser("healer", "healer-secret")
POOR: Final = AmiUser("poor", "poor-secret")


@dataclass(frozen=True, slots=True)
class Ports:
    """All ports of one bench, from one base; two benches with bases 7000 apart do not meet."""

    base: int = 20000

    @property
    def ami(self) -> int:
        return self.base + 38

    @property
    def ami_tls(self) -> int:
        return self.base + 39

    @property
    def sip(self) -> int:
        return self.base + 60

    @property
    def pjsip(self) -> int:
        return self.base + 70

    @property
    def provider(self) -> int:
        return self.base + 80

    @property
    def rtp(self) -> range:
        return range(self.base + 1000, self.base + 2000)

    @property
    def provider_rtp(self) -> range:
        """Few enough that a relay can stand before each of them."""
        return range(self.base + 2000, self.base + 2200)

    def phone_sip(self, user: str) -> int:
        return self.base + 3000 + _line(user)

    def phone_rtp(self, user: str) -> int:
        """The first of twenty ports of this phone: the library takes the next pair for every further call."""
        return self.base + 4000 + 20 * _line(user)

    def registrar(self, technology: str) -> int:
        return self.sip if technology == "SIP" else self.pjsip


@dataclass(frozen=True, slots=True)
class Subscriber:
    """A phone the PBX knows.  ``variant`` is what is special about it:

    phone: nothing; direct: direct media; long: 60 ms packets; secure: SRTP; unasked: never asked with OPTIONS if it is there.
    """

    technology: str
    user: str
    name: str
    variant: str = "phone"

    @property
    def peer(self) -> str:
        return f"{self.technology}/{self.user}"


_NAMES: Final = {"6117": "Anna", "6118": "Boris", "701": "Clara", "702": "Dmitri"}
_VARIANTS: Final = {
    **dict.fromkeys((51, 52), "direct"),
    **dict.fromkeys(range(53, 61), "long"),
    **dict.fromkeys((61, 62), "secure"),
    **dict.fromkeys((71, 72, 73, 74), "unasked"),
}
_SHORT: Final = range(1, 100)
_LONG: Final = range(100, 200)


def subscribers(has_chan_sip: bool) -> Iterator[Subscriber]:
    """All phones of a PBX: PJSIP/701..799 and 7100..7199 everywhere, SIP/6101..6199 where chan_sip exists."""
    for line in _SHORT:
        yield from _line_of(line, f"7{line:02}", f"61{line:02}", has_chan_sip)
    for line in _LONG:
        yield from _line_of(line, f"7{line}", "", False)


def _line_of(line: int, pjsip_user: str, sip_user: str, has_chan_sip: bool) -> Iterator[Subscriber]:
    variant = _VARIANTS.get(line, "phone")
    yield Subscriber("PJSIP", pjsip_user, _NAMES.get(pjsip_user, f"User {pjsip_user}"), variant)
    if has_chan_sip:
        yield Subscriber("SIP", sip_user, _NAMES.get(sip_user, f"User {sip_user}"), variant)


def _line(user: str) -> int:
    """A small number of its own for every user: below 100 for chan_sip, from 100 on for PJSIP."""
    number = int(user)
    return number - 6100 if 6100 <= number < 6200 else number % 1000 + (100 if number > 7000 else -600)
