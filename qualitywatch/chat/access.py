"""Who may ask and who may act.

Anybody in a listed chat may ask; what changes something is for listed people only.  A private chat has the id of its user, so
that a listed person can write to the bot directly.
"""

from __future__ import annotations

from collections.abc import Container, Mapping
from dataclasses import dataclass

from qualitywatch.notify.legible import clip, legible

_NAME_UNITS = 64


@dataclass(frozen=True, slots=True)
class Access:
    """``users``: names by id; ``chats``: ids of listed chats, asked at every command, since a chat may move."""

    users: Mapping[int, str]
    chats: Container[int]

    def hears(self, chat_id: int) -> bool:
        """Whether commands of this chat are answered."""
        return chat_id in self.chats or chat_id in self.users

    def name(self, user_id: int) -> str:
        """The name a listed user acts under, with the id where two share a name; "" for anybody else."""
        if user_id not in self.users:
            return ""
        name = shown_name(self.users[user_id], user_id)
        namesakes = sum(shown_name(other, key).casefold() == name.casefold() for key, other in self.users.items())
        return name if namesakes == 1 else f"{name} ({user_id})"


def shown_name(name: str, user_id: int) -> str:
    """Return a name fit to be shown, or the id when nothing is left of it."""
    return clip(legible(name), _NAME_UNITS) or str(user_id)
