"""The parts sentences are made of: who, what, how much, when.  Each is legible and short, whatever it was made of."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import datetime, tzinfo
from typing import Final

from qualitywatch.model import Alert, Direction, Gauge, Metric, Tally
from qualitywatch.notify.legible import clip, legible
from qualitywatch.notify.texts import duration
from qualitywatch.notify.words import Words

NAME_UNITS: Final = 80  # of one name or address in a sentence
_DETAIL_UNITS: Final = 160  # of one cause or User-Agent
_SCORES: Final = frozenset({Metric.MOS, Metric.R_FACTOR})
_LOWER_IS_WORSE: Final = _SCORES | frozenset(Tally) | {Metric.CALL_DURATION_S}
GAUGES: Final = frozenset(Gauge)
QUEUE_GAUGES: Final = frozenset(gauge for gauge in Gauge if gauge.startswith("queue_"))
_FEWER_IS_WORSE: Final = frozenset({Gauge.QUEUE_AGENTS_AVAILABLE, Gauge.QUEUE_AGENTS_LOGGED_IN})
# An instant at most so long after another, told beside it, needs no date: there is one such time of day only.
_SAME_DAY_S: Final = 23 * 3600.0
_CLOCK_SKEW_S: Final = 3600.0  # people's clock against the PBX's


def short_name(text: str) -> str:
    """Return a name that a stranger may have chosen, fit for the middle of a sentence."""
    return clip(legible(text), NAME_UNITS)


def who(alert: Alert) -> str:
    """Return ``Anna SIP/6117``, or the bare subject when no name is known that says more."""
    about, name = subject(alert), short_name(alert.display_name or "")
    return f"{name} {about}" if name and name.casefold() not in about.casefold() else about


def subject(alert: Alert) -> str:
    """Return the subject, else the PBX; never nothing."""
    return short_name(alert.key.subject) or short_name(alert.key.pbx) or "?"


def noun(alert: Alert, words: Words) -> str:
    """Return what is measured or watched: the series, or the bare topic."""
    series = words.series.get(alert.topic)
    return series.noun if series is not None else short_name(alert.topic.replace("_", " ")) or "?"


def inside(text: str) -> str:
    """Return a noun as it is written inside a sentence: ``Потери`` becomes ``потери``, ``MOS`` stays."""
    return text[:1].lower() + text[1:] if text[1:2].islower() else text


def preposition(alert: Alert, words: Words) -> str:
    """Return the word between what is measured and its subject."""
    direction = alert.key.direction
    if direction is None and alert.topic == Metric.RTT_MS:
        direction = Direction.TO_PEER  # there and back again: it has no other direction
    return words.prepositions[direction] if direction is not None else words.beside


def figure(alert: Alert, value: float | None, words: Words) -> str | None:
    """Return a value of the alert's series with its unit; None when it is unknown or of no series."""
    series, known = words.series.get(alert.topic), finite(value)
    if series is None or known is None:
        return None
    if alert.topic == Gauge.QUEUE_LONGEST_HOLD_S:
        return duration(known, words)
    return clip(series.value.format(known), NAME_UNITS)


def finite(value: float | None) -> float | None:
    """Return the value, or None when it is no number that could be meant."""
    return value if value is not None and math.isfinite(value) else None


def detail(details: Mapping[str, str], key: str) -> str:
    """Return one detail, "" when it is not known."""
    return clip(legible(details.get(key, "")), _DETAIL_UNITS)


def is_provisional(alert: Alert) -> bool:
    """Whether a score rests on codec constants that are not published."""
    return alert.topic in _SCORES and alert.details.get("provisional") == "yes"


def is_worse_lower(alert: Alert) -> bool:
    """Whether the smaller figure is the worse one."""
    return alert.topic in _LOWER_IS_WORSE or alert.topic in _FEWER_IS_WORSE


def local_time(at: float, zone: tzinfo) -> str:
    """Return an instant as local date and time with its zone: a message may be read long after it was written."""
    local = _local(at, zone)
    return "?" if local is None else legible(f"{local:%Y-%m-%d %H:%M:%S} {local.tzname() or ''}")


def clock_time(at: float, beside: float, zone: tzinfo) -> str:
    """Return the time of day, ``03:12``; with the date where it is not within a day after ``beside``, told in full nearby."""
    local = _local(at, zone)
    if local is None:
        return "?"
    return f"{local:%H:%M}" if -_CLOCK_SKEW_S <= at - beside < _SAME_DAY_S else f"{local:%Y-%m-%d %H:%M}"


def _local(at: float, zone: tzinfo) -> datetime | None:
    try:
        return datetime.fromtimestamp(at, tz=zone)
    except (OverflowError, OSError, ValueError):
        return None
