"""Values that may have more than one shape: a duration or ``never``, a key that is switched off by ``false``.

A ``Section`` reads one shape a key; which one an administrator chose is looked up here, before it is asked for that one.
"""

from __future__ import annotations

from enum import Enum
from typing import Final

import yaml

from qualitywatch.document import Section

_NEVER: Final = "never"
_SAID_OTHERWISE: Final = frozenset({"no", "off", "none", "false", "disabled", "nie"})


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


def _word(section: Section, key: str) -> str:
    node = section.node(key)
    return str(node.value) if isinstance(node, yaml.ScalarNode) else ""
