"""One bot at the Telegram Bot API: sends a text, and turns every way that can fail into a ``NotifyError``.

Strategy: a bare python-telegram-bot ``Bot`` that only sends and never polls; no ``initialize``, since that calls out and fails
while Telegram is away.  Importing this module costs a quarter of a second and 25 MiB, so only a configured chat does.

The bot token is part of every URL.  So the loggers that print URLs are silenced, every text of an error is searched for the
token, and errors are raised outside of the ``except`` block: the library's exception is not even their context.
"""

from __future__ import annotations

import asyncio
import logging
import os
from datetime import timedelta
from typing import Final
from urllib.parse import quote

from telegram import Bot, LinkPreviewOptions
from telegram.constants import ParseMode
from telegram.error import BadRequest, ChatMigrated, Forbidden, InvalidToken, RetryAfter, TelegramError, TimedOut
from telegram.request import HTTPXRequest

from qualitywatch.errors import NotifyError
from qualitywatch.notify.legible import clip, legible
from qualitywatch.secrets import Secret

TOKEN_RETRY_S: Final = 300.0
_CONNECT_TIMEOUT_S: Final = 10.0
_REASON_UNITS: Final = 200
_PAGE_FOLLOWS: Final = ". Parsing the server response"
_THREAD_IS_GONE: Final = ("message thread not found", "topic_deleted", "topic_closed")

_log = logging.getLogger(__name__)

# httpx logs every URL at INFO, telegram at DEBUG; telegram also logs whole pages of captive portals, which our errors sum up.
for _name, _level in (("httpx", logging.WARNING), ("httpcore", logging.WARNING), ("telegram", logging.CRITICAL)):
    logging.getLogger(_name).setLevel(_level)
# Otherwise every 429 costs a deprecation warning: the library is about to change a type, and both are understood below.
os.environ.setdefault("PTB_TIMEDELTA", "true")


class _MarkupRefusedError(NotifyError):
    """Telegram could not parse the HTML; the same text without markup can be sent."""


class _ThreadGoneError(NotifyError):
    """The topic of the chat does not exist or is closed; the same text can be sent to the chat itself."""


class BotApi:
    """The connections of one bot, shared by its chats."""

    def __init__(
        self,
        token: Secret,
        token_from: str,
        *,
        base_url: str,
        proxy: Secret | None,
        read_timeout_s: float,
        min_interval_s: float,
        users: int = 1,
    ) -> None:
        """Prepare connections without opening any; ``users`` says how many times ``close`` will be called."""
        self._token = token
        self._token_from = token_from
        self._min_interval_s = min_interval_s
        self._users = users
        self._next_at: dict[int | str, float] = {}
        self._token_refused = False
        self._missed_threads: set[tuple[int | str, int]] = set()
        self._request = HTTPXRequest(
            read_timeout=read_timeout_s,
            write_timeout=read_timeout_s,
            connect_timeout=_CONNECT_TIMEOUT_S,
            proxy=proxy.reveal() if proxy is not None else None,
        )
        root = base_url.rstrip("/").removesuffix("/bot")
        self._bot = Bot(
            token.reveal(),
            base_url=root + "/bot",
            base_file_url=root + "/file/bot",
            request=self._request,
            get_updates_request=self._request,
        )

    async def send(self, chat_id: int | str, html: str, plain: str, thread_id: int | None) -> None:
        """Send one message and return when Telegram has it; raises NotifyError.

        What Telegram refuses for its form is sent again in a poorer one, without markup or without the topic: a plain alert in
        the wrong place is better than none.  Messages to one chat start at least ``min_interval_s`` apart.
        """
        await self._turn(chat_id)
        as_html = True
        while True:
            failure = await self._try(chat_id, html if as_html else plain, as_html, thread_id)
            match failure:
                case None:
                    self._token_refused = False
                    return
                case _MarkupRefusedError() if as_html:
                    _log.warning("%s; sent as plain text", failure)
                    as_html = False
                case _ThreadGoneError() if thread_id is not None:
                    self._miss_thread(chat_id, thread_id, failure)
                    thread_id = None
                case _:
                    raise failure

    async def close(self) -> None:
        """Close the connections when the last user has called this."""
        self._users -= 1
        if self._users <= 0:
            await self._request.shutdown()

    def _miss_thread(self, chat_id: int | str, thread_id: int, failure: NotifyError) -> None:
        if (chat_id, thread_id) not in self._missed_threads:
            self._missed_threads.add((chat_id, thread_id))
            _log.warning("%s; messages for topic %d go to the chat itself", failure, thread_id)

    async def _turn(self, chat_id: int | str) -> None:
        now = asyncio.get_running_loop().time()
        at = max(now, self._next_at.get(chat_id, now))
        self._next_at[chat_id] = at + self._min_interval_s
        await asyncio.sleep(at - now)

    async def _try(self, chat_id: int | str, text: str, as_html: bool, thread_id: int | None) -> NotifyError | None:
        try:
            await self._bot.send_message(
                chat_id,
                text,
                parse_mode=ParseMode.HTML if as_html else None,
                message_thread_id=thread_id,
                link_preview_options=LinkPreviewOptions(is_disabled=True),  # a User-Agent may hold a URL
            )
        except TelegramError as error:
            return self._translated(error, chat_id)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            # An "ok" that is no message: something between us and Telegram answers in its place.
            return self._retry(f"the answer was not understood ({type(error).__name__})")
        return None

    def _translated(self, error: TelegramError, chat_id: int | str) -> NotifyError:
        """The order matters: a BadRequest is a NetworkError to the library, though trying again cannot help."""
        reason = self._legible(error)
        match error:
            case RetryAfter():
                pause_s = _seconds(error.retry_after)
                return NotifyError(f"Telegram asks for a pause of {pause_s:.0f} s", permanent=False, retry_after_s=pause_s)
            case ChatMigrated():
                text = f"Telegram moved the chat {chat_id} to {error.new_chat_id}"
                return NotifyError(text, permanent=False, new_chat_id=error.new_chat_id)
            case Forbidden():
                text = f"Telegram does not let the bot write to the chat {chat_id} ({reason}): add it to the chat or unblock it"
                return NotifyError(text, permanent=True)
            case InvalidToken():
                return self._refused(reason)
            case BadRequest():
                return self._bad_request(reason, chat_id)
            case TimedOut():
                return self._retry("no answer in time; the message may have arrived and may arrive again")
            case _:
                return self._retry(reason)

    def _bad_request(self, reason: str, chat_id: int | str) -> NotifyError:
        lower = reason.lower()
        if "can't parse entities" in lower:
            return _MarkupRefusedError(f"Telegram cannot parse the message ({reason})", permanent=True)
        if any(words in lower for words in _THREAD_IS_GONE):
            return _ThreadGoneError(f"Telegram finds no such open topic in the chat {chat_id} ({reason})", permanent=True)
        text = f"Telegram refuses the message to the chat {chat_id} ({reason}): check the chat id and the bot's rights there"
        return NotifyError(text, permanent=True)

    def _refused(self, reason: str) -> NotifyError:
        """A wrong token is no fault of the message: it waits until the token is right, and the log says so loudly, once."""
        text = f"Telegram refuses the bot token: put a valid token from @BotFather into {self._token_from} ({reason})"
        if not self._token_refused:
            self._token_refused = True
            _log.error("%s; messages are kept and tried again every %.0f s", text, TOKEN_RETRY_S)
        return NotifyError(text, permanent=False, retry_after_s=TOKEN_RETRY_S)

    def _retry(self, reason: str) -> NotifyError:
        text = f"Telegram could not be asked ({reason}): check the network, the proxy and the address of the Bot API"
        return NotifyError(text, permanent=False)

    def _legible(self, error: Exception) -> str:
        text, token = str(error).partition(_PAGE_FOLLOWS)[0], self._token.reveal()
        for form in (token, quote(token, safe=""), token.partition(":")[2]):
            if form:
                text = text.replace(form, "***")
        return clip(legible(text), _REASON_UNITS) or type(error).__name__


def _seconds(pause: float | timedelta) -> float:
    return pause.total_seconds() if isinstance(pause, timedelta) else float(pause)
