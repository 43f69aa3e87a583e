"""The lines of a message that say what was done about it, one for each remedy, the newest last."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, tzinfo
from typing import Final

from qualitywatch.model import Incident, RemedyNote
from qualitywatch.notify.texts import Words

_TOLD: Final = 6


def remedied(incident: Incident, words: Words, zone: tzinfo) -> Iterable[str]:
    """Say what was done; of many only the last."""
    notes = incident.remedies
    if len(notes) > _TOLD:
        yield words.remedies.earlier.format(count=len(notes) - _TOLD)
    for note in notes[-_TOLD:]:
        yield told(note, words, zone)


def told(note: RemedyNote, words: Words, zone: tzinfo | None) -> str:
    """Say what became of one remedy; without a zone the time is left out."""
    spoken = words.remedies
    values = _Known({name: value or spoken.nothing for name, value in note.values.items()})
    did, to_do = spoken.deeds.get(note.what, (note.what, note.what))
    why = spoken.reasons.get(note.why, "{detail}").format(detail=note.detail or spoken.nothing)
    text = spoken.outcomes[note.outcome].format(did=did.format_map(values), to_do=to_do.format_map(values), why=why)
    return f"{_time(note.at, zone)} {text}" if zone is not None else text


class _Known(dict[str, str]):
    """What a sentence can name; what an older version did not store is a question mark."""

    def __missing__(self, name: str) -> str:
        return "?"


def _time(at: float, zone: tzinfo) -> str:
    try:
        return f"{datetime.fromtimestamp(at, tz=zone):%H:%M:%S}"
    except (OverflowError, OSError, ValueError):
        return "?"
