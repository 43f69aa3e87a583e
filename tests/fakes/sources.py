"""The source of another version of qualitywatch, to upgrade to."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

REPOSITORY = Path(__file__).parents[2]
MADE_OF = (
    *("qualitywatch", "rules", "systemd", "tests/captures/asterisk-20"),
    *("pyproject.toml", "README.md", "LICENSE", "CHANGELOG.md"),
)


def another(folder: Path, version: str, change: Callable[[Path], None] = lambda source: None) -> Path:
    """Make one in a folder; ``change`` may do what it likes to it."""
    for part in MADE_OF:
        source, copy = REPOSITORY / part, folder / part
        copy.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, copy, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, copy)
    init = folder / "qualitywatch/__init__.py"
    init.write_text(init.read_text(encoding="utf-8").replace('"0.1.0"', f'"{version}"'), encoding="utf-8")
    change(folder)
    return folder
