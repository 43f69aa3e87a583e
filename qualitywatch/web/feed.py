"""What the web hears of the daemon's work: a series store that keeps nothing but the last minute, and notes what changed."""

from __future__ import annotations

from collections.abc import Sequence

from qualitywatch.model import Alert, ChannelChanged, ChannelHungUp, PbxEvent, StatusObservation, Transition
from qualitywatch.ports import SeriesBatch
from qualitywatch.web.news import Change, News, Topic
from qualitywatch.web.recent import RecentFigures

_TOPICS = {"peer": Topic.PEER, "trunk": Topic.TRUNK, "pbx": Topic.PBX, "audio": Topic.PEER}


class Feed:
    """``ports.SeriesStore`` for pages that are open and for ``/metrics``."""

    def __init__(self, recent: RecentFigures, news: News) -> None:
        self._recent = recent
        self._news = news

    async def write(self, batch: SeriesBatch) -> None:
        """Take in a batch; never fails."""
        self._recent.take_in(batch)
        for pbx, subject in {(sample.pbx, sample.subject): None for sample in batch.samples}:
            self._news.note(Change(Topic.PEER, pbx, subject))
        for each in batch.observed:
            if isinstance(each.what, StatusObservation) and (topic := _TOPICS.get(each.what.entity)) is not None:
                self._news.note(Change(topic, each.what.pbx, "" if topic is Topic.PBX else each.what.subject))
        for call in batch.calls:
            self._news.note(Change(Topic.PBX, call.pbx))

    async def flush(self, now: float) -> None:
        """Nothing is held back."""

    async def prune(self, now: float) -> None:
        """Nothing is kept for long."""

    async def close(self, now: float) -> None:
        """Nothing is held."""

    def heard(self, pbx: str, event: PbxEvent) -> None:
        """An event of a PBX is about to be judged."""
        if isinstance(event, ChannelChanged | ChannelHungUp):
            self._news.note(Change(Topic.PBX, pbx))

    def judged(self, pbx: str, transitions: Sequence[Transition], alerts: Sequence[Alert]) -> None:
        """Alerts of a PBX changed."""
        if transitions:
            self._news.note(Change(Topic.ALERT, pbx))
