"""The error tree: one type per border, each message fit to be read by an administrator.

Errors of libraries are translated where they enter (``raise ... from exc``); secrets never become part of a message.
"""

from __future__ import annotations


class QualitywatchError(Exception):
    """Base of everything this program raises on purpose."""


class ConfigError(QualitywatchError):
    """The configuration or a rule file is wrong; carries every problem found, one line each."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


class AmiProtocolError(QualitywatchError):
    """The peer speaks something that is not AMI, or broke its framing."""


class AmiAuthError(QualitywatchError):
    """Asterisk refused the login; wrong name, wrong secret and ACL denial look alike on the wire."""


class AmiConnectError(QualitywatchError):
    """The manager port could not be reached, or TLS could not be agreed."""


class StoreError(QualitywatchError):
    """The store could not be opened, read or written."""


class NotifyError(QualitywatchError):
    """A message was not delivered.

    ``permanent``: trying again cannot help.  ``retry_after_s``: the server asked for this pause.
    ``new_chat_id``: the chat moved; use this id from now on and send again.
    """

    def __init__(
        self, message: str, *, permanent: bool, retry_after_s: float | None = None, new_chat_id: int | None = None
    ) -> None:
        super().__init__(message)
        self.permanent = permanent
        self.retry_after_s = retry_after_s
        self.new_chat_id = new_chat_id


class MessageGoneError(NotifyError):
    """The message that was to be edited is deleted, or too old to be edited: only a new one can take its place."""
