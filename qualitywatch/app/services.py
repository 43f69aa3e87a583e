"""What runs beside watching and telling, if it is configured: the bot's ears, the phone that rings, the lamps.

Each is a ``Service`` that the daemon runs under its supervisor: none of them ends it.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from importlib import import_module
from typing import Final, NoReturn, Protocol

from qualitywatch.app.assembly import LANGUAGE_KEY, MARK_KEY
from qualitywatch.app.keeper import Keeper
from qualitywatch.app.lamps import Lamps
from qualitywatch.app.oncall import OnCall
from qualitywatch.app.watcher import Watcher
from qualitywatch.charts.painter import Painter
from qualitywatch.chat.access import Access
from qualitywatch.chat.assistant import Assistant
from qualitywatch.chat.registry import menu
from qualitywatch.config import Config, TelegramConfig, TelegramTarget
from qualitywatch.notify.channels.telegram import TelegramNotifier
from qualitywatch.notify.inbound import Move
from qualitywatch.notify.texts import LANGUAGES
from qualitywatch.ports import Clock, Notifier, StateChange
from qualitywatch.room import Room

log = logging.getLogger(__name__)

OFFSET_KEY: Final = "telegram.offset"


class Service(Protocol):
    """Something that runs for ever."""

    async def run(self) -> NoReturn:
        """Run until cancelled."""
        ...

    async def close(self) -> None:
        """Give back what is held."""
        ...


class ListedChats:
    """The chats that are told something, by the ids they are configured with and those they have now: a chat may move."""

    def __init__(self, config: Config, chats: Sequence[TelegramNotifier]) -> None:
        self._configured = {target.options.chat_id for target in config.targets if isinstance(target.options, TelegramTarget)}
        self._chats = chats

    def __contains__(self, chat_id: object) -> bool:
        """Whether commands of a chat are answered."""
        return chat_id in self._configured or any(chat.chat_id == chat_id for chat in self._chats)

    def at(self, chat_id: int) -> list[TelegramNotifier]:
        """The targets that a chat is at present."""
        return [chat for chat in self._chats if chat.chat_id == chat_id]

    def language(self, chat_id: int) -> str | None:
        """What a chat reads at present; None for the chat of a person who writes to the bot alone."""
        return next((chat.language for chat in self.at(chat_id)), None)


def build_services(
    config: Config,
    room: Room,
    notifiers: Mapping[str, Notifier],
    painter: Painter,
    keeper: Keeper,
    meta: Mapping[str, str],
    clock: Clock,
    watchers: Mapping[str, Watcher],
) -> list[Service]:
    """Build the services that the configuration asks for."""
    services: list[Service] = []
    chats = [notifier for notifier in notifiers.values() if isinstance(notifier, TelegramNotifier)]
    if config.telegram is not None and config.telegram.commands and chats:
        services.append(_ears(config, config.telegram, chats, room, painter, keeper, meta, clock))
    if config.call is not None:
        services.append(OnCall(config.call, watchers[config.call.pbx], room, keeper, meta))
    if config.lamps:
        services.append(Lamps(config.lamps, watchers))
    return services


def _ears(
    config: Config,
    telegram: TelegramConfig,
    chats: list[TelegramNotifier],
    room: Room,
    painter: Painter,
    keeper: Keeper,
    meta: Mapping[str, str],
    clock: Clock,
) -> Service:
    """What listens to the bot's chats and answers them."""

    listed = ListedChats(config, chats)

    async def choose_language(chat_id: int, language: str) -> None:
        await keeper.keep_change(StateChange(meta={f"{LANGUAGE_KEY}{chat_id}": language}))
        for chat in listed.at(chat_id):
            chat.speak(language)

    async def follow(move: Move) -> None:
        for chat in listed.at(move.chat_id):
            await keeper.keep_change(StateChange(meta=chat.moved(move.new_chat_id)))
            log.warning(
                "telegram.moved chat=%d to=%d put_the_new_id_into_the_configuration=yes", move.chat_id, move.new_chat_id
            )

    async def remember_offset(offset: int) -> None:
        await keeper.keep_change(StateChange(meta={OFFSET_KEY: str(offset)}))

    assistant = Assistant(
        room,
        Access(telegram.users, listed),
        language_of=listed.language,
        default_language=config.language,
        zone=config.timezone,
        morning=config.morning,
        paint=painter.paint if painter.available else None,
        remember=choose_language,
        warn=log.warning,
        mark=meta.get(MARK_KEY, ""),
    )
    # Imported late: it costs 240 ms and 25 MiB, which only who has chats pays.
    service: Service = import_module("qualitywatch.notify.poller").Poller(
        chats[0].api,
        assistant.command,
        assistant.press,
        bot_commands={language: menu(language) for language in LANGUAGES},
        clock=clock,
        offset=int(meta[OFFSET_KEY]) if meta.get(OFFSET_KEY, "").isdecimal() else None,
        remember=remember_offset,
        on_move=follow,
    )
    return service
