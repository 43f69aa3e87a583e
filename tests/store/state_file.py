"""The file of the state store, changed behind the back of the store: by an earlier release, or by damage."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from qualitywatch.store.state_tables import STATE_FILE


def sql(directory: Path, *statements: str) -> None:
    """Run statements on the file of a state directory, in one transaction."""
    with closing(sqlite3.connect(directory / STATE_FILE)) as connection, connection:
        for statement in statements:
            connection.execute(statement)
