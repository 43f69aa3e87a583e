"""Carries an answer back to the chat and topic it belongs to, below what it answers."""

from __future__ import annotations

import asyncio
import logging
from html import escape
from typing import TYPE_CHECKING, Final

from qualitywatch.errors import NotifyError
from qualitywatch.notify.inbound import Answer, Command, Press
from qualitywatch.notify.legible import utf16_units

if TYPE_CHECKING:
    from qualitywatch.notify.botapi import BotApi

_CAPTION_UNITS: Final = 1024
_ATTEMPTS: Final = 3
_PATIENCE_S: Final = 10.0

_log = logging.getLogger(__name__)


async def say(api: BotApi, asked: Command | Press, message_id: int, answer: Answer) -> None:
    """Send an answer, again when trying helps; raises NotifyError.  An empty one is not sent."""
    chat_id = asked.chat_id
    for attempt in range(1, _ATTEMPTS + 1):
        try:
            await _send(api, chat_id, asked.thread_id, message_id, answer)
        except NotifyError as error:
            pause_s = error.retry_after_s if error.retry_after_s is not None else 1.0
            if error.permanent or pause_s > _PATIENCE_S or attempt == _ATTEMPTS:
                raise
            if error.new_chat_id is not None:
                chat_id, pause_s = error.new_chat_id, 0.0
        else:
            return
        await asyncio.sleep(pause_s)


async def _send(api: BotApi, chat_id: int, thread_id: int | None, message_id: int, answer: Answer) -> None:
    html = answer.html or escape(answer.plain, quote=False)
    if answer.picture is not None:
        caption = answer.plain if utf16_units(answer.plain) <= _CAPTION_UNITS else ""
        try:
            await api.send_photo(
                chat_id, answer.picture, caption, reply_to=message_id, thread_id=thread_id, silent=False, urgent=True
            )
        except NotifyError as error:
            if not error.permanent or not html:
                raise
            _log.warning("%s; the answer went without its picture", error)
        else:
            html = "" if caption else html
    if html:
        await api.send(chat_id, html, answer.plain, thread_id=thread_id, reply_to=message_id, urgent=True)
    if answer.attachment is not None:
        await api.send_document(chat_id, answer.attachment, reply_to=message_id, thread_id=thread_id, urgent=True)
