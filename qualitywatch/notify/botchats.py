"""How a bot stands in a chat, read from what Telegram says of the chat and of its member.

Standard: https://core.telegram.org/bots/api#chatfullinfo, #chatmember and #chatpermissions.
"""

from __future__ import annotations

from dataclasses import dataclass

from telegram import ChatFullInfo, ChatMember, ChatMemberAdministrator, ChatMemberRestricted
from telegram.constants import ChatMemberStatus, ChatType


@dataclass(frozen=True, slots=True)
class Standing:
    """``role`` is the bot's status there, None in a private chat, which has no members."""

    title: str
    kind: str  # private, group, supergroup or channel
    has_topics: bool
    role: str | None
    may_write: bool
    may_send_files: bool


def standing(chat: ChatFullInfo, member: ChatMember | None) -> Standing:
    """Put both together; a right that is not told is not refused."""
    title = chat.title or chat.full_name or ""
    write = files = True
    role = None
    if member is not None:
        role = str(member.status)
        if isinstance(member, ChatMemberRestricted):
            write, files = bool(member.can_send_messages), bool(member.can_send_photos and member.can_send_documents)
        elif isinstance(member, ChatMemberAdministrator):
            write = chat.type != ChatType.CHANNEL or bool(member.can_post_messages)
        elif role == ChatMemberStatus.MEMBER:
            write, files = _everybody(chat)
        elif role in {ChatMemberStatus.LEFT, ChatMemberStatus.BANNED}:
            write = files = False
    return Standing(title, str(chat.type), bool(chat.is_forum), role, write, write and files)


def _everybody(chat: ChatFullInfo) -> tuple[bool, bool]:
    """What members without a rank may do."""
    if chat.type == ChatType.CHANNEL:
        return False, False
    rights = chat.permissions
    if rights is None:
        return True, True
    files = rights.can_send_photos is not False and rights.can_send_documents is not False
    return rights.can_send_messages is not False, files
