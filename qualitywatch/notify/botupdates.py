"""What Telegram's updates say, in our words (``notify.inbound``); who may say it is not judged here."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from telegram import CallbackQuery, Message, Update

from qualitywatch.notify.inbound import Command, Move, Press
from qualitywatch.notify.legible import clip, legible

_ADDRESSED: Final = re.compile(r"(/\w+)@(\w+)(.*)", re.DOTALL)
_NAME_UNITS: Final = 64


@dataclass(frozen=True, slots=True)
class Arrival:
    """One update.  ``what`` is None for anything that is neither a command, nor a press of ours, nor a move.

    ``message_id`` is of the command or of the message whose button was pressed; ``sent_at`` is None for a press: Telegram
    does not tell when it was.
    """

    id: int
    what: Command | Press | Move | None = None
    message_id: int = 0
    press_id: str = ""
    addressed_to: str = ""  # "status_bot" of "/status@status_bot"
    sent_at: float | None = None  # Unix seconds


def arrival(update: Update) -> Arrival:
    """Read one update."""
    if update.callback_query is not None:
        return _press(update.update_id, update.callback_query)
    if update.message is not None:
        return _command(update.update_id, update.message)
    return Arrival(update.update_id)


def _command(update_id: int, message: Message) -> Arrival:
    if message.migrate_to_chat_id is not None:
        return Arrival(update_id, Move(message.chat.id, message.migrate_to_chat_id))
    text = message.text or ""
    if not text.startswith("/") or message.forward_origin is not None:
        return Arrival(update_id)
    # Who writes in the name of a group or channel is known by that alone: the account shown beside it is Telegram's own.
    if message.sender_chat is not None:
        user_id, name = message.sender_chat.id, message.sender_chat.effective_name or ""
    elif message.from_user is not None:
        user_id, name = message.from_user.id, message.from_user.full_name
    else:
        return Arrival(update_id)
    addressed = _ADDRESSED.fullmatch(text)
    if addressed is not None:
        text = addressed[1] + addressed[3]
    command = Command(message.chat.id, user_id, _shown(name), text, _topic(message))
    return Arrival(
        update_id,
        command,
        message_id=message.message_id,
        addressed_to=addressed[2] if addressed is not None else "",
        sent_at=message.date.timestamp(),
    )


def _press(update_id: int, query: CallbackQuery) -> Arrival:
    message = query.message  # without a text when it is old, absent when it was not ours
    if message is None or query.data is None:
        return Arrival(update_id, press_id=query.id)
    thread_id = _topic(message) if isinstance(message, Message) else None
    user = query.from_user
    press = Press(message.chat.id, user.id, _shown(user.full_name), query.data, message.message_id, thread_id)
    return Arrival(update_id, press, message_id=message.message_id, press_id=query.id)


def _topic(message: Message) -> int | None:
    """The forum topic; a mere thread of replies has an id too, which cannot be written to."""
    return message.message_thread_id if message.is_topic_message else None


def _shown(name: str) -> str:
    return clip(legible(name), _NAME_UNITS) or "?"
