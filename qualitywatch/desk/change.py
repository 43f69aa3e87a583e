"""What one step of the desk wants stored and told."""

from __future__ import annotations

from dataclasses import dataclass

from qualitywatch.model import AuditRow, Incident, Silence


@dataclass(frozen=True, slots=True)
class DeskChange:
    """New and changed incidents and silences, each once and as it is at the end of the step, and new audit rows."""

    incidents: tuple[Incident, ...] = ()
    silences: tuple[Silence, ...] = ()
    audit: tuple[AuditRow, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.incidents or self.silences or self.audit)

    def __add__(self, later: DeskChange) -> DeskChange:
        """Both in one: of the same incident or silence the later wins, audit rows follow each other."""
        incidents = {incident.id: incident for incident in (*self.incidents, *later.incidents)}
        silences = {silence.id: silence for silence in (*self.silences, *later.silences)}
        return DeskChange(tuple(incidents.values()), tuple(silences.values()), (*self.audit, *later.audit))
