"""Bytes to messages and actions to bytes: the framing of the Asterisk Manager Interface, without a socket.

Strategy: frames are cut out of one buffer by searching for the blank line, remembering how far the search got, so that work
is linear in the bytes received however the stream is cut.  Events nobody wants are dropped by their first line.

Standard: the protocol as Asterisk 11 to 23 speak it (``main/manager.c``).  Only ``AmiProtocolError`` leaves the decoder.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from qualitywatch.ami.message import BANNER, END_OF_COMMAND, END_OF_FRAME, SHORT_LINE_BYTES, Message, is_follows
from qualitywatch.ami.strangers import describe_stranger
from qualitywatch.errors import AmiProtocolError

MAX_MESSAGE_BYTES: Final = 4 * 1024 * 1024
"""Asterisk sets no limit: `core show channels` of a full PBX answers with some hundred kilobytes in one message.  The bound
only keeps a peer that never ends a message from filling our memory."""

MAX_FIRST_LINE_BYTES: Final = 1024
"""The banner has about 30 bytes; a peer that sends more without a line end is no manager interface."""

MAX_ACTION_LINE_BYTES: Final = 1024
"""Asterisk refuses longer lines with "Failed to parse message: line too long" (``main/manager.c``, ``get_input``)."""

__all__ = ["MAX_MESSAGE_BYTES", "Decoder", "Message", "encode_action", "event_name"]

MAX_EVENT_LINES: Final = 1000
"""Asterisk has some two hundred events, with short names; a stream of others is judged event by event."""

_EVENT: Final = b"Event: "
_BLANKS: Final = frozenset(b"\r\n")
_HEADER_LINE: Final = re.compile(rb"[A-Za-z][A-Za-z0-9_-]*:")


class Decoder:
    """Cuts a stream of bytes into messages; any cutting of the stream gives the same messages.

    ``wanted``: names of the events to pass on.  All others are counted in ``skipped`` and dropped by their first line alone.
    Messages that came before an error are returned first; the error is raised by the next call, and by every call after that.
    """

    def __init__(self, wanted: frozenset[str] | None = None, *, max_message_bytes: int = MAX_MESSAGE_BYTES) -> None:
        self._max_message_bytes = max_message_bytes
        self.skipped = 0
        self._wanted = None if wanted is None else frozenset(name.lower().encode() for name in wanted)
        self._wanted_lines: dict[bytes, bool] = {}  # first lines of events that were met already
        self._buffer = bytearray()
        self._scanned = 0  # bytes of the buffer known to hold no end of frame
        self._banner_allowed = True
        self._recognised = False  # a first line of AMI was seen
        self._error: AmiProtocolError | None = None

    def feed(self, data: bytes) -> list[Message]:
        """Take in bytes and return the messages they complete; raises AmiProtocolError when the stream is not AMI."""
        if self._error is not None:
            raise self._error
        self._buffer += data
        messages: list[Message] = []
        try:
            self._cut(messages)
        except AmiProtocolError as error:
            self._error = error
            self._buffer.clear()
            if not messages:
                raise
        return messages

    def close(self) -> None:
        """Say that the stream has ended; raises AmiProtocolError when it ended in the middle of a message."""
        if self._error is not None:
            raise self._error
        if self._buffer:
            raise AmiProtocolError(
                f"the manager connection ended in the middle of a message ({len(self._buffer)} bytes of it had arrived)"
            )

    def _cut(self, messages: list[Message]) -> None:
        buffer = self._buffer
        position = self._cut_events(messages) if self._recognised else 0
        while True:
            start = _skip_blanks(buffer, position)
            self._scanned = max(self._scanned, start)
            end = self._end_of_first_line(start) if not self._recognised else self._end_of_frame(start)
            if end < 0:
                break
            if end > start:
                frame = bytes(buffer[start:end])
                if self._is_wanted(frame):
                    messages.append(Message(frame))
                else:
                    self.skipped += 1
            position = end
        del buffer[:start]
        self._scanned -= start

    def _cut_events(self, messages: list[Message]) -> int:
        """Cut whole events of the usual form off the front, and return how far that went; all else is left to ``_cut``.

        An event is nine messages of ten, and one nobody wants is passed over without being copied.
        """
        found = self._buffer.find(END_OF_FRAME, self._scanned)
        if found < 0 or not self._buffer.startswith(_EVENT):
            return 0  # before it is copied: old answers to commands hold blank lines, and may be long
        data, wanted, position = bytes(self._buffer), self._wanted_lines, 0
        longest = self._max_message_bytes - len(END_OF_FRAME)
        while found >= 0 and data.startswith(_EVENT, position) and found - position <= longest:
            line_end = data.find(b"\r\n", position)
            line = data[position:line_end]
            is_wanted = wanted.get(line)
            if is_wanted is None:
                is_wanted = self._is_wanted(data[position : line_end + 2])
                if len(wanted) < MAX_EVENT_LINES and len(line) <= SHORT_LINE_BYTES:
                    wanted[line] = is_wanted
            end = found + len(END_OF_FRAME)
            if is_wanted:
                messages.append(Message(data[position:end]))
            else:
                self.skipped += 1
            self._scanned = position = end
            found = data.find(END_OF_FRAME, position)
        return position

    def _is_wanted(self, frame: bytes) -> bool:
        if self._wanted is None:
            return True
        name = event_name(frame)
        return name is None or name.lower() in self._wanted

    def _end_of_frame(self, start: int) -> int:
        """Find where the frame at ``start`` ends, or -1 when it is not complete yet."""
        buffer = self._buffer
        end = -1
        while end < 0 and (blank_line := buffer.find(END_OF_FRAME, self._scanned)) >= 0:
            self._scanned = blank_line + len(END_OF_FRAME)
            if not is_follows(buffer, start) or buffer.endswith(END_OF_COMMAND, start, blank_line):
                end = self._scanned
        if (end if end >= 0 else len(buffer)) - start > self._max_message_bytes:
            raise AmiProtocolError(
                f"a message of the manager interface passed {self._max_message_bytes} bytes without an end: "
                "something other than Asterisk seems to answer here"
            )
        if end < 0:
            self._scanned = max(self._scanned, len(buffer) - len(END_OF_FRAME) + 1)
        return end

    def _end_of_first_line(self, start: int) -> int:
        """Judge the first line: return its end if it is the banner, ``start`` if a header, -1 if more bytes are needed."""
        buffer = self._buffer
        if start == len(buffer):
            return -1
        newline = buffer.find(b"\n", self._scanned)
        end = newline + 1 if newline >= 0 else len(buffer)
        first_line = bytes(buffer[start : min(end, start + MAX_FIRST_LINE_BYTES)])
        if end - start > MAX_FIRST_LINE_BYTES or not first_line[:1].isalpha():
            raise AmiProtocolError(describe_stranger(first_line))
        if newline < 0:
            self._scanned = end
            return -1
        self._scanned = start
        if self._banner_allowed and first_line.startswith(BANNER):
            self._banner_allowed = False
            self._scanned = end
            return end
        if _HEADER_LINE.match(first_line) is None:
            raise AmiProtocolError(describe_stranger(first_line))
        self._recognised = True
        return start


def event_name(frame: bytes) -> bytes | None:
    """Return the name of an event by its first line alone, or None when the frame is not an event."""
    if frame[:6].lower() != b"event:":
        return None
    return frame[6 : frame.find(b"\r\n")].strip()


def encode_action(name: str, headers: Iterable[tuple[str, str]] = (), action_id: str | None = None) -> bytes:
    """Return an action as bytes for the wire.

    Raises ValueError when a name or value would break out of its line, or when Asterisk would refuse the line for its length;
    the value, which may be a secret, is not part of the error.
    """
    lines = [_encode_line("Action", name)]
    if action_id is not None:
        lines.append(_encode_line("ActionID", action_id))
    lines.extend(_encode_line(key, value) for key, value in headers)
    return b"".join(lines) + b"\r\n"


def _encode_line(name: str, value: str) -> bytes:
    if any(character in name for character in "\r\n\0:") or any(character in value for character in "\r\n\0"):
        raise ValueError(f"header {name!r}: line ends and NUL cannot be sent to the manager interface")
    line = f"{name}: {value}\r\n".encode("utf-8", "surrogateescape")
    if len(line) > MAX_ACTION_LINE_BYTES:
        raise ValueError(f"header {name!r}: {len(line)} bytes, Asterisk takes {MAX_ACTION_LINE_BYTES} at most")
    return line


def _skip_blanks(buffer: bytearray, position: int) -> int:
    """Stray blank lines follow some answers (``SIPshowpeer`` of an unknown peer)."""
    while position < len(buffer) and buffer[position] in _BLANKS:
        position += 1
    return position
