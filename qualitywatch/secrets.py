"""Secrets: values that are shown as ``***`` wherever they turn up, and the files they come from.

A secret is revealed at one place only, where it goes onto the wire; ``grep reveal`` lists them all.
"""

from __future__ import annotations

import stat
from pathlib import Path
from typing import Final, NoReturn

_MAX_BYTES: Final = 4_096


class Secret:
    """A text that neither ``repr``, ``str``, ``format`` nor ``dataclasses.asdict`` gives away."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """Return the secret itself."""
        return self._value

    def __repr__(self) -> str:
        return "***"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and self._value == other._value

    def __hash__(self) -> int:
        return hash((Secret, self._value))

    def __reduce__(self) -> NoReturn:
        raise TypeError("a secret is not written down")

    def __deepcopy__(self, memo: object) -> Secret:
        return self


def read_secret_file(path: Path) -> Secret:
    """Read a file that holds one line of text; raise ValueError with the reason when it cannot be used.

    Newlines at the end belong to the editor and are dropped; spaces belong to the secret and stay.
    """
    try:
        # A device or a pipe might never end, so it is not even opened.
        if not stat.S_ISREG(path.stat().st_mode):
            raise ValueError(f"{path} is not a file")
        with path.open("rb") as file:
            data = file.read(_MAX_BYTES + 1)
    except OSError as exc:
        raise ValueError(f"{path} cannot be read: {exc.strerror}") from exc
    if len(data) > _MAX_BYTES:
        raise ValueError(f"{path} is too large to be a secret")
    try:
        value = data.decode().rstrip("\r\n")
    except UnicodeDecodeError:
        # Not chained: the error carries the bytes.
        raise ValueError(f"{path} is not UTF-8 text") from None
    if not value.strip():
        raise ValueError(f"{path} is empty")
    if not value.isprintable():
        raise ValueError(f"{path} must hold one line of text and nothing else")
    return Secret(value)
