"""One bot at the Telegram Bot API: sends, edits, listens, and turns every way that can fail into a ``NotifyError``.

Strategy: bare python-telegram-bot ``Bot`` objects, one that writes and one that listens with a connection of its own; no
``initialize``, since that calls out and fails while Telegram is away.  Importing this module costs a quarter of a second and
25 MiB, so only a configured chat does.

The bot token is part of every URL.  So the loggers that print URLs are silenced, and errors are raised outside of the
``except`` block: the library's exception is not even their context.
"""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Final, TypeAlias, TypeVar

from telegram import (
    Bot,
    InlineKeyboardButton,
    InlineKeyboardMarkup,
    InputMediaDocument,
    LinkPreviewOptions,
    Message,
    ReplyParameters,
)
from telegram.constants import ChatAction, ChatType, MessageLimit, ParseMode
from telegram.error import RetryAfter, TelegramError
from telegram.request import HTTPXRequest

from qualitywatch.errors import NotifyError
from qualitywatch.model import Attachment, Button
from qualitywatch.notify.botanswers import WordForWord, taken_as
from qualitywatch.notify.botchats import Standing, standing
from qualitywatch.notify.boterrors import (
    KeyboardRefusedError,
    MarkupRefusedError,
    NotUnderstoodError,
    PressTooOldError,
    ThreadGoneError,
    UnchangedError,
)
from qualitywatch.notify.botreasons import Translator
from qualitywatch.notify.botupdates import Arrival, arrival
from qualitywatch.notify.legible import clip
from qualitywatch.notify.pacing import Pacer
from qualitywatch.secrets import Secret

CAPTION_UNITS: Final = int(MessageLimit.CAPTION_LENGTH)
PRESS_UNITS: Final = 200
_CONNECT_TIMEOUT_S: Final = 10.0
_PATIENCE_S: Final = 3.0
_DOCUMENT_PATIENCE_S: Final = 65.0  # the budget of a group is empty for a minute at most
_NO_PREVIEW: Final = LinkPreviewOptions(is_disabled=True)  # a User-Agent may hold a URL
_UPDATES: Final = ("message", "callback_query")

T = TypeVar("T")
Chat: TypeAlias = int | str  # a number or "@channel"
Buttons: TypeAlias = Sequence[Sequence[Button]]

_log = logging.getLogger(__name__)

# httpx logs every URL at INFO, telegram at DEBUG; telegram also logs whole pages of captive portals, which our errors sum up,
# and whole updates that it does not understand, at CRITICAL.
for _name, _level in (("httpx", logging.WARNING), ("httpcore", logging.WARNING), ("telegram", logging.CRITICAL + 1)):
    logging.getLogger(_name).setLevel(_level)
# Otherwise every 429 costs a deprecation warning: the library is about to change a type, and both are understood.
os.environ.setdefault("PTB_TIMEDELTA", "true")


@dataclass(frozen=True, slots=True)
class _Form:
    """How rich a message may be; what Telegram refuses is taken away."""

    thread_id: int | None
    as_html: bool = True
    with_buttons: bool = True

    def text(self, html: str, plain: str) -> tuple[str, str | None]:
        return (html, ParseMode.HTML) if self.as_html else (plain, None)

    def keyboard(self, buttons: Buttons) -> InlineKeyboardMarkup | None:
        if not buttons or not self.with_buttons:
            return None
        return InlineKeyboardMarkup([[InlineKeyboardButton(it.label, callback_data=it.data) for it in row] for row in buttons])


class BotApi:
    """The connections of one bot, shared by its chats and its poller.  Every call raises NotifyError."""

    def __init__(
        self,
        token: Secret,
        token_from: str,
        *,
        base_url: str,
        proxy: Secret | None,
        read_timeout_s: float,
        pacer: Pacer | None = None,
        users: int = 1,
    ) -> None:
        """Prepare connections without opening any; ``users`` says how many times ``close`` will be called."""
        self._token = token
        self._errors = Translator(token, token_from)
        self._root = base_url.rstrip("/").removesuffix("/bot")
        self._proxy = proxy
        self._read_timeout_s = read_timeout_s
        self._pacer = pacer if pacer is not None else Pacer()
        self._users = users
        self._missed_threads: set[tuple[Chat, int]] = set()
        self._writer, self._writer_request = self._connect()
        self._listener: tuple[Bot, HTTPXRequest] | None = None

    # --- to chats

    def pause_s(self, chat: Chat, *, is_news: bool = False) -> float:
        """How long Telegram's limits make the next message or edit in a chat wait."""
        return self._pacer.pause_s(chat, asyncio.get_running_loop().time(), is_news=is_news)

    async def send(
        self,
        chat: Chat,
        html: str,
        plain: str,
        *,
        thread_id: int | None = None,
        reply_to: int | None = None,
        buttons: Buttons = (),
        silent: bool = False,
        urgent: bool = False,
        is_news: bool = False,
    ) -> int:
        """Send one message, return its id when Telegram has it.

        What Telegram refuses for its form is sent again in a poorer one, without markup, buttons or topic: a plain alert in
        the wrong place is better than none.  ``urgent`` is for somebody who looks at the screen: it hardly waits for the
        budget of the chat.  ``is_news``: it need not wait for changes of other messages.
        """
        await self._turn(chat, urgent, is_news=is_news)

        async def attempt(form: _Form) -> Message:
            text, parse_mode = form.text(html, plain)
            return await self._writer.send_message(
                chat,
                text,
                parse_mode=parse_mode,
                message_thread_id=form.thread_id,
                link_preview_options=_NO_PREVIEW,
                reply_parameters=_reply(reply_to),
                reply_markup=form.keyboard(buttons),
                disable_notification=silent,
            )

        return await self._deliver(chat, _Form(thread_id), attempt)

    async def edit(self, chat: Chat, message_id: int, html: str, plain: str, *, buttons: Buttons = ()) -> None:
        """Change text and buttons of a message; one that already looks so is no error.  Raises MessageGoneError."""
        await self._turn(chat)

        async def attempt(form: _Form) -> Message | bool:
            text, parse_mode = form.text(html, plain)
            return await self._writer.edit_message_text(
                text,
                chat,
                message_id,
                parse_mode=parse_mode,
                link_preview_options=_NO_PREVIEW,
                reply_markup=form.keyboard(buttons),
            )

        try:
            await self._deliver(chat, _Form(None), attempt)
        except UnchangedError:
            return

    async def send_photo(
        self,
        chat: Chat,
        png: bytes,
        caption: str,
        *,
        reply_to: int | None = None,
        thread_id: int | None = None,
        silent: bool = True,
        urgent: bool = False,
    ) -> int:
        """Send a picture with a plain caption, cut to 1024 UTF-16 units; return the id of its message."""
        await self._turn(chat, urgent)

        async def attempt(form: _Form) -> Message:
            return await self._writer.send_photo(
                chat,
                png,
                caption=clip(caption, CAPTION_UNITS) or None,
                message_thread_id=form.thread_id,
                reply_parameters=_reply(reply_to),
                disable_notification=silent,
                filename="chart.png",
            )

        return await self._deliver(chat, _Form(thread_id), attempt)

    async def send_document(
        self,
        chat: Chat,
        attachment: Attachment,
        *,
        reply_to: int | None = None,
        thread_id: int | None = None,
        urgent: bool = False,
    ) -> int:
        """Send a file without a sound; return the id of its message.  Waits a minute for the budget of the chat."""
        await self._turn(chat, urgent, _DOCUMENT_PATIENCE_S)

        async def attempt(form: _Form) -> Message:
            return await self._writer.send_document(
                chat,
                attachment.content,
                message_thread_id=form.thread_id,
                reply_parameters=_reply(reply_to),
                disable_notification=True,
                filename=attachment.name,
            )

        return await self._deliver(chat, _Form(thread_id), attempt)

    async def replace_document(self, chat: Chat, message_id: int, attachment: Attachment) -> None:
        """Put another file in the place of one that was sent.  Raises MessageGoneError."""
        await self._turn(chat)

        async def attempt(form: _Form) -> Message | bool:
            del form
            media = InputMediaDocument(attachment.content, filename=attachment.name)
            return await self._writer.edit_message_media(media, chat, message_id)

        try:
            await self._deliver(chat, _Form(None), attempt)
        except UnchangedError:
            return

    async def answer_press(self, press_id: str, text: str, *, is_alert: bool = False) -> bool:
        """Tell the thumb, in at most 200 UTF-16 units; return False for a press that nobody waits for any more."""
        answer = self._writer.answer_callback_query(press_id, clip(text, PRESS_UNITS) or None, show_alert=is_alert)
        try:
            await self._ask(answer)
        except PressTooOldError as error:
            _log.debug("%s", error)
            return False
        return True

    # --- the bot itself

    async def name(self) -> str:
        """The bot's name, without the "@"."""
        return (await self._ask(self._writer.get_me())).username or ""

    async def standing(self, chat: Chat) -> Standing:
        """How the bot stands in a chat; nobody there notices."""
        seen = await self._ask(self._writer.get_chat(chat), chat)
        if seen.type == ChatType.PRIVATE:
            return standing(seen, None)
        me = int(self._token.reveal().partition(":")[0])
        try:
            return standing(seen, await self._ask(self._writer.get_chat_member(chat, me), chat))
        except NotUnderstoodError:  # of a Bot API server older or newer than the library: what is not told is not refused
            return standing(seen, None)

    async def show_typing(self, chat: Chat, thread_id: int | None) -> None:
        """Show "typing" for some seconds: the one way to learn, without a message, whether one would arrive."""
        await self._ask(self._writer.send_chat_action(chat, ChatAction.TYPING, message_thread_id=thread_id), chat)

    async def has_webhook(self) -> bool:
        """Whether updates go to a web hook."""
        return bool((await self._ask(self._writer.get_webhook_info())).url)

    async def remove_webhook(self) -> bool:
        """Have updates wait for ``get_updates``; return whether they went to a web hook before."""
        was_set = await self.has_webhook()
        if was_set:
            await self._ask(self._writer.delete_webhook())
        return was_set

    async def set_commands(self, commands: Sequence[tuple[str, str]], language: str | None) -> None:
        """Set the menu of commands (name, description) for readers of a language, None for all others."""
        await self._ask(self._writer.set_my_commands(list(commands), language_code=language))

    # --- from chats

    async def get_updates(self, offset: int | None, timeout_s: float) -> tuple[Arrival, ...]:
        """Wait until somebody says something; everything before ``offset`` is confirmed and never comes again."""
        if self._listener is None:
            self._listener = self._connect()
        bot, _ = self._listener
        got = await self._ask(bot.get_updates(offset, timeout=timedelta(seconds=timeout_s), allowed_updates=_UPDATES))
        return tuple(map(arrival, got))

    async def drop_updates(self) -> None:
        """Forget everything that was said and not confirmed."""
        await self._ask(self._writer.delete_webhook(drop_pending_updates=True))

    async def hang_up(self) -> None:
        """Close the listening connection; the next ``get_updates`` makes a new one."""
        listener, self._listener = self._listener, None
        if listener is not None:
            await listener[1].shutdown()

    async def close(self) -> None:
        """Close the connections when the last user has called this."""
        self._users -= 1
        if self._users <= 0:
            await self.hang_up()
            await self._writer_request.shutdown()

    # ---

    def _connect(self) -> tuple[Bot, HTTPXRequest]:
        request = WordForWord(
            read_timeout=self._read_timeout_s,
            write_timeout=self._read_timeout_s,
            connect_timeout=_CONNECT_TIMEOUT_S,
            media_write_timeout=self._read_timeout_s,
            proxy=self._proxy.reveal() if self._proxy is not None else None,
        )
        bot = Bot(
            self._token.reveal(),
            base_url=self._root + "/bot",
            base_file_url=self._root + "/file/bot",
            request=request,
            get_updates_request=request,
        )
        return bot, request

    async def _turn(self, chat: Chat, urgent: bool = False, patience_s: float = _PATIENCE_S, *, is_news: bool = False) -> None:
        loop = asyncio.get_running_loop()
        if urgent and not self._pacer.may_answer(chat, loop.time()):
            raise NotifyError(f"more is asked in the chat {chat} than alerts leave room to answer", permanent=False)
        until = loop.time() + (_PATIENCE_S if urgent else patience_s)
        while (pause_s := self._pacer.pause_s(chat, loop.time(), is_news=is_news)) > 0:
            if (left_s := until - loop.time()) < pause_s:
                if not urgent:
                    text = f"Telegram's limits make the chat {chat} wait {pause_s:.0f} s"
                    raise NotifyError(text, permanent=False, retry_after_s=pause_s)
                await asyncio.sleep(left_s)
                break
            await asyncio.sleep(pause_s)
        self._pacer.spend(chat, loop.time(), is_answer=urgent, is_news=is_news)

    async def _deliver(self, chat: Chat, form: _Form, attempt: Callable[[_Form], Awaitable[Message | bool]]) -> int:
        """Try poorer and poorer forms until Telegram takes one; return the id of the message."""
        while True:
            try:
                message = await self._ask(attempt(form), chat)
                return message.message_id if isinstance(message, Message) else 0
            except NotUnderstoodError as error:
                if (message_id := taken_as()) is None:
                    raise
                _log.debug("%s; but the message was taken", error)
                return message_id
            except MarkupRefusedError as error:
                if not form.as_html:
                    raise
                _log.warning("%s; sent as plain text", error)
                form = replace(form, as_html=False)
            except KeyboardRefusedError as error:
                if not form.with_buttons:
                    raise
                _log.warning("%s; sent without them", error)
                form = replace(form, with_buttons=False)
            except ThreadGoneError as error:
                if form.thread_id is None:
                    raise
                self._miss_thread(chat, form.thread_id, error)
                form = replace(form, thread_id=None)

    def _miss_thread(self, chat: Chat, thread_id: int, error: NotifyError) -> None:
        if (chat, thread_id) not in self._missed_threads:
            self._missed_threads.add((chat, thread_id))
            _log.warning("%s; messages for topic %d go to the chat itself", error, thread_id)

    async def _ask(self, request: Awaitable[T], chat: Chat | None = None) -> T:
        answer = await self._answer(request, chat)
        if isinstance(answer, NotifyError):
            raise answer
        return answer

    async def _answer(self, request: Awaitable[T], chat: Chat | None) -> T | NotifyError:
        try:
            answer = await request
        except (TelegramError, KeyError, TypeError, ValueError, AttributeError) as error:
            failure = self._errors.translated(error, chat)
            if isinstance(error, RetryAfter) and chat is not None and failure.retry_after_s is not None:
                self._pacer.hold(chat, asyncio.get_running_loop().time() + failure.retry_after_s)
            return failure
        self._errors.accepted()
        return answer


def _reply(message_id: int | None) -> ReplyParameters | None:
    return ReplyParameters(message_id, allow_sending_without_reply=True) if message_id is not None else None
