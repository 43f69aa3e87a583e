"""A recorded session made playable: what opens it, what happens after the login, and when.

Strategy: the banner, the recorder's own login and FullyBooted belong to the opening, which a server has to speak anew for every
client; everything else is played.  A tail that was cut off in the middle of a message is left out.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final

from qualitywatch.ami.codec import Message
from qualitywatch.ami.recording import TimedMessage, read_recording
from qualitywatch.errors import AmiProtocolError

_DEFAULT_BANNER: Final = b"Asterisk Call Manager/9.0.0\r\n"
_DEFAULT_BOOTED: Final = (
    b"Event: FullyBooted\r\nPrivilege: system,all\r\nUptime: 1000\r\nLastReload: 1000\r\nStatus: Fully Booted\r\n\r\n"
)
_MESSAGES_PER_TURN: Final = 64  # at full speed the event loop breathes that often


@dataclass(frozen=True, slots=True)
class Script:
    """``messages`` are those after the opening, in order, with the recording's own times."""

    banner: bytes
    fully_booted: bytes
    messages: tuple[TimedMessage, ...]

    @property
    def length_s(self) -> float:
        """Seconds from the first message to the last, on the recording's clock."""
        return self.messages[-1].at - self.messages[0].at


def read_script(recording: bytes) -> Script:
    """Take a recording apart; raises AmiProtocolError when there is nothing to play in it."""
    banner = booted = b""
    logged_in = False
    messages: list[TimedMessage] = []
    try:
        for timed in read_recording(recording):
            message = timed.message
            if message.kind == "banner":
                banner = message.raw
            elif not logged_in and _is_login_answer(message):
                logged_in = message.get("Challenge") is None
            elif not booted and message.kind == "event" and message.name == "FullyBooted":
                booted = message.raw
            else:
                messages.append(timed)
    except AmiProtocolError:
        if not messages:
            raise
    if not messages:
        raise AmiProtocolError("the recording holds no message that could be played")
    return Script(banner or _DEFAULT_BANNER, booted or _DEFAULT_BOOTED, tuple(messages))


class Timeline:
    """One passage through the messages of a script; goes on where it stood when playing was cut short.

    ``speed`` divides the recorded pauses; 0 leaves them out.
    """

    def __init__(self, script: Script, speed: float) -> None:
        self._messages = script.messages
        self._speed = speed
        self._next = 0  # index of the message to write next
        self._reached_at = script.messages[0].at  # on the recording's clock

    @property
    def reached_at(self) -> float:
        """How far it has come, on the recording's clock."""
        return self._reached_at

    async def play(self, write: Callable[[bytes], Awaitable[None]]) -> None:
        """Hand what is left to ``write``, one message at a time; whatever ``write`` raises ends the playing."""
        loop = asyncio.get_running_loop()
        begun, from_at = loop.time(), self._reached_at
        try:
            while self._next < len(self._messages):
                timed = self._messages[self._next]
                if self._speed:
                    pause_s = begun + (timed.at - from_at) / self._speed - loop.time()
                    if pause_s > 0:
                        await asyncio.sleep(pause_s)
                elif self._next % _MESSAGES_PER_TURN == 0:
                    await asyncio.sleep(0)
                self._next += 1  # once handed over it is the client's, even if it never arrives: a PBX does not repeat itself
                self._reached_at = timed.at
                await write(timed.message.raw)
        finally:
            if self._speed and self._next < len(self._messages):
                stopped_at = from_at + (loop.time() - begun) * self._speed
                self._reached_at = min(max(self._reached_at, stopped_at), self._messages[self._next].at)


def _is_login_answer(message: Message) -> bool:
    if message.kind != "response":
        return False
    return message.get("Challenge") is not None or message.get("Message") == "Authentication accepted"
