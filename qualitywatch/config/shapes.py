"""Values that may have more than one shape: a duration or ``never``, a time of day, a key that is switched off by ``false``.

A ``Section`` reads one shape a key; which one an administrator chose is looked up here, before it is asked for that one.
"""

from __future__ import annotations

import re
from enum import Enum
from typing import Final

import yaml

from qualitywatch.document import Section

_TIME: Final = re.compile(r"([01]?[0-9]|2[0-3]):([0-5][0-9])")
_NEVER: Final = "never"
_SAID_OTHERWISE: Final = frozenset({"no", "off", "none", "false", "disabled", "nie"})
_DAY_MINUTES: Final = 24 * 60


class Shape(Enum):
    """What stands at a key."""

    ABSENT = "absent"
    SCALAR = "scalar"
    LIST = "list"
    SECTION = "section"


def shape_of(section: Section, key: str) -> Shape:
    """Return what stands at a key; a key without a value is a scalar."""
    match section.node(key):
        case None:
            return Shape.ABSENT
        case yaml.MappingNode():
            return Shape.SECTION
        case yaml.SequenceNode():
            return Shape.LIST
        case _:
            return Shape.SCALAR


def is_off(section: Section, key: str) -> bool:
    """Whether a key, whatever it holds otherwise, is switched off by ``false`` (or ``no``, ``off``)."""
    node = section.node(key)
    is_boolean = isinstance(node, yaml.ScalarNode) and node.tag == "tag:yaml.org,2002:bool"
    return is_boolean and not section.boolean(key)


def read_duration_or_never(section: Section, key: str, default: float | None, *, minimum: float = 0) -> float | None:
    """Return seconds, or None for ``never``."""
    word = _word(section, key)
    if word == _NEVER:
        section.text(key)
        return None
    if word.lower() in _SAID_OTHERWISE:
        if not is_off(section, key):
            section.text(key)
        section.problem(key, "write never to switch it off")
        return default
    return section.duration_s(key, default, minimum=minimum)


def read_time(section: Section, key: str, default: int | None = None, *, may_be_midnight_after: bool = False) -> int | None:
    """Return minutes since midnight of ``HH:MM``; ``24:00`` is 1440 where it may be. None after a problem, or by default.

    Without a default the key is required.
    """
    text = section.text(key) if default is None else section.text(key, None)
    if not text:
        return default
    if may_be_midnight_after and text == "24:00":
        return _DAY_MINUTES
    found = _TIME.fullmatch(text)
    if found is None:
        section.problem(key, 'must be a time of day such as "08:00" or "23:30"')
        return default
    return int(found[1]) * 60 + int(found[2])


def _word(section: Section, key: str) -> str:
    node = section.node(key)
    return str(node.value) if isinstance(node, yaml.ScalarNode) else ""
