"""Which missed endpoints of PJSIP may have been removed, whom to ask for to find out, and what the answers prove.

Strategy: no list names endpoints, so those with an alert are asked for by name, beside some that are there.  Where most of the
latter are unknown as well, it is the PBX that cannot tell (no such function, a database that is away), and nothing is proven.
Two rounds in a row are, as with lists: in the middle of a reload nobody may be configured.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Final

from qualitywatch.model import EndpointsAsked

WITNESSES: Final = 20  # of those who are there, spread over their names: a part of them may be in a database
_PREFIX: Final = "PJSIP/"


class Doubts:
    """Remembers whom one round did not find."""

    def __init__(self) -> None:
        self._unknown: frozenset[str] = frozenset()

    @staticmethod
    def worth_asking(missed: Iterable[str], alive: Collection[str]) -> tuple[str, ...]:
        """Return whom to ask for: the missed endpoints and witnesses; nobody where there are not both."""
        doubted = sorted(peer for peer in set(missed) - set(alive) if peer.startswith(_PREFIX))
        there = sorted(peer for peer in alive if peer.startswith(_PREFIX))
        if not doubted or not there:
            return ()
        return (*there[:: -(-len(there) // WITNESSES)], *doubted)

    def weigh(self, event: EndpointsAsked, missed: Iterable[str], alive: Collection[str]) -> tuple[list[str], bool]:
        """Return who is proven to be removed, and whether another round may prove more."""
        there, lost = len(event.configured & set(alive)), len(event.unknown & set(alive))
        unknown = event.unknown & (set(missed) - set(alive)) if there > lost else frozenset()
        twice = unknown & self._unknown
        self._unknown = unknown - twice
        return sorted(twice), bool(self._unknown)

    def forget(self) -> None:
        """There is a gap in what we see: what was unknown before it is no first round."""
        self._unknown = frozenset()
