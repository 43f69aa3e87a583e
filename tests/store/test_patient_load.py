"""What is read from a store whose disk is full is what it would hold."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from qualitywatch.errors import StoreError
from qualitywatch.model import Alert, AlertKey, AlertState, Severity
from qualitywatch.ports import StateChange
from qualitywatch.store.backends.memory import MemoryStateStore
from qualitywatch.store.patient import PatientStore


class FullDisk(MemoryStateStore):
    """A store that takes nothing while it is full."""

    is_full = False

    async def commit(self, change: StateChange) -> None:
        if self.is_full:
            raise StoreError("the disk is full")
        await super().commit(change)


def alert(subject: str) -> Alert:
    key = AlertKey("loss", "office", subject)
    return Alert(key, AlertState.FIRING, Severity.WARNING, topic="loss_percent", since_at=1.0, level_since={}, fired_at=2.0)


async def test_what_waits_for_the_disk_is_read_with_the_rest() -> None:
    disk = await FullDisk.open(Path("unused"), now=0.0)
    store = PatientStore(disk)
    await store.commit(StateChange(alerts=(alert("SIP/1"), alert("SIP/2")), meta={"old": "yes", "gone": "soon"}))
    before = await store.load()
    disk.is_full = True
    over = replace(alert("SIP/1"), state=AlertState.INACTIVE)
    await store.commit(StateChange(alerts=(over, alert("SIP/3")), meta={"new": "yes", "gone": ""}))
    loaded = await store.load()
    assert {each.key.subject for each in before.alerts} == {"SIP/1", "SIP/2"}
    assert {each.key.subject for each in loaded.alerts} == {"SIP/2", "SIP/3"}
    assert loaded.meta == {"old": "yes", "new": "yes"}
    disk.is_full = False
    await store.retry()
    written = await disk.load()
    assert {each.key.subject for each in written.alerts} == {each.key.subject for each in loaded.alerts}
    assert written.meta == loaded.meta
