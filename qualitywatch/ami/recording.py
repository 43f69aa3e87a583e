"""A recorded manager session as messages on the recording's own clock.

Strategy: the decoder of the live connection, plus one rule of time.  Answers and list items carry no ``Timestamp``; they happen
when the message before them did, and what precedes the first stamp happens at that stamp.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from qualitywatch.ami.codec import Decoder, Message
from qualitywatch.ami.fields import timestamp
from qualitywatch.errors import AmiProtocolError

_CHUNK_BYTES: Final = 1 << 20


@dataclass(init=False, slots=True, unsafe_hash=True)
class TimedMessage:
    """A message and when it happened: Unix seconds that never decrease within one recording."""

    at: Final[float]
    message: Final[Message]

    def __init__(self, at: float, message: Message) -> None:
        self.at = at
        self.message = message


def read_recording(data: bytes) -> Iterator[TimedMessage]:
    """Yield the messages of a recording in their order; ``at`` is 0.0 throughout when no message has a ``Timestamp``.

    Threads of Asterisk stamp events a moment before they are written, so stamps may step back a little; ``at`` does not, the
    message keeps its own stamp.  Raises AmiProtocolError after the last good message when the recording is cut off in the
    middle of a message, or is none.
    """
    messages = _messages(data)
    early: list[Message] = []
    at = 0.0
    error: AmiProtocolError | None = None
    try:
        for message in messages:
            early.append(message)
            at = timestamp(message) or 0.0
            if at:
                break
    except AmiProtocolError as caught:
        error = caught
    for message in early:
        yield TimedMessage(at, message)
    if error is not None:
        raise error
    for message in messages:
        at = max(at, timestamp(message) or at)
        yield TimedMessage(at, message)


def _messages(data: bytes) -> Iterator[Message]:
    decoder = Decoder()
    recognised = False
    try:
        for start in range(0, len(data), _CHUNK_BYTES):
            for message in decoder.feed(data[start : start + _CHUNK_BYTES]):
                recognised = recognised or message.kind in ("event", "response")
                yield message
        decoder.close()
    except AmiProtocolError as error:
        raise AmiProtocolError(_explain(data, recognised, error)) from error


def _explain(data: bytes, recognised: bool, error: AmiProtocolError) -> str:
    """The decoder speaks of a connection; whoever replays a file wants to hear of the file."""
    if recognised:
        return f"the recording is damaged or incomplete, it was read up to there: {error}"
    if b"\nEvent: " in data and b"\r\n" not in data:
        return "the line ends of this recording were converted: record again, and copy the file as binary"
    return "this file is no recording of a manager session"
