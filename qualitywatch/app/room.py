"""The running daemon as people see and use it: ``room.Room`` on top of the desk, the pipelines and the stores.

Whatever it is asked to do is stored before it answers, and told to the chats like anything else that changes an incident.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from qualitywatch.app.keeper import Keeper
from qualitywatch.app.overview import overview
from qualitywatch.app.reasoning import why
from qualitywatch.app.supervisor import Supervisor
from qualitywatch.app.watcher import Watcher
from qualitywatch.desk.change import DeskChange
from qualitywatch.desk.desk import Desk
from qualitywatch.errors import StoreError
from qualitywatch.model import AuditRow, HistoryPoint, Incident, Silence
from qualitywatch.ports import Clock, FailingPart, FedDatabase, SeriesReader, StateChange
from qualitywatch.room import Limit, PbxView, SilenceRequest
from qualitywatch.rules.spec import RuleSpec
from qualitywatch.why import Why, WhyRequest


class DaemonRoom:
    """``room.Room``."""

    def __init__(
        self,
        desk: Desk,
        watchers: Mapping[str, Watcher],
        specs: Sequence[RuleSpec],
        keeper: Keeper,
        series: SeriesReader | None,
        clock: Clock,
        databases: Callable[[], Sequence[FedDatabase]] = tuple,
        supervisor: Supervisor | None = None,
    ) -> None:
        self._desk = desk
        self._watchers = watchers
        self._specs = specs
        self._keeper = keeper
        self._series = series
        self._clock = clock
        self._databases = databases
        self._supervisor = supervisor
        self.untold: Callable[[], Sequence[str]] = tuple  # filled in by whoever tells

    def now(self) -> float:
        """Unix seconds of the wall clock."""
        return self._clock.now()

    def pbxes(self) -> Sequence[PbxView]:
        """Every PBX, in the order of the configuration."""
        return [
            overview(name, watcher.pipeline, watcher.client.connected, watcher.now) for name, watcher in self._watchers.items()
        ]

    def incidents(self) -> Sequence[Incident]:
        """Open incidents, most urgent first."""
        return self._desk.open_incidents()

    def incident(self, incident_id: int) -> Incident | None:
        """One incident, open or not."""
        return self._desk.incident(incident_id)

    def closed_incidents(self) -> Sequence[Incident]:
        """Incidents that ended lately, the latest first."""
        return self._desk.closed_incidents()

    def troubles(self) -> Sequence[str]:
        """What cannot be stored at present, and why."""
        return self._keeper.troubles

    def databases(self) -> Sequence[FedDatabase]:
        """The time series databases that are fed."""
        return self._databases()

    def failing_parts(self) -> Sequence[FailingPart]:
        """Parts of the daemon that a mistake of this program has ended lately."""
        return self._supervisor.failing if self._supervisor is not None else ()

    def silences(self) -> Sequence[Silence]:
        """Silences in force or to come."""
        return self._desk.silences(self.now())

    def limits(self, pbx: str, subject: str) -> Sequence[Limit]:
        """Thresholds in force for a subject of a PBX, each once: a rule may be meant for other PBXes only."""
        return list(dict.fromkeys(limit for spec in self._specs for limit in spec.limits_for(pbx, subject)))

    def why(self, request: WhyRequest) -> Why:
        """Say why the alerts that are meant fire, or do not."""
        pipelines = {name: watcher.pipeline for name, watcher in self._watchers.items()}
        return why(request, self.now(), self._specs, pipelines, self.incidents())

    async def acknowledge(self, incident_id: int, by: str) -> Incident | None:
        """Take an open incident on."""
        await self._keep(self._desk.acknowledge(incident_id, by, self.now()))
        return self._desk.incident(incident_id)

    async def unacknowledge(self, incident_id: int, by: str) -> Incident | None:
        """Give an incident back."""
        await self._keep(self._desk.unacknowledge(incident_id, by, self.now()))
        return self._desk.incident(incident_id)

    async def mute_incident(self, incident_id: int, ends_at: float, by: str) -> Incident | None:
        """Silence the alerts of an open incident."""
        await self._keep(self._desk.mute_incident(incident_id, ends_at, by, self.now()))
        return self._desk.incident(incident_id)

    async def unmute_incident(self, incident_id: int, by: str) -> Incident | None:
        """End the silences made for an incident."""
        await self._keep(self._desk.unmute_incident(incident_id, by, self.now()))
        return self._desk.incident(incident_id)

    async def silence(self, request: SilenceRequest, by: str) -> Silence:
        """Make a silence; raises ValueError with the reason when it makes no sense."""
        silence, change = self._desk.silence(request, by, self.now())
        await self._keep(change)
        return silence

    async def expire_silence(self, silence_id: int, by: str) -> Silence | None:
        """End a silence now; return it as it is then, also one that was over before."""
        await self._keep(self._desk.expire_silence(silence_id, by, self.now()))
        return self._desk.known_silence(silence_id)

    async def note(self, row: AuditRow) -> None:
        """Store an audit row."""
        await self._keeper.keep_change(StateChange(audit=(row,)))

    async def history(self, pbx: str, subject: str, since: float, until: float) -> Sequence[HistoryPoint]:
        """The measured past of a subject; empty when the store cannot be read."""
        try:
            return await self._series.history(pbx, subject, since, until) if self._series is not None else ()
        except StoreError:
            return ()

    async def subjects(self, pbx: str, since: float, until: float) -> Sequence[str]:
        """Subjects with any measured call in that time; empty when the store cannot be read."""
        try:
            return await self._series.subjects(pbx, since, until) if self._series is not None else ()
        except StoreError:
            return ()

    async def _keep(self, change: DeskChange) -> None:
        if change:
            await self._keeper.keep_change(
                StateChange(incidents=change.incidents, silences=change.silences, audit=change.audit)
            )
