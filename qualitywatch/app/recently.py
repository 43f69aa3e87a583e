"""What was heard in the last minute, for whoever asks the running daemon; it listens where series are stored."""

from __future__ import annotations

from collections.abc import Mapping

from qualitywatch.control.protocol import Heard
from qualitywatch.model import Direction
from qualitywatch.ports import SeriesBatch
from qualitywatch.room import PbxView
from qualitywatch.web.recent import RecentFigures


class Recently:
    """``ports.SeriesStore`` that forgets after a minute."""

    def __init__(self) -> None:
        self._figures = RecentFigures()

    async def write(self, batch: SeriesBatch) -> None:
        """Listen to a batch."""
        self._figures.take_in(batch)

    async def flush(self, now: float) -> None:
        """Nothing waits."""

    async def prune(self, now: float) -> None:
        """Nothing is kept."""

    async def close(self, now: float) -> None:
        """Nothing is held."""

    def heard(self, view: PbxView) -> Mapping[str, Heard]:
        """How the peers of a PBX sounded, those that were measured."""
        found = {}
        for peer in view.peers:
            to_peer = self._figures.figures(view.name, peer.subject, Direction.TO_PEER, view.now)
            from_peer = self._figures.figures(view.name, peer.subject, Direction.FROM_PEER, view.now)
            rtt_ms = self._figures.figures(view.name, peer.subject, None, view.now).rtt_ms
            figures = (to_peer.loss_percent, from_peer.loss_percent, to_peer.jitter_ms, from_peer.jitter_ms, rtt_ms)
            scores = [score for score in (to_peer.mos, from_peer.mos) if score is not None]
            if scores or any(figure is not None for figure in figures):
                found[peer.subject] = Heard(view.name, peer.subject, *figures, min(scores, default=None))
        return found
