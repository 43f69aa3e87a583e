"""Whether the bot may write to a chat, and send what is configured.

Standard: https://core.telegram.org/bots/api#chatmember and #chatpermissions.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from qualitywatch.doctor.facts import ChatFacts
from qualitywatch.doctor.finding import Finding, Level, error, from_text, ok, warning
from qualitywatch.notify.legible import legible

_GONE: Final = frozenset({"left", "kicked"})
_ADMIN: Final = "make the bot an administrator of it, or allow its members to"


def judge(chat: ChatFacts, now: float) -> Iterator[Finding]:
    """Say how the bot stands in the chat."""
    del now
    if chat.trouble is not None:
        who = "the person has to write to the bot first" if chat.chat_id > 0 else "add the bot to the group, and check chat_id"
        yield from_text(Level.ERROR, chat.trouble, who)
        return
    title = f"{chat.kind} {legible(chat.title)}".strip()
    if chat.role in _GONE:
        yield error(f"the bot is not in the {title}", "add it to the chat")
    elif not chat.may_write:
        yield error(f"the bot may not write in the {title}", f"{_ADMIN} send messages")
    elif chat.topic is not None and not chat.has_topics:
        yield error(f"the {title} has no topics, but topic {chat.topic} is configured", "remove topic, or switch topics on")
    elif chat.topic_trouble is not None:
        yield warning(f"{chat.topic_trouble}: messages go to the chat itself", "correct topic, or open the topic again")
    else:
        yield ok(f"the bot may write in the {title}" + (f", topic {chat.topic}" if chat.topic is not None else ""))
        if chat.pictures and not chat.may_send_files:
            yield warning(f"the bot may not send pictures and files in the {title}", f"{_ADMIN} send media; or pictures: false")
