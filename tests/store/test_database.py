"""Errors of SQLite and of the system as an administrator reads them; work that outlives its caller; one thread."""

from __future__ import annotations

import asyncio
import os
import sqlite3
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from qualitywatch.errors import StoreError
from qualitywatch.store.database import Database, explain, transaction


def connect(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, timeout=0.01, isolation_level=None)
    connection.execute("CREATE TABLE IF NOT EXISTS t(x)")
    return connection


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    path = tmp_path / "test.db"
    opened = await Database.open(path, lambda: connect(path))
    yield opened
    await opened.close()


def count(connection: sqlite3.Connection) -> int:
    (rows,) = connection.execute("SELECT count(*) FROM t").fetchone()
    return int(rows)


@contextmanager
def unprivileged() -> Iterator[None]:
    """As another user than root, for whom file modes mean nothing."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


async def test_all_work_runs_in_one_other_thread(database: Database) -> None:
    async with asyncio.TaskGroup() as tasks:
        asked = [tasks.create_task(database.run(lambda _: threading.get_ident())) for _ in range(10)]
    threads = {task.result() for task in asked}
    assert len(threads) == 1
    assert threads != {threading.get_ident()}


async def test_full_disk_says_so_and_keeps_what_was_stored(database: Database, tmp_path: Path) -> None:
    await database.run(lambda connection: connection.execute("INSERT INTO t VALUES (1)").rowcount)
    await database.run(lambda connection: connection.execute("PRAGMA max_page_count = 3").fetchall())

    def fill(connection: sqlite3.Connection) -> None:
        with transaction(connection):
            connection.execute("INSERT INTO t VALUES (zeroblob(100000))")

    with pytest.raises(StoreError) as caught:
        await database.run(fill)
    assert str(caught.value) == f"{tmp_path}/test.db: the disk is full: free some space; what was stored before is safe"
    assert await database.run(count) == 1
    await database.run(lambda connection: connection.execute("PRAGMA max_page_count = 1000").fetchall())
    await database.run(fill)  # works again once there is space
    assert await database.run(count) == 2


async def test_a_file_locked_by_another_program_says_so(database: Database, tmp_path: Path) -> None:
    other = sqlite3.connect(tmp_path / "test.db", isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    with pytest.raises(StoreError, match=r"test\.db: locked by another process for too long: end the program"):
        await database.run(count)
    other.close()
    assert await database.run(count) == 0


async def test_an_unwritable_directory_says_so(tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o500)
    with unprivileged(), pytest.raises(StoreError, match=r"closed/x\.db: cannot be written: it and its directory must belong"):
        await Database.open(closed / "x.db", lambda: connect(closed / "x.db"))


@pytest.mark.parametrize(
    ("error", "advice"),
    [
        (OSError(28, "No space left on device"), "the disk is full: free some space"),
        (OSError(30, "Read-only file system"), "cannot be written"),
        (OSError(5, "Input/output error"), "look into the kernel's log"),
        (NotADirectoryError(20, "Not a directory"), "name a directory"),
        (OSError(24, "Too many open files"), "Too many open files"),
        (sqlite3.OperationalError("no such table: t"), "no such table: t"),
    ],
)
def test_every_error_names_the_file_and_what_to_do(error: OSError | sqlite3.Error, advice: str) -> None:
    message = str(explain(Path("/var/lib/qualitywatch/state.db"), error))
    assert message.startswith("/var/lib/qualitywatch/state.db: ")
    assert advice in message


async def test_work_asked_for_is_done_although_the_asker_is_cancelled(database: Database) -> None:
    begun, may_go_on = threading.Event(), threading.Event()

    def slow(connection: sqlite3.Connection) -> None:
        begun.set()
        may_go_on.wait(5)
        connection.execute("INSERT INTO t VALUES (1)")

    async with asyncio.TaskGroup() as tasks:
        asking = tasks.create_task(database.run(slow))
        queued = tasks.create_task(database.run(lambda connection: connection.execute("INSERT INTO t VALUES (2)").rowcount))
        await asyncio.get_running_loop().run_in_executor(None, begun.wait, 5)
        asking.cancel()
        queued.cancel()
        await asyncio.wait([asking, queued])
        may_go_on.set()
    assert asking.cancelled()
    assert queued.cancelled()
    assert await database.run(count) == 2


async def test_an_error_in_a_transaction_takes_all_of_it_back(database: Database) -> None:
    def half(connection: sqlite3.Connection) -> None:
        with transaction(connection):
            connection.execute("INSERT INTO t VALUES (1)")
            raise ValueError("half-way")

    with pytest.raises(ValueError, match="half-way"):
        await database.run(half)
    assert await database.run(count) == 0


async def test_close_ends_the_thread(tmp_path: Path) -> None:
    path = tmp_path / "test.db"
    database = await Database.open(path, lambda: connect(path))
    thread = await database.run(lambda _: threading.current_thread())
    await database.close()
    thread.join(5)
    assert not thread.is_alive()
