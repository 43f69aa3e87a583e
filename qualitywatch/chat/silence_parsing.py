"""What is to be silenced, and until when: the words of /silence into a wish."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import tzinfo
from typing import Final

from qualitywatch.chat.misread import Misread, Problem, near
from qualitywatch.chat.parsing import ALL, MAX_SPAN_S, bounded, is_pattern, pattern, span_s
from qualitywatch.chat.times import clock_time_after, date_time
from qualitywatch.model import Severity
from qualitywatch.notify.legible import legible

COMMENT_CHARS: Final = 200
_UNTIL: Final = frozenset({"until", "till", "до"})
_MORNING: Final = frozenset({"morning", "утра"})
_CLOCK: Final = re.compile(r"([01]?\d|2[0-3])[:.]([0-5]\d)", re.ASCII)
_DATE: Final = re.compile(r"(\d{4})-(\d{2})-(\d{2})", re.ASCII)
_KEYS: Final = {
    "rule": "rules",
    "pbx": "pbxes",
    "peer": "subjects",
    "trunk": "subjects",
    "subject": "subjects",
    "severity": "severities",
    "правило": "rules",
    "атс": "pbxes",
    "пир": "subjects",
    "транк": "subjects",
    "важность": "severities",
}


@dataclass(frozen=True, slots=True)
class SilenceWish:
    """/silence: selectors as they were typed, an instant of the wall clock, a comment.

    ``named`` are bare words that mean a subject or a PBX by its name.  ``everything`` was asked for in so many words.
    """

    ends_at: float
    named: tuple[str, ...] = ()
    rules: tuple[str, ...] = ()
    subjects: tuple[str, ...] = ()
    pbxes: tuple[str, ...] = ()
    severities: tuple[str, ...] = ()
    everything: bool = False
    comment: str = ""


def read_silence(words: tuple[str, ...], now: float, zone: tzinfo, morning: tuple[int, int]) -> SilenceWish:
    """Read ``what... 2h|until 08:00 [comment]``.

    What is meant comes first; the first span or ``until`` ends it, and what follows is the comment, unless nothing was named
    before: ``2h SIP/6117`` is understood too.
    """
    found = _Silence()
    ends_at: float | None = None
    rest = list(words)
    while rest:
        word = rest[0]
        if ends_at is None and word.casefold() in _UNTIL:
            ends_at, used = _until(rest[1:], now, zone, morning)
            del rest[: 1 + used]
        elif ends_at is None and (seconds := span_s(word)) is not None:
            ends_at = now + bounded(word, seconds)
            del rest[0]
        elif ends_at is not None and found.anything:
            break
        else:
            found.take(word)
            del rest[0]
    if not found.anything:
        raise Misread(Problem.NO_WHAT)
    if ends_at is None:
        raise Misread(Problem.NO_END)
    return SilenceWish(
        ends_at,
        tuple(found.named),
        tuple(found.by_field["rules"]),
        tuple(found.by_field["subjects"]),
        tuple(found.by_field["pbxes"]),
        tuple(found.by_field["severities"]),
        found.everything,
        legible(" ".join(rest))[:COMMENT_CHARS],
    )


class _Silence:
    """What a silence is to cover, while it is read."""

    def __init__(self) -> None:
        self.named: list[str] = []
        self.by_field: dict[str, list[str]] = {"rules": [], "subjects": [], "pbxes": [], "severities": []}
        self.everything = False

    @property
    def anything(self) -> bool:
        return self.everything or bool(self.named) or any(self.by_field.values())

    def take(self, word: str) -> None:
        key, equals, value = word.partition("=")
        if word.casefold() in ALL:
            self.everything = True
        elif equals and not word.startswith("/"):
            self._take_field(key, value)
        elif is_pattern(word):
            self.by_field["subjects"].append(str(pattern(word)))
        else:
            self.named.append(word)

    def _take_field(self, key: str, value: str) -> None:
        field = _KEYS.get(key.casefold())
        if field is None:
            raise Misread(Problem.NO_SUCH_KEY, key, near(key, tuple(_KEYS), 1))
        values = [part for part in value.split(",") if part]
        if not values:
            raise Misread(Problem.BAD_SELECTOR, f"{key}=")
        for one in values:
            if field == "severities" and one.casefold() not in set(Severity):
                raise Misread(Problem.BAD_SELECTOR, one, tuple(Severity))
            self.by_field[field].append(one.casefold() if field == "severities" else str(pattern(one)))


def _until(words: list[str], now: float, zone: tzinfo, morning: tuple[int, int]) -> tuple[float, int]:
    """Return the instant meant by the words after ``until``, and how many of them meant it."""
    first, second = (*words, "", "")[:2]
    if first.casefold() in _MORNING:
        return clock_time_after(now, *morning, zone), 1
    clock = _CLOCK.fullmatch(first)
    if clock is not None:
        return clock_time_after(now, int(clock[1]), int(clock[2]), zone), 1
    day, clock = _DATE.fullmatch(first), _CLOCK.fullmatch(second)
    if day is None or clock is None:
        raise Misread(Problem.BAD_UNTIL, first)
    at = date_time(int(day[1]), int(day[2]), int(day[3]), int(clock[1]), int(clock[2]), zone)
    if at is None:
        raise Misread(Problem.BAD_UNTIL, f"{first} {second}")
    if at <= now:
        raise Misread(Problem.PAST, f"{first} {second}")
    if at > now + MAX_SPAN_S:
        raise Misread(Problem.BAD_SPAN, f"{first} {second}")
    return at, 2
