"""Configuration files: from a path to a document, with reasons why not."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from qualitywatch.document.problems import Problems

_MAX_BYTES: Final = 4_000_000


def read_text_file(path: Path, problems: Problems, hint: str = "") -> str | None:
    """Return the text of a UTF-8 file, or None after adding one problem; ``hint`` says what to do about a missing file."""
    try:
        with path.open("rb") as file:
            data = file.read(_MAX_BYTES + 1)
    except (OSError, ValueError) as exc:
        reason = exc.strerror if isinstance(exc, OSError) else "not a possible file name"
        more = f"; {hint}" if hint and isinstance(exc, FileNotFoundError) else ""
        problems.add(str(path), None, "", f"cannot be read: {reason}{more}")
        return None
    if len(data) > _MAX_BYTES:
        problems.add(str(path), None, "", f"too large: more than {_MAX_BYTES} bytes")
        return None
    try:
        return data.decode()
    except UnicodeDecodeError as exc:
        problems.add(str(path), data.count(b"\n", 0, exc.start) + 1, "", "not UTF-8 text; save the file as UTF-8")
        return None
