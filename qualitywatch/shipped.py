"""Files that travel with the program: default rules with their tests, systemd unit and examples, some recordings.

In an installed package they lie in ``qualitywatch/_shipped``, in the same places as in a checkout (or an editable install of
one) below its root.  ``pyproject.toml`` names them under ``force-include``.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

_PACKAGE: Final = Path(__file__).resolve().parent


def shipped(*parts: str, package: Path = _PACKAGE) -> Path:
    """Return the path of a shipped file or folder, such as ``shipped("rules")``.

    Raises FileNotFoundError, fit to be shown, when the installation lacks it.
    """
    installed = package / "_shipped"
    # A checkout must not fall back to its parent's neighbours once a built package is there, however broken.
    found = (installed if installed.is_dir() else package.parent).joinpath(*parts)
    if not found.exists():
        raise FileNotFoundError(f"this installation is incomplete, {found} is missing: install qualitywatch again")
    return found


def recording(name: str) -> Path:
    """Return the file of a shipped recording; raises FileNotFoundError."""
    return shipped("tests", "captures", "asterisk-20", name, "input.ami")
