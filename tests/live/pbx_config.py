"""Writes the configuration of one Asterisk instance from the templates beside it.

Strategy: plain text with ``%{name}`` places (Asterisk uses ``$`` and ``@`` itself); phones are repeated sections and are
generated.  An unknown place is an error, not an empty string.
"""

from __future__ import annotations

import string
from collections.abc import Iterable, Mapping
from importlib import resources
from pathlib import Path

from tests.live.install import Suite
from tests.live.plan import TRUNK_PASSWORD, Ports, Subscriber, subscribers


class _Template(string.Template):
    delimiter = "%"


def write_main(folder: Path, home: str, suite: Suite, ports: Ports, rtcp_interval_ms: int = 2000) -> None:
    """Write the PBX under watch into ``folder`` (seen by Asterisk as ``home``/etc)."""
    values = {
        "home": home,
        "noload_chan_sip": "none.so",
        "ami": str(ports.ami),
        "ami_tls": str(ports.ami_tls),
        "sip": str(ports.sip),
        "pjsip": str(ports.pjsip),
        "provider": str(ports.provider),
        "rtp_first": str(ports.rtp[0]),
        "rtp_last": str(ports.rtp[-1]),
        "rtcp_interval_ms": str(rtcp_interval_ms),
        "trunk_from_user": "74995555",
    }
    phones = list(subscribers(suite.has_chan_sip))
    for name in ("asterisk", "modules", "logger", "rtp", "manager", "extensions", "pjsip", "queues"):
        _write(folder / f"{name}.conf", f"{name}.conf", values)
    _append(folder / "pjsip.conf", (_pjsip_phone(phone) for phone in phones if phone.technology == "PJSIP"))
    if suite.has_chan_sip:
        _write(folder / "sip.conf", "sip.conf", values)
        _append(folder / "sip.conf", (_sip_phone(phone) for phone in phones if phone.technology == "SIP"))


def write_provider(folder: Path, home: str, ports: Ports, trunk_password: str = TRUNK_PASSWORD) -> None:
    """Write the provider's switch; another ``trunk_password`` makes it refuse our registrations after a reload."""
    values = {
        "home": home,
        "noload_chan_sip": "chan_sip.so",
        "provider": str(ports.provider),
        "rtp_first": str(ports.provider_rtp[0]),
        "rtp_last": str(ports.provider_rtp[-1]),
        "rtcp_interval_ms": "2000",
        "trunk_password": trunk_password,
    }
    for target, template in (
        ("asterisk", "asterisk"),
        ("modules", "modules"),
        ("logger", "logger"),
        ("rtp", "rtp"),
        ("manager", "manager-off"),
        ("extensions", "provider-extensions"),
        ("pjsip", "provider-pjsip"),
    ):
        _write(folder / f"{target}.conf", f"{template}.conf", values)


def fill(template: str, values: Mapping[str, str]) -> str:
    """Return the text of a template with its places filled; KeyError when a place has no value."""
    text = resources.files("tests.live").joinpath("templates", template).read_text()
    return _Template(text).substitute(values)


def _write(target: Path, template: str, values: Mapping[str, str]) -> None:
    target.write_text(fill(template, values))


def _append(target: Path, sections: Iterable[str]) -> None:
    with target.open("a") as file:
        file.writelines(sections)


def _sip_phone(phone: Subscriber) -> str:
    return f'[{phone.user}]({phone.variant})\ncallerid="{phone.name}" <{phone.user}>\n'


def _pjsip_phone(phone: Subscriber) -> str:
    user = phone.user
    aor = "unasked-aor" if phone.variant == "unasked" else "phone-aor"
    return (
        f'[{user}]({phone.variant})\nauth={user}\naors={user}\ncallerid="{phone.name}" <{user}>\n'
        f"[{user}](phone-auth)\nusername={user}\n[{user}]({aor})\n"
    )
