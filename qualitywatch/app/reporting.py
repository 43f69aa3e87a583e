"""Tells chats what yesterday, or last week, was like: a table, the whole report as a file, and a chart of whoever was worst.

The calendar calls (``jobs``); what was told is remembered, so that neither a restart nor an hour that comes twice repeats a
report, and one that was due while we were not running is made up for within six hours.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from datetime import tzinfo
from functools import partial
from pathlib import Path
from typing import Final

from qualitywatch.app.keeper import Keeper
from qualitywatch.charts.order import order
from qualitywatch.charts.painter import Painter
from qualitywatch.config import ReportConfig
from qualitywatch.errors import NotifyError, StoreError
from qualitywatch.jobs import Job
from qualitywatch.model import Notification
from qualitywatch.notify.carrier import Movable
from qualitywatch.notify.legible import legible
from qualitywatch.ports import Clock, Notifier, StateChange
from qualitywatch.reports.chat import as_message
from qualitywatch.reports.period import a_week_before, ended, last_due
from qualitywatch.reports.report import Report, compared, worst
from qualitywatch.reports.source import known_since, read
from qualitywatch.reports.words import WORDS
from qualitywatch.room import Room

log = logging.getLogger(__name__)

MEMORY_KEY: Final = "report."
MADE_UP_S: Final = 6 * 3600.0
PAUSES_S: Final = (30.0, 120.0, 600.0)  # between the attempts to send one
MOVES: Final = 2  # of a chat, while one is sent: groups that move in a circle are not followed


class Reporting:
    """The reports of a configuration."""

    def __init__(
        self,
        reports: Sequence[ReportConfig],
        directory: Path,
        notifiers: Mapping[str, Notifier],
        language_of: Callable[[str], str],
        painter: Painter,
        room: Room,
        keeper: Keeper,
        meta: Mapping[str, str],
        clock: Clock,
        zone: tzinfo,
    ) -> None:
        """``language_of`` tells the language of a target; ``meta`` is what the store remembers."""
        self._reports = reports
        self._directory = directory
        self._notifiers = notifiers
        self._language_of = language_of
        self._painter = painter
        self._room = room
        self._keeper = keeper
        self._told = {key: text for key, text in meta.items() if key.startswith(MEMORY_KEY)}
        self._clock = clock
        self._zone = zone

    def jobs(self) -> tuple[Job, ...]:
        """When each is due."""
        return tuple(
            Job(
                f"report_{number}",
                {"hour": report.at[0], "minute": report.at[1]}
                | ({} if report.weekday is None else {"day_of_week": report.weekday}),
                partial(self.tell, report),
            )
            for number, report in enumerate(self._reports, 1)
        )

    async def make_up(self) -> None:
        """Tell what was due a short while ago and was not told, because nobody was running."""
        now = self._clock.now()
        for report in self._reports:
            due = last_due(now, self._zone, report.at, report.weekday)
            if now - due >= MADE_UP_S:
                continue
            try:
                since = await asyncio.to_thread(known_since, self._directory)
                if since is None or since >= ended(due, self._zone, is_weekly=report.is_weekly)[1]:
                    log.info("report.left_out weekly=%s why=nobody_watched_then", "yes" if report.is_weekly else "no")
                    continue
                await self.tell(report)
            except Exception:  # a report must not end the watching, nor be tried again and again
                log.exception("report.not_made")

    async def tell(self, report: ReportConfig) -> None:
        """Tell every target that has not heard of this day or week; a target that fails does not keep the others waiting."""
        due = last_due(self._clock.now(), self._zone, report.at, report.weekday)
        since, until = ended(due, self._zone, is_weekly=report.is_weekly)
        waiting = [name for name in report.targets if self._told.get(_key(report, name)) != f"{until:.0f}"]
        if not waiting:
            return
        await self._keeper.flush()
        try:
            found = await asyncio.to_thread(self._compared, since, until, self._names())
        except StoreError as exc:
            log.error('report.not_made error="%s"', exc)
            return
        await asyncio.gather(*(self._tell_one(report, found, name, f"{until:.0f}") for name in waiting))

    def _compared(self, since: float, until: float, names: Mapping[tuple[str, str], str | None]) -> Report:
        now = read(self._directory, since, until)
        before = read(self._directory, *a_week_before(since, until, self._zone))
        return compared(now, before, name_of=lambda pbx, subject: names.get((pbx, subject)))

    def _names(self) -> dict[tuple[str, str], str | None]:
        """What people call everybody who is known now."""
        found: dict[tuple[str, str], str | None] = {}
        for view in self._room.pbxes():
            found |= {(view.name, peer.subject): peer.name for peer in view.peers}
            found |= {(view.name, trunk.trunk): trunk.name for trunk in view.trunks}
        return found

    async def _tell_one(self, report: ReportConfig, found: Report, name: str, until: str) -> None:
        """``until`` is the end of the day or week: where midnight is not on the hour, what was read goes a little beyond."""
        notifier, language = self._notifiers[name], report.language or self._language_of(name)
        message = await asyncio.to_thread(as_message, found, language, self._zone, is_weekly=report.is_weekly)
        message_id = await self._sent(notifier, name, message)
        if message_id is _FAILED:
            return
        key = _key(report, name)
        self._told[key] = until
        await self._keeper.keep_change(StateChange(meta={key: until}))
        log.info("report.told target=%s weekly=%s", name, "yes" if report.is_weekly else "no")
        if isinstance(message_id, int) and notifier.takes_pictures:
            await self._draw(notifier, found, language, message_id)

    async def _sent(self, notifier: Notifier, name: str, message: Notification) -> int | object | None:
        pauses, moves = iter(PAUSES_S), 0
        while True:
            place = notifier.place
            try:
                return await notifier.send(message)
            except NotifyError as exc:
                if exc.new_chat_id is not None and isinstance(notifier, Movable) and moves < MOVES:
                    moves += 1
                    if notifier.place == place:  # else an alert found out meanwhile
                        await self._keeper.keep_change(StateChange(meta=notifier.moved(exc.new_chat_id)))
                        log.warning('report.moved target=%s error="%s" put_the_new_id_into_the_configuration=yes', name, exc)
                    continue
                pause_s = None if exc.permanent else next(pauses, None)
                if pause_s is None:
                    log.error('report.not_told target=%s error="%s"', name, exc)
                    return _FAILED
                await asyncio.sleep(max(pause_s, exc.retry_after_s or 0.0))

    async def _draw(self, notifier: Notifier, found: Report, language: str, message_id: int) -> None:
        lines = worst(found.peers, 1) or worst(found.trunks, 1)
        if not lines or not self._painter.available:
            return
        subject, title = lines[0].subject, legible(lines[0].who)
        points = await self._room.history(subject.pbx, subject.name, found.since, found.until)
        if not points:
            return
        request = order(
            self._room, subject.pbx, subject.name, title, points, found.since, found.until, language, self._zone, ()
        )
        picture = await self._painter.paint(request)
        if picture is None:
            return
        try:
            await notifier.send_picture(picture, WORDS[language].chart.format(peer=title), reply_to=message_id)
        except NotifyError as exc:
            log.warning('report.no_picture error="%s"', exc)


_FAILED: Final = object()


def _key(report: ReportConfig, target: str) -> str:
    return f"{MEMORY_KEY}{'week' if report.is_weekly else 'day'}.{target}"
