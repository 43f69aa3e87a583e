"""What went wrong at the Telegram Bot API, in words for an administrator: the library's errors become ``NotifyError``.

The bot token is part of every URL, so every text of an error is searched for it.
"""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import Final
from urllib.parse import quote

from telegram.error import BadRequest, ChatMigrated, Conflict, Forbidden, InvalidToken, RetryAfter, TelegramError, TimedOut

from qualitywatch.errors import MessageGoneError, NotifyError
from qualitywatch.notify.boterrors import (
    ConflictError,
    KeyboardRefusedError,
    MarkupRefusedError,
    NotUnderstoodError,
    PressTooOldError,
    ThreadGoneError,
    TokenRefusedError,
    UnchangedError,
    WebhookSetError,
)
from qualitywatch.notify.legible import clip, legible
from qualitywatch.secrets import Secret

TOKEN_RETRY_S: Final = 300.0
_REASON_UNITS: Final = 200
_PAGE_FOLLOWS: Final = ". Parsing the server response"
_THREAD_IS_GONE: Final = ("message thread not found", "topic_deleted", "topic_closed")
_MESSAGE_IS_GONE: Final = ("message to edit not found", "message can't be edited", "message_id_invalid")
_KEYBOARD_IS_BAD: Final = ("button_", "inline keyboard", "reply markup")

_log = logging.getLogger(__name__)


class Translator:
    """Translates for one bot; remembers whether its token was refused, to say so loudly once."""

    def __init__(self, token: Secret, token_from: str) -> None:
        self._token = token
        self._token_from = token_from
        self._token_refused = False

    def accepted(self) -> None:
        """Say that Telegram took the token."""
        self._token_refused = False

    def translated(self, error: Exception, chat: int | str | None) -> NotifyError:
        """Say it in our words; ``chat`` is where the message was to go, None when it was no message.

        The order matters: a BadRequest is a NetworkError to the library, though trying again cannot help.
        """
        if not isinstance(error, TelegramError):
            return NotUnderstoodError(_unreachable(f"the answer was not understood ({type(error).__name__})"), permanent=False)
        reason = self._legible(error)
        match error:
            case RetryAfter():
                pause_s = _seconds(error.retry_after)
                return NotifyError(f"Telegram asks for a pause of {pause_s:.0f} s", permanent=False, retry_after_s=pause_s)
            case ChatMigrated():
                text = f"Telegram moved the chat {chat} to {error.new_chat_id}"
                return NotifyError(text, permanent=False, new_chat_id=error.new_chat_id)
            case Forbidden():
                text = f"Telegram does not let the bot write to the chat {chat} ({reason}): add it to the chat or unblock it"
                return NotifyError(text, permanent=True)
            case InvalidToken():
                return self._refused(reason)
            case BadRequest():
                return _bad_request(reason, chat)
            case Conflict() if "webhook" in reason.lower():
                return WebhookSetError(f"Telegram sends what this bot is told to a web hook ({reason})", permanent=False)
            case Conflict():
                return ConflictError(_unreachable(reason), permanent=False)
            case TimedOut() if chat is not None:
                reason = "no answer in time; the message may have arrived and may arrive again"
            case TimedOut():
                reason = "no answer in time"
            case _:
                pass
        return NotifyError(_unreachable(reason), permanent=False)

    def _refused(self, reason: str) -> TokenRefusedError:
        """A wrong token is no fault of the message: it waits until the token is right, and the log says so loudly, once."""
        text = f"Telegram refuses the bot token: put a valid token from @BotFather into {self._token_from} ({reason})"
        if not self._token_refused:
            self._token_refused = True
            _log.error("%s; messages are kept and tried again every %.0f s", text, TOKEN_RETRY_S)
        return TokenRefusedError(text, permanent=False, retry_after_s=TOKEN_RETRY_S)

    def _legible(self, error: Exception) -> str:
        text, token = str(error).partition(_PAGE_FOLLOWS)[0], self._token.reveal()
        for form in (token, quote(token, safe=""), token.partition(":")[2]):
            if form:
                text = text.replace(form, "***")
        return clip(legible(text), _REASON_UNITS) or type(error).__name__


def _bad_request(reason: str, chat: int | str | None) -> NotifyError:
    lower = reason.lower()
    if "can't parse entities" in lower:
        return MarkupRefusedError(f"Telegram cannot parse the message ({reason})", permanent=True)
    if any(words in lower for words in _THREAD_IS_GONE):
        return ThreadGoneError(f"Telegram finds no such open topic in the chat {chat} ({reason})", permanent=True)
    if "message is not modified" in lower:
        return UnchangedError(f"the message already looks so ({reason})", permanent=True)
    if any(words in lower for words in _MESSAGE_IS_GONE):
        return MessageGoneError(f"a message in the chat {chat} cannot be edited any more ({reason})", permanent=True)
    if any(words in lower for words in _KEYBOARD_IS_BAD):
        return KeyboardRefusedError(f"Telegram refuses the buttons of the message ({reason})", permanent=True)
    if "query is too old" in lower:
        return PressTooOldError(f"the press was too long ago to be answered ({reason})", permanent=True)
    if chat is None:
        return NotifyError(f"Telegram refuses the request ({reason})", permanent=True)
    text = f"Telegram refuses the message to the chat {chat} ({reason}): check the chat id and the bot's rights there"
    return NotifyError(text, permanent=True)


def _unreachable(reason: str) -> str:
    return f"Telegram could not be asked ({reason}): check the network, the proxy and the address of the Bot API"


def _seconds(pause: float | timedelta) -> float:
    return pause.total_seconds() if isinstance(pause, timedelta) else float(pause)
