"""What the chat shows, as its readers see it: headlines with the instant they came."""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass

from tests.fakes.fake_telegram import FakeTelegram


@dataclass(frozen=True, slots=True)
class Line:
    """The first line of one message; ``at`` is the event loop's time."""

    at: float
    text: str


class Chat:
    """One chat of the fake Bot API."""

    def __init__(self, server: FakeTelegram, chat_id: int = 1) -> None:
        self._server, self._chat_id = server, chat_id

    def lines(self) -> list[Line]:
        """All headlines so far, oldest first."""
        return [Line(sent.at, sent.text.splitlines()[0]) for sent in self._server.sent if sent.chat_id == self._chat_id]

    async def wait(self, pattern: str, since: float, timeout_s: float) -> Line | None:
        """Return the first headline since an instant that matches, or None when none came in time."""
        deadline = asyncio.get_running_loop().time() + timeout_s
        while True:
            seen = len(self._server.sent)
            for line in self.lines():
                if line.at >= since and re.search(pattern, line.text):
                    return line
            left_s = deadline - asyncio.get_running_loop().time()
            if left_s <= 0:
                return None
            try:
                await self._server.wait_sent(seen + 1, timeout_s=left_s)
            except TimeoutError:
                continue
