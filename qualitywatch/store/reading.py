"""A file of ours opened by somebody who only reads it, while the daemon writes: the command line and reports."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Final

from qualitywatch.errors import StoreError
from qualitywatch.store.database import explain
from qualitywatch.store.rollup_tables import LAYOUT

_BUSY_S: Final = 10.0


def open_history(path: Path, *, is_newest: bool) -> sqlite3.Connection:
    """Open ``rollup.db``; ``is_newest``: its tables have to be those of this version.  Raises StoreError."""
    try:
        if not path.exists():
            raise StoreError(f"{path}: there is no history yet; it is written by the daemon, once a minute")
        with path.open("rb"):
            pass  # SQLite does not say why it cannot open a file
        connection = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=_BUSY_S)
    except OSError as exc:
        raise StoreError(f"{path}: cannot be read: {exc.strerror}; try it as the user the daemon runs as") from exc
    except sqlite3.Error as exc:
        raise explain(path, exc) from exc
    try:
        (application_id,) = connection.execute("PRAGMA application_id").fetchone()
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        if application_id != LAYOUT.application_id:
            raise StoreError(f"{path}: a SQLite file of another program, not the history of qualitywatch")
        if is_newest and version < len(LAYOUT.migrations):
            raise StoreError(f"{path}: written by an older qualitywatch; the daemon brings it up to date when it starts")
    except sqlite3.Error as exc:
        connection.close()
        raise explain(path, exc) from exc
    except StoreError:
        connection.close()
        raise
    return connection
