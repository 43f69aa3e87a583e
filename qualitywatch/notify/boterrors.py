"""Troubles with the Telegram Bot API that somebody reacts to in a way of their own; all others are plain ``NotifyError``."""

from __future__ import annotations

from qualitywatch.errors import NotifyError


class MarkupRefusedError(NotifyError):
    """Telegram could not parse the HTML; the same text without markup can be sent."""


class KeyboardRefusedError(NotifyError):
    """Telegram did not like the buttons; the same text without them can be sent."""


class ThreadGoneError(NotifyError):
    """The topic of the chat does not exist or is closed; the same text can be sent to the chat itself."""


class UnchangedError(NotifyError):
    """The message already looks as it was to look."""


class PressTooOldError(NotifyError):
    """Nobody waits for the answer to this press any more."""


class TokenRefusedError(NotifyError):
    """The bot token is wrong; nothing works until it is right."""


class ConflictError(NotifyError):
    """Somebody else takes the updates of this bot."""


class WebhookSetError(ConflictError):
    """The updates of this bot go to a web hook."""


class NotUnderstoodError(NotifyError):
    """An "ok" that is no answer: something between us and Telegram answers in its place."""
