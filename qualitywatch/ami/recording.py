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

_CHUNK_BYTES: Final = 1 << 20


@dataclass(frozen=True, slots=True)
class TimedMessage:
    """A message and when it happened: Unix seconds that never decrease within one recording."""

    at: float
    message: Message


def read_recording(data: bytes) -> Iterator[TimedMessage]:
    """Yield the messages of a recording in their order; ``at`` is 0.0 throughout when no message has a ``Timestamp``.

    Threads of Asterisk stamp events a moment before they are written, so stamps may step back a little; ``at`` does not, the
    message keeps its own stamp.  Raises AmiProtocolError after the last good message when the recording is cut off in the
    middle of a message, or is none.
    """
    decoder = Decoder()
    unstamped: list[Message] = []
    at: float | None = None
    for start in range(0, len(data), _CHUNK_BYTES):
        for message in decoder.feed(data[start : start + _CHUNK_BYTES]):
            stamp = timestamp(message)
            if at is None:
                if stamp is None:
                    unstamped.append(message)
                    continue
                at = stamp
                yield from (TimedMessage(at, early) for early in unstamped)
                unstamped.clear()
            elif stamp is not None and stamp > at:
                at = stamp
            yield TimedMessage(at, message)
    yield from (TimedMessage(0.0, message) for message in unstamped)
    decoder.close()
