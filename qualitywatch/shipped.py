"""Files that travel with the program: default rules, systemd unit and examples, the recordings behind ``demo``.

In an installed package they lie in ``qualitywatch/_shipped``; in a checkout (or an editable install of one) where the
repository keeps them.  ``pyproject.toml`` names the same pairs under ``force-include``.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final

_PACKAGE: Final = Path(__file__).resolve().parent
_RECORDINGS: Final = "tests/captures/asterisk-20"
_IN_CHECKOUT: Final[Mapping[tuple[str, ...], str]] = {
    ("demo", f"{name}.ami"): f"{_RECORDINGS}/{name}/input.ami"
    for name in ("sip-bridge-loss", "trunk-outage", "peer-reachability-user-agent")
}


def shipped(*parts: str, package: Path = _PACKAGE) -> Path:
    """Return the path of a shipped file or folder, such as ``shipped("rules")`` or ``shipped("demo", "trunk-outage.ami")``.

    Raises FileNotFoundError, fit to be shown, when the installation lacks it.
    """
    installed = package / "_shipped"
    # A checkout must not fall back to its parent's neighbours once a built package is there, however broken.
    found = installed.joinpath(*parts) if installed.is_dir() else package.parent / _IN_CHECKOUT.get(parts, "/".join(parts))
    if not found.exists():
        raise FileNotFoundError(f"this installation is incomplete, {found} is missing: install qualitywatch again")
    return found
