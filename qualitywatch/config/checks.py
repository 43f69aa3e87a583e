"""What several sections check alike: hosts, URLs, names that must differ, tokens that go onto a wire."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Sequence
from typing import Final
from urllib.parse import urlsplit

from qualitywatch.document import Section

LANGUAGES: Final = ("en", "ru")
_THING: Final = re.compile(r"(?:SIP|PJSIP|IAX2)/[^\s/,()]+(?:/[^\s,()]+)?")


def report_twins(sections: Sequence[Section], names: Sequence[str]) -> None:
    """Report each section whose name another one before it has already."""
    for index, (section, name) in enumerate(zip(sections, names, strict=True)):
        if name and name in names[:index]:
            key = "name" if "name" in section else ""
            section.problem(
                key, f'name "{name}" is already taken in line {sections[names.index(name)].line}; give another name'
            )


def host_problem(host: str) -> str | None:
    """Return what is wrong with the name or address of a host, or None."""
    if any(char in " /@[]" for char in host):
        return "must be a name or an address only, such as 192.0.2.10"
    if ":" in host:
        try:
            ipaddress.IPv6Address(host)
        except ValueError:
            return 'must be a name or an address only; the port belongs under "port"'
    return None


def url_problem(url: str, schemes: tuple[str, ...]) -> str | None:
    """Return what is wrong with a URL, or None, without quoting it: it may hold a password."""
    try:
        parts = urlsplit(url)
        good = parts.scheme in schemes and bool(parts.hostname) and parts.port != 0
    except ValueError:
        good = False
    return None if good else f"must be a URL that begins with {' or '.join(f'{scheme}://' for scheme in schemes)}"


def is_plain_to_others(url: str) -> bool:
    """Whether what is sent to this URL crosses a network unencrypted."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    try:
        is_here = ipaddress.ip_address(host).is_loopback
    except ValueError:
        is_here = host == "localhost" or host.endswith(".localhost")
    return parts.scheme == "http" and not is_here


def thing_problem(name: str) -> str | None:
    """Return what is wrong with the name of a peer or trunk, or None; names are compared as they are written in alerts."""
    if _THING.fullmatch(name):
        return None
    return "must be a name as alerts show it, such as SIP/6117 or PJSIP/74995555@192.0.2.1:5060 (SIP, PJSIP or IAX2)"
