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
import time
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from qualitywatch.errors import StoreError
from qualitywatch.model import AgentRecord, Alert, AlertKey, AuditRow, Incident, Post, Silence, Told
from qualitywatch.ports import StateChange
from qualitywatch.store.backends.memory import MemoryStateStore
from qualitywatch.store.backends.sqlite_state import SqliteStateStore
from qualitywatch.store.bounds import Bounds
from qualitywatch.store.codec import dumps
from qualitywatch.store.lock import LOCK_FILE
from qualitywatch.store.state_tables import LAYOUT, STATE_FILE
from tests.store import model_values
from tests.store.model_values import NOW, a_post, a_silence, an_agent, an_alert, an_audit_row, an_incident
from tests.store.state_file import sql


async def filled(directory: Path, *, alerts: int = 1) -> None:
    store = await SqliteStateStore.open(directory, now=NOW)
    many = tuple(an_alert(f"SIP/{number}") for number in range(alerts))
    await store.commit(StateChange(many, (an_incident(),), (a_post(),), agents=(an_agent(),), meta={"a": "1"}))
    await store.close()


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
    assert connection.execute("PRAGMA user_version").fetchone() == (2,)
    assert connection.execute("SELECT count(*) FROM pragma_table_list WHERE schema = 'main' AND strict").fetchone() == (9,)
    connection.close()


async def test_commits_reach_the_disk_before_they_return(tmp_path: Path) -> None:
    store = await SqliteStateStore.open(tmp_path, now=NOW)
    assert await store._database.run(lambda connection: connection.execute("PRAGMA synchronous").fetchone()) == (2,)  # FULL
    await store.close()


async def test_an_administrator_can_look_in_while_we_run(tmp_path: Path) -> None:
    store = await SqliteStateStore.open(tmp_path, now=NOW)
    await store.commit(StateChange((an_alert(),), (an_incident(),), (a_post(),)))
    query = "SELECT rule, subject, direction, state FROM alert; SELECT target FROM post JOIN told ON post.id = told.post"
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
        f"{tmp_path}/state.db: written by a newer qualitywatch (schema 7, this one knows 2): "
        "install the newer version again, or move the file away to start with an empty one"
    )
    assert (tmp_path / STATE_FILE).read_bytes() == before
    sql(tmp_path, "PRAGMA user_version = 2")
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
    await store.commit(
        StateChange(
            alerts=(an_alert(), an_alert("SIP/6118")),
            incidents=(an_incident(1), an_incident(2)),
            posts=(a_post(1), a_post(2)),
            silences=(a_silence(1), a_silence(2)),
            audit=(an_audit_row("1"), an_audit_row("2")),
            agents=(an_agent(),),
            meta={"a": "1"},
        )
    )
    await store.close()
    sql(
        tmp_path,
        "UPDATE alert SET body = '{}' WHERE subject = 'SIP/6117'",
        *(f"UPDATE {table} SET body = 'x' WHERE id = 1" for table in ("incident", "post", "silence", "audit")),
        "UPDATE agent SET body = '[]'",
        "UPDATE meta SET body = '{}'",
    )
    store = await SqliteStateStore.open(tmp_path, now=NOW)
    state = await store.load()
    assert (state.alerts, state.agents, state.meta) == ((an_alert("SIP/6118"),), (), {})
    assert (state.incidents, state.posts, state.silences) == ((an_incident(2),), (a_post(2),), (a_silence(2),))
    assert await store.audit(10) == (an_audit_row("2"),)
    assert sorted(caplog.messages) == [
        "state.db: skipped one row: stored AgentRecord: unexpected list",
        "state.db: skipped one row: stored Alert: field key is missing",
        "state.db: skipped one row: stored AuditRow: not JSON",
        "state.db: skipped one row: stored Incident: not JSON",
        "state.db: skipped one row: stored Post: not JSON",
        "state.db: skipped one row: stored Silence: not JSON",
        "state.db: skipped one row: stored _Fact: field name is missing",
    ]
    await store.close()


def version_1(directory: Path) -> sqlite3.Connection:
    """A file as the first version left it, with an alert, an agent, a fact, and messages that were never sent."""
    connection = sqlite3.connect(directory / STATE_FILE, isolation_level=None)
    for statement in LAYOUT.migrations[0]:
        connection.execute(statement)
    connection.execute(f"PRAGMA application_id = {LAYOUT.application_id}")
    connection.execute("PRAGMA user_version = 1")
    alert = ("peer-loss", "office", "SIP/6117", "to_peer", "firing", dumps(an_alert()))
    connection.execute("INSERT INTO alert VALUES (?, ?, ?, ?, ?, ?)", alert)
    connection.execute("INSERT INTO agent VALUES ('office', 'SIP/105', ?)", (dumps(an_agent()),))
    connection.execute("""INSERT INTO meta VALUES ('a', '{"name":"a","value":"1"}')""")
    connection.execute("INSERT INTO outbox(target, not_before, attempts, body) VALUES ('noc', 0, 0, '{}')")
    connection.execute("INSERT INTO dead VALUES (7, 'duty', 0, 1, '403 Forbidden', '{}')")
    return connection


async def test_a_file_of_the_first_version_is_taken_over(tmp_path: Path) -> None:
    version_1(tmp_path).close()
    store = await SqliteStateStore.open(tmp_path, now=NOW)
    state = await store.load()
    assert (state.alerts, state.agents, state.meta) == ((an_alert(),), (an_agent(),), {"a": "1"})
    assert (state.incidents, state.posts, state.silences) == ((), (), ())
    await store.commit(StateChange(incidents=(an_incident(),), audit=(an_audit_row(),)))
    await store.close()
    store = await SqliteStateStore.open(tmp_path, now=NOW)  # once only
    assert (await store.load()).incidents == (an_incident(),)
    await store.close()
    connection = sqlite3.connect(tmp_path / STATE_FILE)
    tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    assert not {"outbox", "dead"} & tables
    connection.close()


async def test_a_move_to_the_new_version_that_fails_leaves_the_old_file(tmp_path: Path) -> None:
    connection = version_1(tmp_path)
    connection.execute("CREATE TABLE audit(x)")  # stands in the way of the last statement
    connection.close()
    with pytest.raises(StoreError, match="audit already exists"):
        await SqliteStateStore.open(tmp_path, now=NOW)
    sql(tmp_path, "DROP TABLE audit", "SELECT target, body FROM outbox")
    await filled(tmp_path)


async def test_a_failed_commit_stores_none_of_its_parts(tmp_path: Path) -> None:
    store = await SqliteStateStore.open(tmp_path, now=NOW)
    await store.commit(StateChange(meta={"before": "1"}))
    impossible = a_silence(ends_at=float("nan"))  # SQLite takes it for NULL
    with pytest.raises(StoreError, match=r"state\.db: NOT NULL constraint failed"):
        await store.commit(
            StateChange((an_alert(),), (an_incident(),), (a_post(),), (a_silence(2), impossible), meta={"after": "1"})
        )
    state = await store.load()
    assert (state.alerts, state.incidents, state.posts, state.silences) == ((), (), (), ())
    assert state.meta == {"before": "1"}
    await store.commit(StateChange((an_alert(),)))  # and the store goes on working
    assert (await store.load()).alerts == (an_alert(),)
    await store.close()


async def test_old_rows_that_cannot_be_deleted_stop_nobody(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    bounds = Bounds(audit_kept=1, commits_between=1)
    await filled(tmp_path)
    sql(tmp_path, "CREATE TRIGGER full BEFORE DELETE ON audit BEGIN SELECT RAISE(FAIL, 'no room'); END")
    store = await SqliteStateStore.open(tmp_path, now=NOW, bounds=bounds)
    await store.commit(StateChange(audit=(an_audit_row("1"), an_audit_row("2"))))
    assert len(await store.audit(10)) == 2
    await store.close()
    assert caplog.messages == [f"old rows were not deleted: {tmp_path}/state.db: no room"]


async def test_the_past_is_bounded_from_the_start(tmp_path: Path) -> None:
    await filled(tmp_path)
    store = await SqliteStateStore.open(tmp_path, now=NOW)
    closed = tuple(an_incident(number, closed_at=NOW) for number in range(2, 10))
    posts = tuple(a_post(incident.id, Told(incident.id, 1, 1)) for incident in closed)
    rows = tuple(an_audit_row(str(number)) for number in range(5))
    await store.commit(StateChange(incidents=closed, posts=posts, audit=rows))
    await store.close()
    store = await SqliteStateStore.open(tmp_path, now=NOW, bounds=Bounds(closed_kept=2, audit_kept=3))
    assert [incident.id for incident in (await store.load()).incidents] == [1, 8, 9]
    assert [row.what for row in await store.audit(10)] == ["4", "3", "2"]
    await store.close()
    connection = sqlite3.connect(tmp_path / STATE_FILE)
    for table in ("incident", "concern", "post", "told"):
        assert connection.execute(f"SELECT count(*) FROM {table}").fetchone() == (3,), table
    connection.close()


async def test_a_start_after_years_is_quick(tmp_path: Path) -> None:
    store = await SqliteStateStore.open(tmp_path, now=NOW)
    numbers = range(1, 5_001)
    await store.commit(
        StateChange(
            incidents=tuple(an_incident(number, closed_at=NOW) for number in numbers),
            posts=tuple(a_post(number, Told(number, 1, 1, closed=True)) for number in numbers),
        )
    )
    begun = time.perf_counter()
    assert len((await store.load()).incidents) == 500
    assert time.perf_counter() - begun < 2.0
    await store.close()


BOUNDS = Bounds(closed_loaded=1, silences_loaded=1, closed_kept=2, silences_kept=2, audit_kept=3, commits_between=1)


class LikeThePlainModel(RuleBasedStateMachine):
    """Whatever happens, kill and restart included, SQLite holds what the store in memory holds."""

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.directory = tempfile.TemporaryDirectory()
        self.model = MemoryStateStore(BOUNDS, NOW)
        self.store = self.opened()

    def opened(self) -> SqliteStateStore:
        return self.runner.run(SqliteStateStore.open(Path(self.directory.name), now=NOW, bounds=BOUNDS))

    def both(self, name: str, *arguments: object) -> None:
        for store in (self.store, self.model):
            self.runner.run(getattr(store, name)(*arguments))

    @rule(
        alerts=st.lists(model_values.alerts, max_size=2),
        agents=st.lists(model_values.agents, max_size=2),
        meta=st.dictionaries(st.sampled_from("ab"), st.text()),
    )
    def commit(self, alerts: list[Alert], agents: list[AgentRecord], meta: dict[str, str]) -> None:
        self.both("commit", StateChange(alerts=tuple(alerts), agents=tuple(agents), meta=meta))

    @rule(
        incidents=st.lists(model_values.incidents, max_size=2),
        posts=st.lists(model_values.posts, max_size=2),
        silences=st.lists(model_values.silences, max_size=2),
        audit=st.lists(model_values.audit_rows, max_size=2),
    )
    def commit_of_the_desk(
        self, incidents: list[Incident], posts: list[Post], silences: list[Silence], audit: list[AuditRow]
    ) -> None:
        self.both("commit", StateChange((), tuple(incidents), tuple(posts), tuple(silences), tuple(audit)))

    @rule(alert=model_values.alerts)
    def change_a_known_alert(self, alert: Alert) -> None:
        known: list[AlertKey] = [stored.key for stored in self.runner.run(self.model.load()).alerts]
        self.both("commit", StateChange((replace(alert, key=known[0] if known else alert.key),)))

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
        assert ours.incidents == model.incidents
        assert ours.posts == model.posts
        assert ours.silences == model.silences
        assert self.runner.run(self.store.audit(2)) == self.runner.run(self.model.audit(2))

    def teardown(self) -> None:
        self.runner.run(self.store.close())
        self.runner.close()
        self.directory.cleanup()


TestLikeThePlainModel = LikeThePlainModel.TestCase
TestLikeThePlainModel.settings = settings(max_examples=25, stateful_step_count=20, deadline=None)
