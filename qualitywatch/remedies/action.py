"""What an action of a remedy is: how it reads in a rule, what is sent for it, and which right it takes.

Strategy: an action is a value of plain functions; whoever wants another one writes a file and a line in ``registry.py``.  What
an administrator writes is literal or a template over the alert (``templates``); what is filled in comes from the network and
must fit into one argument.

Standard: ``main/manager.c`` and ``main/db.c`` of Asterisk 13 to 23: actions, headers, and any one of which rights each takes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from qualitywatch.document import Section

Values: TypeAlias = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Request:
    """A manager action with its headers."""

    action: str
    headers: tuple[tuple[str, str], ...]
    rights: tuple[str, ...]  # any one of these in write= is enough


@dataclass(frozen=True, slots=True)
class Switch:
    """What an action sets, so that it can be set back.  Its value is ``value`` of the action's values."""

    address: Callable[[Values], str]  # two with one address set the same thing; "" where nothing can be set back
    read: Callable[[Values], Request]
    header: str  # of the answer, that holds the value
    absent: str  # how Asterisk says that there is no value; "" where none is the same as an empty one
    put: Callable[[Values, str], Request]
    delete: Callable[[Values], Request]


@dataclass(frozen=True, slots=True)
class ActionKind:
    """One kind of action.  ``parse`` reads its keys as templates and records problems; ``request`` takes them filled in."""

    parse: Callable[[Section], dict[str, str]]
    request: Callable[[Values], Request]
    per_channel: bool = False  # is about each channel of the alert
    repeatable: bool = True  # twice is the same as once
    switch: Switch | None = None
    unfit: Callable[[Values], bool] = lambda values: False  # what Asterisk would take for something else
    gone: tuple[str, ...] = ()  # how Asterisk says that the channel is no longer there
