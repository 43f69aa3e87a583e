"""A disk that fills and empties at any moment: nobody waits for it, and in the end it holds what a disk with room would."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qualitywatch.errors import StoreError
from qualitywatch.model import AlertState, AuditRow
from qualitywatch.ports import StateChange
from qualitywatch.store.backends.memory import MemoryStateStore
from qualitywatch.store.backends.sqlite_state import SqliteStateStore
from qualitywatch.store.patient import PatientStore
from tests.store.model_values import NOW, an_alert, an_incident

_ALERTS = st.builds(an_alert, st.sampled_from(["SIP/1", "SIP/2"]), state=st.sampled_from(AlertState), value=st.floats(0, 9))
_CHANGES = st.builds(
    StateChange,
    alerts=st.lists(_ALERTS, max_size=2).map(tuple),
    incidents=st.lists(st.builds(an_incident, st.integers(1, 3), revision=st.integers(0, 9)), max_size=2).map(tuple),
    audit=st.lists(st.integers(0, 9).map(lambda number: AuditRow(NOW, "anna", "ack", str(number))), max_size=2).map(tuple),
    meta=st.none() | st.dictionaries(st.sampled_from("ab"), st.sampled_from(["", "1", "2"])),
)


class _Disk(MemoryStateStore):
    """Memory that can be full."""

    is_full = False

    async def commit(self, change: StateChange) -> None:
        if self.is_full:
            raise StoreError("state.db: the disk is full")
        await super().commit(change)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.booleans(), _CHANGES), max_size=8))
def test_in_the_end_everything_is_there_and_in_order(steps: list[tuple[bool, StateChange]]) -> None:
    async def live() -> None:
        disk, roomy = await _Disk.open(Path(), now=NOW), await MemoryStateStore.open(Path(), now=NOW)
        patient = PatientStore(disk)
        for disk.is_full, change in steps:
            await patient.commit(change)
            await roomy.commit(change)
        disk.is_full = False
        await patient.retry()
        assert patient.trouble is None
        stored, expected = await disk.load(), await roomy.load()
        assert {alert.key: alert for alert in stored.alerts} == {alert.key: alert for alert in expected.alerts}
        assert (stored.incidents, stored.meta) == (expected.incidents, expected.meta)
        assert await patient.audit(99) == await roomy.audit(99)

    asyncio.run(live())


async def test_a_disk_that_is_full_is_said_once_and_its_end_too(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    disk = await SqliteStateStore.open(tmp_path, now=NOW)
    patient = PatientStore(disk)
    pages = await disk._database.run(lambda connection: connection.execute("PRAGMA page_count").fetchone()[0])
    await disk._database.run(lambda connection: connection.execute(f"PRAGMA max_page_count = {pages}").fetchall())
    for number in range(40):
        await patient.commit(StateChange(meta={f"key{number}": "x" * 4000}))
    assert patient.trouble is not None and "the disk is full" in patient.trouble
    await disk._database.run(lambda connection: connection.execute("PRAGMA max_page_count = 10000").fetchall())
    await patient.retry()
    assert patient.trouble is None
    await patient.close()
    again = await SqliteStateStore.open(tmp_path, now=NOW)
    assert len((await again.load()).meta) == 40
    await again.close()
    said = [record.getMessage().partition(" ")[0] for record in caplog.records if record.name.endswith("patient")]
    assert said == ["state.cannot_be_stored", "state.stored_again"]
