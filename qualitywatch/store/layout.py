"""How a SQLite file of ours comes to be: created, checked, set aside when damaged, brought to the present schema.

A file that is not SQLite, or that SQLite calls corrupt, is renamed to ``<name>.corrupt-<Unix time>`` (with its -wal and
-shm, so that it can still be salvaged) and a new one is started: a monitor that refuses to start is worse than one that
forgot.  A sound file that is not ours, or was written by a newer version, is never touched.

Files too large to be read at every start are only looked into; damage that is met later leaves a mark beside the file
(``mark_damaged``), and the next start sets it aside: else each start would go well, and nothing be stored ever after.
"""

from __future__ import annotations

import contextlib
import logging
import os
import sqlite3
from dataclasses import dataclass
from pathlib import Path

from qualitywatch.errors import StoreError
from qualitywatch.store.database import DAMAGE, damage_mark, sqlite_code, transaction

log = logging.getLogger(__name__)

BUSY_TIMEOUT_S = 5.0  # an administrator's or Grafana's query may hold the file for a moment
_SMALLEST_PAGE = 512  # bytes, https://www.sqlite.org/fileformat.html section 1.3.2
_STRICT_SINCE = (3, 37, 0)  # older: RHEL 9 has 3.34; its columns then only lack the type check


@dataclass(frozen=True, slots=True)
class Layout:
    """What a file must look like.  ``migrations[n]`` holds the statements that lead from version n to n + 1."""

    application_id: int
    migrations: tuple[tuple[str, ...], ...]
    pragmas: tuple[str, ...]
    mode: int
    check_pages: bool  # read every page at start: for small files only


class _DamagedError(Exception):
    """The file can be opened, but its content contradicts itself."""


def connect(path: Path, layout: Layout, now: float) -> sqlite3.Connection:
    """Open or create the file and return a connection in autocommit mode; raises StoreError, sqlite3.Error or OSError."""
    try:
        return _open(path, layout)
    except (_DamagedError, sqlite3.DatabaseError) as exc:
        if isinstance(exc, sqlite3.DatabaseError) and sqlite_code(exc) not in DAMAGE:
            raise
        aside = _set_aside(path, now)
        damage_mark(path).unlink(missing_ok=True)
        log.error("%s is damaged (%s): set aside as %s, starting with an empty one", path, exc, aside.name)
    return _open(path, layout)


def _open(path: Path, layout: Layout) -> sqlite3.Connection:
    if damage_mark(path).exists() and path.exists():
        raise _DamagedError("found while it was in use")
    _create(path, layout.mode)
    _check_beginning(path)
    try:
        return _opened(path, layout, is_ours_alone=False)
    except sqlite3.OperationalError as exc:
        if getattr(exc, "sqlite_errorcode", 0) != sqlite3.SQLITE_IOERR_SHMSIZE:
            raise
    # No room for the 32 KB through which processes share a log: a full disk must not keep anybody from starting.
    log.warning("%s: the disk is full: nobody else can read it until the next start", path)
    return _opened(path, layout, is_ours_alone=True)


def _opened(path: Path, layout: Layout, *, is_ours_alone: bool) -> sqlite3.Connection:
    connection = sqlite3.connect(path, timeout=BUSY_TIMEOUT_S, isolation_level=None)
    try:
        if is_ours_alone:
            connection.execute("PRAGMA locking_mode = EXCLUSIVE")  # https://www.sqlite.org/wal.html#noshm
        version = _version(connection, path, layout)
        if layout.check_pages:
            findings = [str(row[0]) for row in connection.execute("PRAGMA quick_check(1)")]
            if findings != ["ok"]:
                raise _DamagedError(" ".join("; ".join(findings).split()))
        else:
            _look_into(connection)
        for pragma in layout.pragmas:
            connection.execute(f"PRAGMA {pragma}")
        _migrate(connection, path, layout, version)
    except BaseException:
        connection.close()
        raise
    return connection


def _create(path: Path, mode: int) -> None:
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, mode)
    with contextlib.suppress(PermissionError):  # writable for us, but owned by somebody else
        os.fchmod(descriptor, mode)  # the process's umask must not decide who can read it
    os.close(descriptor)


def _check_beginning(path: Path) -> None:
    with path.open("rb") as file:
        beginning = file.read(_SMALLEST_PAGE)
    if beginning and (len(beginning) < _SMALLEST_PAGE or not beginning.startswith(b"SQLite format 3\0")):
        raise _DamagedError("not a SQLite file")  # SQLite itself takes a short file for an empty one, and overwrites it


def _look_into(connection: sqlite3.Connection) -> None:
    """Read the first row of every table: sqlite3.DatabaseError where even its first page is damaged."""
    names = [name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
    for name in names:
        connection.execute(f'SELECT * FROM "{name}" LIMIT 1').fetchall()  # noqa: S608 - the name of a table there is


def _version(connection: sqlite3.Connection, path: Path, layout: Layout) -> int:
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    (application_id,) = connection.execute("PRAGMA application_id").fetchone()
    (tables,) = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    if application_id != layout.application_id and (application_id or tables):
        raise StoreError(f"{path}: a SQLite file of another program: move it away or choose another directory")
    known = len(layout.migrations)
    if version > known:
        raise StoreError(
            f"{path}: written by a newer qualitywatch (schema {version}, this one knows {known}): "
            "install the newer version again, or move the file away to start with an empty one"
        )
    return int(version)


def _migrate(connection: sqlite3.Connection, path: Path, layout: Layout, version: int) -> None:
    if version == len(layout.migrations):
        return
    if version:
        log.warning("%s: is brought to a new layout; where there is much, that takes minutes", path)
    with transaction(connection):
        for statements in layout.migrations[version:]:
            for statement in statements:
                connection.execute(_without_strict(statement))
        connection.execute(f"PRAGMA application_id = {layout.application_id}")
        connection.execute(f"PRAGMA user_version = {len(layout.migrations)}")


def _without_strict(statement: str) -> str:
    if sqlite3.sqlite_version_info >= _STRICT_SINCE:
        return statement
    return statement.replace(", STRICT", "").replace(" STRICT", "")


def _set_aside(path: Path, now: float) -> Path:
    aside = path.with_name(f"{path.name}.corrupt-{int(now)}")
    attempt = 1
    while aside.exists():  # never overwrite an earlier one
        attempt += 1
        aside = path.with_name(f"{path.name}.corrupt-{int(now)}-{attempt}")
    path.rename(aside)
    for suffix in ("-wal", "-shm", "-journal"):
        with contextlib.suppress(FileNotFoundError):
            path.with_name(path.name + suffix).rename(aside.with_name(aside.name + suffix))
    return aside
