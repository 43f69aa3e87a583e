"""What Telegram answered, word for word, for when the library cannot read all of it.

The library reads every field of a message that was sent, and fails as a whole on one that it does not know.  That the message
was taken, and under which id, is told all the same: whoever sent it again would send it without end.
"""

from __future__ import annotations

import json
from contextvars import ContextVar
from typing import Any, Final

from telegram.request import HTTPXRequest

_ANSWER: Final[ContextVar[bytes]] = ContextVar("answer", default=b"")  # to the newest request of each task


class WordForWord(HTTPXRequest):
    """Requests whose answers are remembered as they came."""

    async def do_request(self, *args: Any, **kwargs: Any) -> tuple[int, bytes]:
        """Ask, and remember the answer for ``taken_as``."""
        _ANSWER.set(b"")
        status, answer = await super().do_request(*args, **kwargs)
        _ANSWER.set(answer)
        return status, answer


def taken_as() -> int | None:
    """Return the id of the message that Telegram took with this task's newest request; 0 without an id, None: not taken."""
    try:
        answer = json.loads(_ANSWER.get())
    except (ValueError, RecursionError):
        return None
    if not isinstance(answer, dict) or answer.get("ok") is not True:
        return None
    result = answer.get("result")
    message_id = result.get("message_id") if isinstance(result, dict) else 0
    return message_id if type(message_id) is int else None
