"""Files that a rule names: one entry a line, beside the rule's own file or else in another folder of rules."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from qualitywatch.document import Section


def read_listed(section: Section, key: str, folders: Sequence[Path]) -> Iterator[tuple[str, str]]:
    """Yield the lines of the file named at a key that are no comments, each with ``file:line``; a problem if there is none."""
    name = section.text(key, None)
    if not name:
        return
    file = next((place for folder in folders if (place := folder / name).exists()), Path(*folders[:1]) / name)
    try:
        lines = file.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as exc:
        reason = exc.strerror if isinstance(exc, OSError) and exc.strerror else "is not UTF-8 text"
        section.problem(key, f"{file}: {reason}")
        return
    for number, line in enumerate(lines, start=1):
        text = line.strip()
        if text and not text.startswith("#"):
            yield f"{file}:{number}", text
