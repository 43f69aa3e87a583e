"""What comes back from a chat: commands and presses, and what they are answered with."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeAlias

from qualitywatch.model import Attachment


@dataclass(frozen=True, slots=True)
class Command:
    """A message that begins with a slash; ``text`` is all of it, without ``@name_of_the_bot``."""

    chat_id: int
    user_id: int
    user_name: str
    text: str
    thread_id: int | None = None


@dataclass(frozen=True, slots=True)
class Press:
    """A button was pressed; ``data`` is what the button held."""

    chat_id: int
    user_id: int
    user_name: str
    data: str
    message_id: int
    thread_id: int | None = None


@dataclass(frozen=True, slots=True)
class Move:
    """A group became a supergroup, which has another id."""

    chat_id: int
    new_chat_id: int


@dataclass(frozen=True, slots=True)
class Answer:
    """What to say in return: a message in the chat, below what it answers.

    ``picture`` is a PNG with ``plain`` as its caption where that fits.  Empty texts and no picture: say nothing.
    """

    html: str = ""
    plain: str = ""
    picture: bytes | None = None
    attachment: Attachment | None = None


@dataclass(frozen=True, slots=True)
class PressAnswer:
    """What a thumb is told at once (at most 200 UTF-16 units, plain), and what else the chat gets, if anything."""

    text: str
    is_refusal: bool = False
    answer: Answer | None = None


OnCommand: TypeAlias = Callable[[Command], Awaitable[Answer]]
OnMove: TypeAlias = Callable[[Move], Awaitable[None]]
OnPress: TypeAlias = Callable[[Press], Awaitable[PressAnswer]]
