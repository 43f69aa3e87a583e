"""A Telegram chat as a target: its options, its language, and where it moved.

How Telegram is asked is ``notify.botapi``'s business, which is imported when the first chat is built.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import tzinfo
from html import escape
from importlib import import_module, util
from typing import TYPE_CHECKING, Final, Self
from urllib.parse import urlsplit

from qualitywatch import lean
from qualitywatch.errors import MessageGoneError, NotifyError
from qualitywatch.model import Attachment, Bulletin, Notification
from qualitywatch.notify import render
from qualitywatch.notify.buttons import marked
from qualitywatch.notify.dashboards import Dashboards
from qualitywatch.notify.options import check, language_problems
from qualitywatch.notify.pacing import Pacer
from qualitywatch.secrets import Secret

if TYPE_CHECKING:
    from qualitywatch.notify.botapi import BotApi

DEFAULT_BASE_URL: Final = "https://api.telegram.org"
_MOVE_KEY: Final = "telegram.chat."
_PROXY_SCHEMES: Final = ("http", "https", "socks5", "socks5h")
_FILE_REST_S: Final = 30.0
_FILES: Final = 100
_OVER: Final = ("🟢", "⚪")

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Options:
    """One chat of one bot.

    ``token_from`` names the place of the token, for the message that asks to mend it; ``base_url`` is the root of a Bot API
    server; ``min_interval_s`` is the least time between two messages to the chat, ``group_per_minute`` the most that a group
    gets in a minute; ``pictures`` says whether charts are welcome, ``buttons`` whether anybody may press, ``mark`` is
    what they bear of the state, if anything.
    """

    chat_id: int | str  # "@channel" or a number
    token: Secret
    token_from: str = "the configuration"  # noqa: S105 a place, not a password
    thread_id: int | None = None
    language: str = "en"
    base_url: str = DEFAULT_BASE_URL
    proxy: Secret | None = None
    read_timeout_s: float = 20.0
    min_interval_s: float = 1.0
    group_per_minute: int = 20
    pictures: bool = True
    buttons: bool = True
    mark: str = ""
    dashboards: Dashboards | None = None

    def problems(self) -> list[str]:
        """Return what cannot work, in words fit for an administrator; empty when all is well.  Nobody is asked."""
        found = []
        token = self.token.reveal()
        number, colon, rest = token.partition(":")
        if not (
            number.isdecimal() and colon and rest and token.isascii() and token.isprintable() and not set(token) & set(" /?#%")
        ):
            found.append(f"{self.token_from} holds no bot token; it looks like 123456:ABC-DEF, from @BotFather")
        found += language_problems(self.language)
        if not _is_url(self.base_url, ("http", "https")):
            found.append(f"base_url must be an address such as {DEFAULT_BASE_URL}")
        if self.proxy is not None:
            proxy = self.proxy.reveal()
            if not _is_url(proxy, _PROXY_SCHEMES):
                found.append(f"proxy must be an address such as socks5://host:1080; schemes are {', '.join(_PROXY_SCHEMES)}")
            elif proxy.startswith("socks5") and util.find_spec("socksio") is None:
                found.append("a SOCKS proxy needs one more package: pip install 'python-telegram-bot[socks]'")
        return found


@dataclass(frozen=True, slots=True)
class _File:
    """What hangs below a message; ``at`` is the event loop's time."""

    message_id: int
    content: bytes
    at: float


class TelegramNotifier:
    """Carries notifications to one chat."""

    options_type = Options
    can_edit = True

    def __init__(
        self, options: Options, api: BotApi, *, show_pbx: bool, zone: tzinfo, chat_id: int | str | None = None
    ) -> None:
        """Use ``chat_id`` in place of the configured one when the chat is known to have moved."""
        self._options = options
        self._api = api
        self._show_pbx = show_pbx
        self._zone = zone
        self._language = options.language
        self._files: dict[int, _File] = {}  # by the message they belong to; after a restart a file is sent anew
        self._chat_id = chat_id if chat_id is not None else options.chat_id
        self._later: dict[int, Notification] = {}  # by the message whose file is to follow, or to be another one
        self._bringing: asyncio.Task[None] | None = None

    @classmethod
    def from_options(
        cls, targets: Mapping[str, Options], *, show_pbx: bool, zone: tzinfo, remembered: Mapping[str, str]
    ) -> dict[str, Self]:
        """Build all chats at once, so that those of one bot share its connections; raises ConfigError.

        ``remembered`` is the store's meta: chats that moved while an earlier run looked on.
        """
        check(targets)
        if not targets:
            return {}
        lean.load("telegram")
        make_api: type[BotApi] = import_module("qualitywatch.notify.botapi").BotApi  # only now: it costs 240 ms and 25 MiB
        users = Counter(map(_bot_of, targets.values()))
        apis: dict[object, BotApi] = {}
        built = {}
        for name, options in targets.items():
            bot = _bot_of(options)
            if bot not in apis:
                apis[bot] = make_api(
                    options.token,
                    options.token_from,
                    base_url=options.base_url,
                    proxy=options.proxy,
                    read_timeout_s=options.read_timeout_s,
                    pacer=Pacer(chat_interval_s=options.min_interval_s, group_per_minute=options.group_per_minute),
                    users=users[bot],
                )
            chat_id = ids_of_chat(options.chat_id, remembered)[-1]
            built[name] = cls(options, apis[bot], show_pbx=show_pbx, zone=zone, chat_id=chat_id)
        return built

    @property
    def takes_pictures(self) -> bool:
        """Whether a chart may hang below a message."""
        return self._options.pictures

    @property
    def api(self) -> BotApi:
        """The bot that writes to the chat; chats of one bot share it."""
        return self._api

    @property
    def chat_id(self) -> int | str:
        """Where the chat is now."""
        return self._chat_id

    @property
    def place(self) -> str:
        """Every chat counts its messages by itself, a supergroup from 1 again."""
        return str(self._chat_id)

    @property
    def language(self) -> str:
        """What the chat reads now."""
        return self._language

    def speak(self, language: str) -> None:
        """Use another of the known languages from the next message on."""
        self._language = language

    def render(self, bulletin: Bulletin) -> Notification:
        """Say it in this chat's language."""
        message = render.notification(
            bulletin, self._language, show_pbx=self._show_pbx, zone=self._zone, dashboards=self._options.dashboards
        )
        if not self._options.buttons:
            return replace(message, buttons=())
        return replace(message, buttons=marked(message.buttons, self._options.mark)) if self._options.mark else message

    def pause_s(self, *, is_news: bool = False) -> float:
        """How long Telegram's limits make the next message or edit in this chat wait."""
        return self._api.pause_s(self._chat_id, is_news=is_news)

    async def send(self, notification: Notification, *, reply_to: int | None = None) -> int:
        """Send a new message; return its id when Telegram has it, its attachment follows below it.  Raises NotifyError."""
        message_id = await self._api.send(
            self._chat_id,
            notification.html,
            notification.plain,
            thread_id=self._options.thread_id,
            reply_to=reply_to,
            buttons=notification.buttons,
            is_news=True,
        )
        self._attach(message_id, notification)
        return message_id

    async def edit(self, message_id: int, notification: Notification) -> None:
        """Change text and buttons of a message, its attachment follows.  Raises NotifyError, MessageGoneError."""
        it = notification
        await self._api.edit(self._chat_id, message_id, it.html, it.plain, buttons=it.buttons)
        self._attach(message_id, notification)

    async def send_picture(self, picture: bytes | str, caption: str, *, reply_to: int) -> int:
        """Hang a picture, or lines in its place, below a message, without a sound; return its id.  Raises NotifyError."""
        if isinstance(picture, str):
            plain, thread_id = f"{caption}\n{picture}", self._options.thread_id
            html = escape(plain, quote=False)
            return await self._api.send(self._chat_id, html, plain, thread_id=thread_id, reply_to=reply_to, silent=True)
        return await self._api.send_photo(
            self._chat_id, picture, caption, reply_to=reply_to, thread_id=self._options.thread_id, silent=True
        )

    def moved(self, new_chat_id: int) -> Mapping[str, str]:
        """Write to the chat's new id from now on; returns what must be remembered across restarts."""
        old_chat_id, self._chat_id = self._chat_id, new_chat_id
        self._files.clear()
        self._later.clear()
        return {f"{_MOVE_KEY}{old_chat_id}": str(new_chat_id)}

    async def close(self) -> None:
        """Give back the connections."""
        if self._bringing is not None:
            self._bringing.cancel()
            await asyncio.wait({self._bringing})
        await self._api.close()

    def _attach(self, message_id: int, notification: Notification) -> None:
        """Bring the file below a message up to date, soon, beside whatever else there is to send.

        Whoever sent the message must store at once that it was told: a stop while its file is on the way would tell it twice.
        """
        if notification.attachment is None:
            return
        self._later[message_id] = notification
        if self._bringing is None or self._bringing.done():
            self._bringing = asyncio.create_task(self._bring_later())  # noqa: TID251 ``close`` ends it

    async def _bring_later(self) -> None:
        while self._later:
            await asyncio.sleep(self.pause_s())
            for message_id in list(self._later)[:1]:  # none is left when the chat has moved meanwhile
                await self._bring(message_id, self._later.pop(message_id))

    async def _bring(self, message_id: int, notification: Notification) -> None:
        """Send or change the file below a message.  A failure costs the file, never the message.

        Figures in a long list change with every edit; the file follows at leisure, and at once when the incident is over.
        """
        attachment, now, chat_id = notification.attachment, asyncio.get_running_loop().time(), self._chat_id
        if attachment is None:
            return
        known = self._files.get(message_id)
        is_over = notification.plain.startswith(_OVER)
        if known is not None and (known.content == attachment.content or (now - known.at < _FILE_REST_S and not is_over)):
            return
        try:
            file_id = await self._put(known, message_id, attachment)
        except NotifyError as error:
            _log.warning("%s; the message stays without the newest %s", error, attachment.name)
            return
        if self._chat_id != chat_id:
            return  # the chat moved meanwhile, and counts its messages anew
        self._files[message_id] = _File(file_id, attachment.content, now)
        while len(self._files) > _FILES:
            del self._files[next(iter(self._files))]

    async def _put(self, known: _File | None, message_id: int, attachment: Attachment) -> int:
        if known is not None:
            try:
                await self._api.replace_document(self._chat_id, known.message_id, attachment)
            except MessageGoneError:
                pass
            else:
                return known.message_id
        return await self._api.send_document(self._chat_id, attachment, reply_to=message_id, thread_id=self._options.thread_id)


def _bot_of(options: Options) -> tuple[object, ...]:
    """What must be equal for two chats to share connections."""
    return (
        options.token,
        options.base_url,
        options.proxy,
        options.read_timeout_s,
        options.min_interval_s,
        options.group_per_minute,
    )


def ids_of_chat(chat_id: int | str, remembered: Mapping[str, str]) -> list[int | str]:
    """Return all ids a chat has had, the present one last; a circle, which no server would make, is followed once."""
    ids = [chat_id]
    while (moved_to := remembered.get(f"{_MOVE_KEY}{ids[-1]}")) is not None and int(moved_to) not in ids:
        ids.append(int(moved_to))
    return ids


def _is_url(text: str, schemes: tuple[str, ...]) -> bool:
    try:
        parts = urlsplit(text)
        return parts.scheme in schemes and bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError:
        return False
