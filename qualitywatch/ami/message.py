"""One message of the manager interface: the frame as it came, and the ways to look into it.

Strategy: the frame is kept as bytes and a header is found and decoded only when somebody asks for it: most headers of most
events are never read, and a decoded copy of all of them costs more than everything else together.  Text is decoded value by
value (UTF-8, ``surrogateescape``), because caller names arrive in any encoding.

Standard: ``main/manager.c`` of Asterisk 11 to 23.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final

BANNER: Final = b"Asterisk Call Manager"
END_OF_FRAME: Final = b"\r\n\r\n"
SHORT_LINE_BYTES: Final = 80  # as first lines are that are worth remembering
END_OF_COMMAND: Final = b"--END COMMAND--"

_FOLLOWS: Final = b"response: follows\r\n"
# What Asterisk 13 and earlier write above the raw text of a Command answer (``manager.c:action_command``).
_FOLLOWS_HEADERS: Final = frozenset({b"response", b"privilege", b"actionid"})


class Message:
    """One frame as it came over the wire; headers are found and decoded when asked for.

    ``raw`` includes the blank line that ends the frame, so that joined ``raw`` values are a stream again.
    """

    __slots__ = ("_folded", "_raw")

    def __init__(self, raw: bytes) -> None:
        self._raw = raw
        self._folded: bytes | None = None

    @property
    def raw(self) -> bytes:
        """The bytes of the frame, unchanged."""
        return self._raw

    @property
    def kind(self) -> str:
        """``banner``, ``event``, ``response``, or ``other`` for anything else; the first line decides."""
        start = self._raw[:9].lower()
        if start.startswith(b"event:"):
            return "event"
        if start == b"response:":
            return "response"
        if self._raw.startswith(BANNER) and not self._raw.endswith(END_OF_FRAME):
            return "banner"
        return "other"

    @property
    def name(self) -> str:
        """The name of the event, or the value of ``Response`` (``Success``, ``Error``, ...); empty for other kinds."""
        if self.kind not in ("event", "response"):
            return ""
        line = self._raw.partition(b"\r\n")[0]
        return _named(line) if len(line) <= SHORT_LINE_BYTES else _text(line.partition(b":")[2])

    @property
    def action_id(self) -> str | None:
        """The ``ActionID`` this message answers, or None."""
        return self.get("ActionID") or None

    @property
    def headers(self) -> tuple[tuple[str, str], ...]:
        """All headers in wire order, repeats kept; a line without a colon is a value without a name."""
        return tuple(_header(line) for line in self._head().split(b"\r\n") if line)

    @property
    def output(self) -> tuple[str, ...]:
        """The lines of a ``Command`` answer, indentation kept, in the form of Asterisk 13 and that of 14 alike."""
        if not is_follows(self._raw):
            return tuple(_decoded(value.removeprefix(b" ")) for value in self._values("Output"))
        body = self._raw[len(self._head()) :].rstrip(b"\r\n").removesuffix(END_OF_COMMAND).removesuffix(b"\n")
        return tuple(_decoded(line.removesuffix(b"\r")) for line in body.split(b"\n")) if body else ()

    def get(self, name: str, default: str | None = None) -> str | None:
        """Return the first value of a header, stripped; names are compared without regard to case."""
        needle = _needle(name)
        folded = self._fold()
        found = folded.find(needle)
        if found < 0:
            return default
        start = found + len(needle)
        end = folded.find(b"\r\n", start)
        return _text(self._raw[start - 2 :] if end < 0 else self._raw[start - 2 : end - 2])

    def get_all(self, name: str) -> tuple[str, ...]:
        """Return every value of a repeated header in wire order, stripped."""
        return tuple(_text(value) for value in self._values(name))

    def __eq__(self, other: object) -> bool:
        return self._raw == other._raw if isinstance(other, Message) else NotImplemented

    def __hash__(self) -> int:
        return hash(self._raw)

    def __repr__(self) -> str:
        # Kind, name and ActionID only: list items carry plaintext passwords.
        return f"<Message {self.kind} {self.name!r} action_id={self.action_id!r}>"

    def _values(self, name: str) -> list[bytes]:
        needle = _needle(name)
        folded = self._fold()
        values = []
        found = folded.find(needle)
        while found >= 0:
            start = found + len(needle)
            end = folded.find(b"\r\n", start)
            if end < 0:
                end = len(folded)
            values.append(self._raw[start - 2 : end - 2])
            found = folded.find(needle, end)
        return values

    def _fold(self) -> bytes:
        """The headers in lower case behind one more line end, so that each follows one: positions are those of raw, plus 2."""
        if self._folded is None:
            self._folded = b"\r\n" + self._head().lower()
        return self._folded

    def _head(self) -> bytes:
        """Everything but the text of an old Command answer, whose lines may look like headers."""
        if not is_follows(self._raw):
            return self._raw
        end = 0
        while (line_end := self._raw.find(b"\r\n", end)) >= 0:
            if self._raw[end:line_end].partition(b":")[0].lower() not in _FOLLOWS_HEADERS:
                break
            end = line_end + 2
        return self._raw[:end]


def is_follows(frame: bytes | bytearray, start: int = 0) -> bool:
    """Say whether the frame at ``start`` is a Command answer of Asterisk 13 or earlier: raw text up to ``--END COMMAND--``."""
    return frame[start : start + len(_FOLLOWS)].lower() == _FOLLOWS


def _header(line: bytes) -> tuple[str, str]:
    name, colon, value = line.partition(b":")
    return (_decoded(name), _text(value)) if colon else ("", _text(line))


def _text(value: bytes) -> str:
    return _decoded(value.strip())


def _decoded(value: bytes) -> str:
    return value.decode("utf-8", "surrogateescape")


@lru_cache(maxsize=1024)
def _named(first_line: bytes) -> str:
    return _text(first_line.partition(b":")[2])


@lru_cache(maxsize=1024)
def _needle(name: str) -> bytes:
    return b"\r\n" + name.encode("utf-8", "surrogateescape").lower() + b":"
