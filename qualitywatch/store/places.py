"""Where a peer belongs, in ``rollup.db``: the trunk its calls go through and the site it is at, as they were known last.

Charting programs group by them; the daemon itself has no need to read them.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Final, TypeAlias

from qualitywatch.store.codec import printable

Labels: TypeAlias = Callable[[str, str], Mapping[str, str]]
"""``trunk`` and ``site`` of a PBX's subject, as far as they are known."""

MIGRATION: Final = ("CREATE TABLE place(peer INTEGER PRIMARY KEY, trunk TEXT, site TEXT) STRICT",)


@dataclass(frozen=True, slots=True)
class Place:
    """One peer's trunk and site; None leaves what is there."""

    pbx: str
    subject: str
    trunk: str | None
    site: str | None


def no_labels(pbx: str, subject: str) -> Mapping[str, str]:
    """Nothing is known of anybody."""
    return {}


class PlaceBook:
    """Tells only what changed."""

    def __init__(self, labels: Labels) -> None:
        self._labels = labels
        self._known: dict[tuple[str, str], Place] = {}

    def news(self, subjects: Iterable[tuple[str, str]]) -> list[Place]:
        """Places of these subjects that differ from what was told before."""
        found = []
        for pbx, subject in dict.fromkeys(subjects):
            labels = self._labels(pbx, subject)
            place = Place(pbx, subject, labels.get("trunk"), labels.get("site"))
            if labels and self._known.get((pbx, subject)) != place:
                self._known[(pbx, subject)] = place
                found.append(place)
        return found


def update_place(connection: sqlite3.Connection, peer: int, place: Place) -> None:
    """Note where a peer belongs."""
    texts = [None if text is None else printable(text) for text in (place.trunk, place.site)]
    connection.execute(
        """INSERT INTO place(peer, trunk, site) VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET
            trunk = coalesce(excluded.trunk, trunk), site = coalesce(excluded.site, site)""",
        (peer, *texts),
    )
