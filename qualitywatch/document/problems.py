"""Everything that is wrong with a configuration, gathered so that it can be said at once.

An administrator mends a file in one go when every problem is listed, as ``file:line: key: reason`` (the form editors and
terminals turn into links).  One problem is always one line of printable text, whatever the file holds.
"""

from __future__ import annotations

from qualitywatch.errors import ConfigError


class Problems:
    """A growing, duplicate-free set of problems."""

    def __init__(self) -> None:
        self._found: dict[tuple[str, int, str], None] = {}

    def __bool__(self) -> bool:
        return bool(self._found)

    def add(self, source: str, line: int | None, key: str, reason: str) -> None:
        """Remember one problem; ``line`` None means the whole file, an empty ``key`` no key in particular."""
        place = source if line is None else f"{source}:{line}"
        text = ": ".join(part for part in (place, key, reason) if part)
        self._found[(source, line or 0, printable(text))] = None

    def lines(self) -> list[str]:
        """Return all problems, ordered by file, then line, then as they were found."""
        return [text for _, _, text in sorted(self._found, key=lambda found: found[:2])]

    def raise_if_any(self) -> None:
        """Raise ConfigError with every problem found so far; return when there is none."""
        if self._found:
            raise ConfigError(self.lines())


def printable(text: str) -> str:
    """Return the text with control characters and broken Unicode written as escapes, safe for any terminal."""
    return "".join(char if char.isprintable() else ascii(char)[1:-1] for char in text)
