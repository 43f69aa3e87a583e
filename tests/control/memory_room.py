"""A ``Room`` without a daemon around it: real silences, and what a test puts into it."""

from __future__ import annotations

from collections.abc import Sequence

from qualitywatch.desk.silences import SilenceBook
from qualitywatch.errors import StoreError
from qualitywatch.model import AuditRow, HistoryPoint, Incident, Silence
from qualitywatch.room import Limit, PbxView, SilenceRequest

NOW = 1_764_000_000.0  # 2025-11-24 16:00:00 UTC, a Monday


class MemoryRoom:
    """``room.Room``; knows no incidents and no past."""

    def __init__(self, pbxes: Sequence[PbxView] = ()) -> None:
        self.book = SilenceBook()
        self.disk_is_full = False
        self._pbxes = pbxes

    def now(self) -> float:
        return NOW

    def pbxes(self) -> Sequence[PbxView]:
        return self._pbxes

    def incidents(self) -> Sequence[Incident]:
        return ()

    def incident(self, incident_id: int) -> Incident | None:
        return None

    def closed_incidents(self) -> Sequence[Incident]:
        return ()

    def troubles(self) -> Sequence[str]:
        return ()

    def silences(self) -> Sequence[Silence]:
        return self.book.live(NOW)

    def limits(self, pbx: str, subject: str) -> Sequence[Limit]:
        return ()

    async def acknowledge(self, incident_id: int, by: str) -> Incident | None:
        return None

    async def unacknowledge(self, incident_id: int, by: str) -> Incident | None:
        return None

    async def mute_incident(self, incident_id: int, ends_at: float, by: str) -> Incident | None:
        return None

    async def unmute_incident(self, incident_id: int, by: str) -> Incident | None:
        return None

    async def silence(self, request: SilenceRequest, by: str) -> Silence:
        if self.disk_is_full:
            raise StoreError("state.db: the disk is full: free some space")
        return self.book.add(request, by, NOW)

    async def expire_silence(self, silence_id: int, by: str) -> Silence | None:
        return self.book.expire(silence_id, NOW)

    async def note(self, row: AuditRow) -> None:
        pass

    async def history(self, pbx: str, subject: str, since: float, until: float) -> Sequence[HistoryPoint]:
        return ()

    async def subjects(self, pbx: str, since: float, until: float) -> Sequence[str]:
        return ()
