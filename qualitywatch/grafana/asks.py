"""What a panel, a variable or an annotation can want to know, in no query language.

A ``Scope`` ties tags to the variables of the dashboard: ``{"pbx": "pbx", "peer": "peer"}`` is what belongs to the chosen PBX
and peer, ``{"peer|trunk": "trunk"}`` what has the chosen trunk as its subject or as its trunk.  A variable of which exactly one
text is chosen is a ``One``: some languages are given it in another way than several.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final, TypeAlias

from qualitywatch.grafana.figures import Figure

Scope: TypeAlias = Mapping[str, str]
EITHER: Final = "|"  # between the tags of a scope


class One(str):
    """The name of a variable with a single choice and no "All"."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class Lines:
    """A figure over time, one line for each different set of the tags ``by``; ``{peer}`` in a legend is the tag's text."""

    figure: Figure
    by: tuple[str, ...]
    scope: Scope
    legend: str
    only: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Totals:
    """A figure of the whole time, one row for each different set of the tags ``by``; ``name`` is the column's heading.

    ``last_s``: of the last seconds only, for languages that are told the dashboard's time and not the panel's.
    """

    figure: Figure
    by: tuple[str, ...]
    scope: Scope
    name: str
    only: Mapping[str, str] = field(default_factory=dict)
    last_s: int = 0


@dataclass(frozen=True, slots=True)
class Counts:
    """How often each value of a figure occurred: hangup causes of calls."""

    figure: Figure
    scope: Scope


class Story(StrEnum):
    """What is told in words."""

    ALERTS = "alerts"
    AGENTS = "agents"  # User-Agents of peers
    RESTARTS = "restarts"  # what ends or bends series: restarts, reloads, times in which the PBX was not seen


@dataclass(frozen=True, slots=True)
class Log:
    """What happened, newest first."""

    story: Story
    scope: Scope


@dataclass(frozen=True, slots=True)
class Values:
    """All texts of a tag, for a variable to choose from, narrowed by other variables."""

    tag: str
    figures: tuple[Figure, ...]  # where to look
    scope: Scope


Ask: TypeAlias = Lines | Totals | Counts | Log
