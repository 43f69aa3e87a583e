"""What the web shows and where it comes from; filled in by ``app.web``, or by a test."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, tzinfo

from qualitywatch.ports import Clock, SeriesReader
from qualitywatch.room import Room
from qualitywatch.rules.spec import RuleSpec
from qualitywatch.web.inside import Inside
from qualitywatch.web.news import News
from qualitywatch.web.recent import RecentFigures


@dataclass(frozen=True, slots=True)
class Sources:
    """Everything the application reads from and acts on; none of it is the application's own."""

    room: Room
    series: SeriesReader
    rules: Sequence[RuleSpec]
    clock: Clock
    inside: Callable[[], Inside] = Inside  # what the daemon knows of itself
    recent: RecentFigures = field(default_factory=RecentFigures)
    news: News = field(default_factory=News)
    language: str = "en"  # of the page, unless its reader chose another one
    zone: tzinfo = UTC  # of times within sentences
