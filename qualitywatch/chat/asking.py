"""One question: who asks what, in which language, and what it is answered from."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import tzinfo
from typing import TypeAlias

from qualitywatch.charts.request import ChartRequest
from qualitywatch.chat.page import Page
from qualitywatch.chat.texts import Texts, texts_of
from qualitywatch.chat.times import short_time, zone_label
from qualitywatch.notify.inbound import Answer
from qualitywatch.notify.texts import duration, words_of
from qualitywatch.room import Room

Paint: TypeAlias = Callable[[ChartRequest], Awaitable[bytes | None]]


@dataclass(frozen=True, slots=True)
class Asking:
    """A command or a press in work; ``by`` is the name of the listed user, "" for anybody else."""

    room: Room
    words: tuple[str, ...]
    language: str
    zone: tzinfo
    morning: tuple[int, int]
    by: str
    user_id: int
    paint: Paint | None
    set_language: Callable[[str], Awaitable[None]]

    @property
    def texts(self) -> Texts:
        """Everything said in the language of the chat."""
        return texts_of(self.language)

    @property
    def show_pbx(self) -> bool:
        """Whether a PBX has to be named at all."""
        return len(self.room.pbxes()) > 1

    def page(self) -> Page:
        """Return an empty answer."""
        return Page(self.texts.more)

    def lasted(self, seconds: float) -> str:
        """Return a duration in words."""
        return duration(seconds, words_of(self.language))

    def span(self, seconds: float) -> str:
        """Return a span that was asked for in words, the way it is asked for: 24 h, not 1 d."""
        hours, rest = divmod(seconds, 3600)
        hour = words_of(self.language).units[1]
        return f"{hours:.0f} {hour}" if not rest and 0 < hours < 7 * 24 else self.lasted(seconds)

    def time(self, at: float, now: float | None = None) -> str:
        """Return an instant as local time; ``now`` is the PBX's own where ``at`` is."""
        return short_time(at, self.room.now() if now is None else now, self.zone, self.texts.months)

    def zone_at(self, at: float) -> str:
        """Return the abbreviation of the local zone."""
        return zone_label(at, self.zone)


Handler: TypeAlias = Callable[[Asking], Awaitable[Answer]]
