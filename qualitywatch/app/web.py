"""The web as a part of the daemon: what it hears, what it may read, and the service that serves it."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from importlib import import_module
from typing import TYPE_CHECKING

from qualitywatch.app.services import Service
from qualitywatch.app.watcher import Watcher
from qualitywatch.config import Config
from qualitywatch.config.settings import WebConfig
from qualitywatch.ports import Clock, SeriesReader
from qualitywatch.room import Room
from qualitywatch.rules.spec import RuleSpec
from qualitywatch.web.decisions import Doors
from qualitywatch.web.door import Door
from qualitywatch.web.feed import Feed
from qualitywatch.web.inside import Inside
from qualitywatch.web.news import News
from qualitywatch.web.recent import RecentFigures

if TYPE_CHECKING:
    from qualitywatch.web.server import WebServer

log = logging.getLogger(__name__)


class Web:
    """Everything of the web that the daemon puts together: ``feed`` belongs among the stores of the keeper."""

    def __init__(self, config: Config, web: WebConfig, door: Door) -> None:
        self._config, self._web, self._door = config, web, door
        self._recent, self._news = RecentFigures(), News()
        self.feed = Feed(self._recent, self._news)

    def listen(self, watchers: Mapping[str, Watcher]) -> None:
        """Hear what watchers hear and judge."""
        for name, watcher in watchers.items():
            watcher.listeners.append(partial(self.feed.heard, name))
            watcher.followers.append(partial(self.feed.judged, name))

    def services(
        self, room: Room, series: SeriesReader, specs: Sequence[RuleSpec], clock: Clock, inside: Callable[[], Inside]
    ) -> list[Service]:
        """Return the server, or nothing where its libraries are not installed."""
        try:
            return [self.server(room, series, specs, clock, inside)]
        except ModuleNotFoundError as exc:
            log.error('web.not_served why="%s" advice=pip_install_qualitywatch[web]', exc)
            return []

    def server(
        self, room: Room, series: SeriesReader, specs: Sequence[RuleSpec], clock: Clock, inside: Callable[[], Inside]
    ) -> WebServer:
        """Build the server; raises ModuleNotFoundError."""
        # Imported late: only who serves pays for it, in time, memory and installed libraries.
        access = import_module("qualitywatch.web.access").Access(doors(self._web))
        sources = import_module("qualitywatch.web.sources").Sources(
            room,
            series,
            specs,
            clock,
            inside,
            self._recent,
            self._news,
            language=self._config.language,
            zone=self._config.timezone,
        )
        application = import_module("qualitywatch.web.application").build_application(sources, access)
        server: WebServer = import_module("qualitywatch.web.server").WebServer(
            application, self._door, welcome=self._news.open, farewell=self._news.close
        )
        return server


def doors(web: WebConfig) -> Doors:
    """What opens, as configured."""
    return Doors(web.token, web.users, is_metrics_open=web.is_metrics_open, is_behind_tls=web.is_behind_tls)
