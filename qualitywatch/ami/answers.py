"""What comes of an action: one response, or a list gathered up to its completion event.

Strategy: an answer is a value whatever it says; errors such as a missing right are normal and the asker's to judge.

Standard: the shapes of ``main/manager.c`` and ``res_pjsip`` in Asterisk 11 to 23.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Final

from qualitywatch.ami.codec import Message

_EMPTY_LIST: Final = re.compile(r"no [\w ]+ found|could not get contacts", re.IGNORECASE)
"""How PJSIP list actions say that the list is empty: as an error."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of one action; an error is an answer too. ``response`` None means that none came in time."""

    action: str
    ok: bool
    message: str  # the Message header, or what went wrong; may be empty
    response: Message | None = None
    items: tuple[Message, ...] = ()  # of a list, completion event excluded
    counted: int | None = None  # how many items the completion event says there were; None without one


@dataclass(slots=True)
class PendingAnswer:
    """What one action got so far.  ``timeout_s`` counts from the last sign of an answer, so long lists may take longer."""

    action: str
    timeout_s: float
    deadline: float
    _response: Message | None = None  # set while list items are gathered
    _items: list[Message] = field(default_factory=list)

    def take(self, message: Message, now: float) -> Answer | None:
        """Add one message of this action; return the answer when that was the last one."""
        self.deadline = now + self.timeout_s
        list_mark = (message.get("EventList") or "").casefold()
        if message.kind == "event":
            # Some lists of Asterisk 11 end without EventList: the name has to do.
            if list_mark == "complete" or message.name.casefold().endswith("complete"):
                text, counted = message_text(self._response), _count(message.get("ListItems"))
                return Answer(self.action, True, text, self._response, tuple(self._items), counted)
            self._items.append(message)
            return None
        text = message_text(message)
        if not is_success(message):
            return Answer(self.action, _EMPTY_LIST.fullmatch(text) is not None, text, message)
        if list_mark == "start":
            self._response = message
            return None
        return Answer(self.action, True, text, message)

    def given_up(self) -> Answer:
        """Return the answer that says that none came in time, with the list items that did."""
        return Answer(self.action, False, f"no answer within {self.timeout_s:g} s", None, tuple(self._items))


def is_success(message: Message) -> bool:
    """Say whether a response is not an error: ``Follows`` begins an old Command answer, ``Goodbye`` answers Logoff."""
    return message.kind == "response" and message.name.casefold() != "error"


def _count(text: str | None) -> int | None:
    text = (text or "").strip()
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 10 else None


def message_text(message: Message | None) -> str:
    """Return the ``Message`` header, or an empty text."""
    return "" if message is None else (message.get("Message") or "")
