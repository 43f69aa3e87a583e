"""What the machine says where the configuration is silent: state directory, time zone, systemd's credentials.

Follows systemd.exec(5) (``$STATE_DIRECTORY``, ``$CREDENTIALS_DIRECTORY``) and the XDG base directory specification.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping
from datetime import UTC, tzinfo
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from qualitywatch.document import find_timezone

_LOCALTIME: Final = Path("/etc/localtime")


def state_directory(environ: Mapping[str, str]) -> Path | None:
    """Return where a daemon without a configured directory keeps its state; None when the machine has no such place.

    Under systemd that is the unit's ``StateDirectory=``, elsewhere the user's own ``~/.local/state/qualitywatch``.
    """
    if given := environ.get("STATE_DIRECTORY"):
        return Path(given.split(":")[0])
    if base := environ.get("XDG_STATE_HOME"):
        return Path(base) / "qualitywatch"
    if home := environ.get("HOME"):
        return Path(home) / ".local" / "state" / "qualitywatch"
    return None


def credential_path(name: str, environ: Mapping[str, str]) -> Path | None:
    """Return where systemd put the credential of this name; None when it gave none of that name, or one without content.

    ``SetCredential=`` of our unit stands in with an empty line for a file that is not there, lest the unit not start.
    """
    directory = environ.get("CREDENTIALS_DIRECTORY")
    path = Path(directory) / name if directory else None
    if path is None or path_problem(path, directory=False) is not None:
        return None
    return path if path.read_bytes().strip() else None


def machine_timezone(environ: Mapping[str, str], localtime: Path = _LOCALTIME) -> tzinfo:
    """Return the time zone the machine's clock shows, UTC when that is not known by name."""
    name = environ.get("TZ", "").removeprefix(":")
    if not name:
        _, _, name = str(localtime.resolve()).rpartition("/zoneinfo/")
    try:
        return find_timezone(name)
    except ValueError:
        return UTC


def has_library(name: str) -> bool:
    """Tell whether an optional library is installed, without loading it."""
    return find_spec(name) is not None


def full_path(text: str, base: Path) -> Path:
    """Return the path a text means, relative to ``base``; raise ValueError for ``~``, which a daemon has no use for."""
    if text.startswith("~"):
        raise ValueError("write the path in full; ~ is not expanded")
    return base / text


def path_problem(path: Path, *, directory: bool, may_be_missing: bool = False) -> str | None:
    """Return why a path is not the file or directory it should be, or None when it is."""
    try:
        mode = path.stat().st_mode
    except FileNotFoundError as exc:
        return None if may_be_missing else f"{path}: {exc.strerror}"
    except OSError as exc:
        return f"{path}: {exc.strerror}"
    if not (stat.S_ISDIR(mode) if directory else stat.S_ISREG(mode)):
        return f"{path} is not a {'directory' if directory else 'file'}"
    mask = os.R_OK | os.X_OK if directory else os.R_OK
    return None if os.access(path, mask, effective_ids=True) else f"{path}: Permission denied"
