"""state.db on a bad day: damaged, foreign, newer, taken, unreadable rows; and step by step against the plain model."""

from __future__ import annotations

import asyncio
import logging
import os
import re
import sqlite3
import stat
import subprocess
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from qualitywatch.errors import StoreError
from qualitywatch.model import AgentRecord, Alert, AlertKey, Notification
from qualitywatch.ports import StateChange
from qualitywatch.store.backends.memory import MemoryStateStore
from qualitywatch.store.backends.sqlite_state import DEAD_KEPT_S, STATE_FILE, SqliteStateStore
from qualitywatch.store.lock import LOCK_FILE
from tests.store import model_values
from tests.store.model_values import NOW, a_notification, an_agent, an_alert


async def filled(directory: Path, *, alerts: int = 1) -> None:
    store = await SqliteStateStore.open(directory, now=NOW)
    change = StateChange(
        tuple(an_alert(f"SIP/{number}") for number in range(alerts)), (a_notification(),), (an_agent(),), {"a": "1"}
    )
    await store.commit(change)
    await store.close()


def sql(directory: Path, *statements: str) -> None:
    connection = sqlite3.connect(directory / STATE_FILE)
    for statement in statements:
        connection.execute(statement)
    connection.commit()
    connection.close()


async def test_the_file_is_private_durable_and_ours(tmp_path: Path) -> None:
    directory = tmp_path / "not" / "yet" / "there"
    previous = os.umask(0)
    try:
        await filled(directory)
    finally:
        os.umask(previous)
    assert stat.S_IMODE((directory / STATE_FILE).stat().st_mode) == 0o600
    connection = sqlite3.connect(directory / STATE_FILE)
    assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    assert connection.execute("PRAGMA user_version").fetchone() == (1,)
    assert connection.execute("SELECT count(*) FROM pragma_table_list WHERE schema = 'main' AND strict").fetchone() == (5,)
    connection.close()


async def test_commits_reach_the_disk_before_they_return(tmp_path: Path) -> None:
    store = await SqliteStateStore.open(tmp_path, now=NOW)
    assert await store._database.run(lambda connection: connection.execute("PRAGMA synchronous").fetchone()) == (2,)  # FULL
    await store.close()


async def test_an_administrator_can_look_in_while_we_run(tmp_path: Path) -> None:
    store = await SqliteStateStore.open(tmp_path, now=NOW)
    await store.commit(StateChange((an_alert(),), (a_notification(),)))
    query = "SELECT rule, subject, direction, state FROM alert; SELECT target FROM outbox"
    looked = sqlite3.connect(tmp_path / STATE_FILE)
    first, second = (looked.execute(part).fetchall() for part in query.split(";"))
    looked.close()
    assert first == [("peer-loss", "SIP/6117", "to_peer", "firing")]
    assert second == [("noc",)]
    await store.close()


@pytest.mark.parametrize(
    "content",
    [
        b"x",
        b"SQLite format 3\x00",
        b"this is no database, it is a note to self\n" * 50,
        b"SQLite format 3\x00" + bytes(2000),
        os.urandom(8192),
    ],
    ids=["one byte", "stump", "text", "header only", "noise"],
)
async def test_a_file_that_is_no_database_is_set_aside(
    content: bytes, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / STATE_FILE).write_bytes(content)
    await filled(tmp_path)  # starts afresh, and works
    assert (tmp_path / f"{STATE_FILE}.corrupt-{int(NOW)}").read_bytes() == content
    (record,) = caplog.records
    assert record.levelno == logging.ERROR
    assert re.fullmatch(
        rf"{tmp_path}/state.db is damaged \(.*\): set aside as state.db.corrupt-1700000000, starting with an empty one",
        record.message,
    )


async def test_damage_inside_is_found_and_earlier_wrecks_are_kept(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    wreck = tmp_path / f"{STATE_FILE}.corrupt-{int(NOW)}"
    wreck.write_bytes(b"an earlier one")
    await filled(tmp_path, alerts=200)
    file = tmp_path / STATE_FILE
    pages = bytearray(file.read_bytes())
    assert len(pages) > 20 * 4096
    pages[4096 * 5 : 4096 * 15] = os.urandom(4096 * 10)
    file.write_bytes(pages)
    (tmp_path / f"{STATE_FILE}-wal").write_bytes(b"left over")
    store = await SqliteStateStore.open(tmp_path, now=NOW)
    assert (await store.load()).alerts == ()
    await store.close()
    assert wreck.read_bytes() == b"an earlier one"
    aside = wreck.with_name(f"{wreck.name}-2")
    assert len(aside.read_bytes()) == len(pages)
    assert [record.message.count("set aside as state.db.corrupt-1700000000-2") for record in caplog.records] == [1]


async def test_a_truncated_file_is_set_aside(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    await filled(tmp_path, alerts=200)
    os.truncate(tmp_path / STATE_FILE, 4096 * 7 + 100)
    await filled(tmp_path)
    assert (tmp_path / f"{STATE_FILE}.corrupt-{int(NOW)}").stat().st_size == 4096 * 7 + 100
    assert len(caplog.records) == 1


async def test_an_empty_file_is_a_new_one(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / STATE_FILE).touch(mode=0o644)
    await filled(tmp_path)
    assert stat.S_IMODE((tmp_path / STATE_FILE).stat().st_mode) == 0o600
    assert caplog.records == []


async def test_a_newer_schema_is_refused_and_left_alone(tmp_path: Path) -> None:
    await filled(tmp_path)
    sql(tmp_path, "PRAGMA user_version = 7")
    before = (tmp_path / STATE_FILE).read_bytes()
    with pytest.raises(StoreError) as caught:
        await SqliteStateStore.open(tmp_path, now=NOW)
    assert str(caught.value) == (
        f"{tmp_path}/state.db: written by a newer qualitywatch (schema 7, this one knows 1): "
        "install the newer version again, or move the file away to start with an empty one"
    )
    assert (tmp_path / STATE_FILE).read_bytes() == before
    sql(tmp_path, "PRAGMA user_version = 1")
    await filled(tmp_path)  # the refused start let go of the directory


async def test_a_database_of_another_program_is_refused_and_left_alone(tmp_path: Path) -> None:
    sql(tmp_path, "CREATE TABLE recipes(x)")
    with pytest.raises(StoreError, match=r"state\.db: a SQLite file of another program: move it away"):
        await SqliteStateStore.open(tmp_path, now=NOW)
    sql(tmp_path, "INSERT INTO recipes VALUES (1)")  # still there


async def test_a_second_daemon_is_refused(tmp_path: Path) -> None:
    code = (
        "import asyncio, sys, pathlib; from qualitywatch.store.backends.sqlite_state import SqliteStateStore as S\n"
        "async def main():\n"
        "    store = await S.open(pathlib.Path(sys.argv[1]), now=0.0); print('open', flush=True); sys.stdin.read()\n"
        "asyncio.run(main())"
    )
    other = subprocess.Popen([sys.executable, "-c", code, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert other.stdin is not None
    assert other.stdout is not None
    assert other.stdout.readline() == b"open\n"
    with pytest.raises(StoreError) as caught:
        await SqliteStateStore.open(tmp_path, now=NOW)
    assert str(caught.value) == (
        f"{tmp_path}: in use by another qualitywatch (process {other.pid}): "
        "stop it first, or give this one a state directory of its own"
    )
    other.kill()
    other.wait()
    other.stdin.close()
    other.stdout.close()
    await filled(tmp_path)  # a killed one leaves nothing in the way
    assert (tmp_path / LOCK_FILE).read_text() == f"{os.getpid()}\n"


async def test_a_path_through_a_file_is_explained(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for directory in (tmp_path / "file", tmp_path / "file" / "below"):
        with pytest.raises(StoreError, match=r"file.*/state\.db: part of this path is a file: name a directory"):
            await SqliteStateStore.open(directory, now=NOW)


async def test_unreadable_rows_are_told_and_do_not_stop_the_rest(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    store = await SqliteStateStore.open(tmp_path, now=NOW)
    messages = (a_notification("noc"), a_notification("duty"))
    await store.commit(StateChange((an_alert(), an_alert("SIP/6118")), messages, (an_agent(),), {"a": "1"}))
    await store.close()
    sql(
        tmp_path,
        "UPDATE alert SET body = '{}' WHERE subject = 'SIP/6117'",
        "UPDATE outbox SET body = 'x' WHERE target = 'noc'",
        "UPDATE agent SET body = '[]'",
        "UPDATE meta SET body = '{}'",
    )
    store = await SqliteStateStore.open(tmp_path, now=NOW)
    state = await store.load()
    assert (state.alerts, state.agents, state.meta) == ((an_alert("SIP/6118"),), (), {})
    assert [notification.target for notification in await store.due(NOW)] == ["duty"]
    assert [notification.target for notification in await store.due(NOW)] == ["duty"]
    assert sorted(caplog.messages) == [
        "state.db: message 1 cannot be read and is set aside: stored Notification: not JSON",
        "state.db: skipped one row: stored AgentRecord: unexpected list",
        "state.db: skipped one row: stored Alert: field key is missing",
        "state.db: skipped one row: stored _Fact: field name is missing",
    ]
    assert await store.given_up() == []
    await store.close()
    connection = sqlite3.connect(tmp_path / STATE_FILE)  # the text is still there for who can make sense of it
    assert connection.execute("SELECT target, body, error FROM dead").fetchall() == [
        ("noc", "x", "stored Notification: not JSON")
    ]
    connection.close()


async def test_the_dead_are_forgotten_after_30_days(tmp_path: Path) -> None:
    store = await SqliteStateStore.open(tmp_path, now=NOW)
    await store.commit(StateChange(notifications=(a_notification("old"), a_notification("new"), a_notification("newest"))))
    old, new, newest = await store.due(NOW)
    await store.give_up(old, NOW, "403 Forbidden")
    await store.give_up(new, NOW + 100, "403 Forbidden")
    await store.delivered(newest, NOW + DEAD_KEPT_S)
    assert [notification.target for notification, _ in await store.given_up()] == ["old", "new"]
    await store.delivered(newest, NOW + DEAD_KEPT_S + 1)
    assert [notification.target for notification, _ in await store.given_up()] == ["new"]
    await store.close()
    store = await SqliteStateStore.open(tmp_path, now=NOW + DEAD_KEPT_S + 101)
    assert await store.given_up() == []
    await store.close()


async def test_a_failed_commit_stores_none_of_its_parts(tmp_path: Path) -> None:
    store = await SqliteStateStore.open(tmp_path, now=NOW)
    await store.commit(StateChange(meta={"before": "1"}))
    impossible = replace(a_notification(), not_before=float("nan"))  # SQLite takes it for NULL
    with pytest.raises(StoreError, match=r"state\.db: NOT NULL constraint failed"):
        await store.commit(StateChange((an_alert(),), (a_notification(), impossible), (an_agent(),), {"after": "1"}))
    state = await store.load()
    assert (state.alerts, state.agents, state.meta) == ((), (), {"before": "1"})
    assert await store.due(NOW) == []
    await store.commit(StateChange((an_alert(),)))  # and the store goes on working
    assert (await store.load()).alerts == (an_alert(),)
    await store.close()


class LikeThePlainModel(RuleBasedStateMachine):
    """Whatever happens, kill and restart included, SQLite holds what the store in memory holds."""

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.directory = tempfile.TemporaryDirectory()
        self.model = MemoryStateStore()
        self.store = self.opened()
        self.now = NOW

    def opened(self) -> SqliteStateStore:
        return self.runner.run(SqliteStateStore.open(Path(self.directory.name), now=NOW))

    def due(self) -> list[Notification]:
        return list(self.runner.run(self.model.due(self.now)))

    def both(self, name: str, *arguments: object) -> None:
        for store in (self.store, self.model):
            self.runner.run(getattr(store, name)(*arguments))

    @rule(
        alerts=st.lists(model_values.alerts, max_size=2),
        notifications=st.lists(model_values.notifications, max_size=2),
        agents=st.lists(model_values.agents, max_size=2),
        meta=st.dictionaries(st.sampled_from("ab"), st.text()),
    )
    def commit(
        self, alerts: list[Alert], notifications: list[Notification], agents: list[AgentRecord], meta: dict[str, str]
    ) -> None:
        self.both("commit", StateChange(tuple(alerts), tuple(notifications), tuple(agents), meta))

    @rule(alert=model_values.alerts)
    def change_a_known_alert(self, alert: Alert) -> None:
        known: list[AlertKey] = [stored.key for stored in self.runner.run(self.model.load()).alerts]
        self.both("commit", StateChange((replace(alert, key=known[0] if known else alert.key),)))

    @rule(later=st.floats(0, 4e9))
    def time_passes(self, later: float) -> None:
        self.now = max(self.now, later)

    @precondition(lambda self: self.due())
    @rule()
    def deliver(self) -> None:
        self.both("delivered", self.due()[0], self.now)

    @precondition(lambda self: self.due())
    @rule(pause=st.floats(0, 1e6))
    def postpone(self, pause: float) -> None:
        self.both("postpone", self.due()[-1], self.now + pause, "502 Bad Gateway")

    @precondition(lambda self: self.due())
    @rule()
    def give_up(self) -> None:
        self.both("give_up", self.due()[0], NOW, "403 Forbidden")

    @rule()
    def restart(self) -> None:
        self.runner.run(self.store.close())
        self.store = self.opened()

    @invariant()
    def both_hold_the_same(self) -> None:
        ours, model = self.runner.run(self.store.load()), self.runner.run(self.model.load())
        assert sorted(map(repr, ours.alerts)) == sorted(map(repr, model.alerts))
        assert sorted(map(repr, ours.agents)) == sorted(map(repr, model.agents))
        assert ours.meta == model.meta
        assert list(self.runner.run(self.store.due(self.now))) == self.due()
        assert self.runner.run(self.store.next_due_at()) == self.runner.run(self.model.next_due_at())

    def teardown(self) -> None:
        self.runner.run(self.store.close())
        self.runner.close()
        self.directory.cleanup()


TestLikeThePlainModel = LikeThePlainModel.TestCase
TestLikeThePlainModel.settings = settings(max_examples=15, stateful_step_count=20, deadline=None)
