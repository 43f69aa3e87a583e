"""The lines of a systemd unit: keys with their values in order, and what drop-ins make of them.

Strategy: an empty value empties a list, as systemd has it; sections are not told apart, since no key of ours stands in two.

Standard: systemd.syntax(7).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TypeAlias

Settings: TypeAlias = Mapping[str, tuple[str, ...]]


def read_unit(text: str) -> Settings:
    """Read one file; an empty value is kept, as the first of the values behind it."""
    settings: dict[str, tuple[str, ...]] = {}
    for line in _joined(text):
        key, equals, value = line.partition("=")
        if equals:
            key, value = key.strip(), value.strip()
            settings[key] = (*settings.get(key, ()), value) if value else ("",)
    return settings


def with_dropins(unit: Settings, dropins: Iterable[Settings]) -> Settings:
    """Return what is in force.  A single value replaces what was before only where the key is no list: nearly all are none."""
    settings = dict(unit)
    for dropin in dropins:
        for key, values in dropin.items():
            before = () if values[0] == "" or key not in _LISTS else settings.get(key, ())
            settings[key] = (*before, *values)
    return settings


_LISTS = frozenset(
    {
        *("LoadCredential", "LoadCredentialEncrypted", "SetCredential", "Environment", "EnvironmentFile", "SystemCallFilter"),
        *("RestrictAddressFamilies", "ReadWritePaths", "SupplementaryGroups", "After", "Wants", "Requires", "IPAddressAllow"),
        *(
            "IPAddressDeny",
            "CapabilityBoundingSet",
            "AmbientCapabilities",
            "RestartPreventExitStatus",
            "SystemCallArchitectures",
        ),
    }
)


def _joined(text: str) -> Iterable[str]:
    """Lines without comments, those ending in a backslash joined with the next."""
    held = ""
    for raw in text.splitlines():
        line = raw.strip()
        if not line or line[0] in "#;[":
            continue
        if line.endswith("\\"):
            held += line[:-1] + " "
            continue
        yield held + line
        held = ""
