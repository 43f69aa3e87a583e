"""The desk: alerts of all PBXes become incidents, and people answer them.  Pure: it reads no clock and does no I/O.

Strategy: each PBX has its own board, on its own clock; silences and the count of incidents are shared.  Everything the desk
knows of an incident is in the ``Incident`` it hands out, so a desk that is made anew of what was stored goes on where the old
one was.  Silences, maintenance windows and acknowledgements live on the wall clock, all else on the PBX's.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Final

from qualitywatch.desk.board import Board
from qualitywatch.desk.case import Case
from qualitywatch.desk.change import DeskChange
from qualitywatch.desk.inhibition import PlacesOf, TrunkOf
from qualitywatch.desk.policy import DeskPolicy
from qualitywatch.desk.quiet import Quiet, quiet_at
from qualitywatch.desk.silences import SilenceBook
from qualitywatch.model import Acknowledgement, Alert, AlertKey, AuditRow, Incident, RemedyNote, Silence, Transition
from qualitywatch.room import SilenceRequest

REMEDIES_KEPT: Final = 50  # of one incident; the audit has all


class Desk:
    """All incidents and silences.

    ``last_incident`` and ``last_silence`` are numbers that were given already: people, messages and the audit know them.
    ``trunk_of`` tells, for a PBX and a subject, the name of the trunk it belongs to; ``places_of`` the places that may explain
    its bad sound: its site, the trunk whose gaps it hears.
    """

    def __init__(
        self,
        policy: DeskPolicy,
        *,
        incidents: Iterable[Incident] = (),
        silences: Iterable[Silence] = (),
        last_incident: int = 0,
        last_silence: int = 0,
        trunk_of: TrunkOf = lambda pbx, subject: None,
        places_of: PlacesOf = lambda pbx, subject: (),
    ) -> None:
        self._policy = policy
        self._trunk_of = trunk_of
        self._places_of = places_of
        self._book = SilenceBook(silences, last_silence)
        stored: dict[str, list[Incident]] = {}
        self._last_id = last_incident
        for incident in incidents:
            stored.setdefault(incident.pbx, []).append(incident)
            self._last_id = max(self._last_id, incident.id)
        self._boards = {pbx: self._board(pbx, known) for pbx, known in stored.items()}

    def step(
        self, pbx: str, transitions: Sequence[Transition], alerts: Sequence[Alert], now: float, wall: float | None = None
    ) -> DeskChange:
        """Take in what changed on one PBX, in order; ``alerts`` are all that are pending or fire after that.

        ``now`` is the PBX's own clock, ``wall`` that of people (None: the same).
        """
        board = self._boards.get(pbx)
        if board is None:
            board = self._boards[pbx] = self._board(pbx, ())
        changed = board.step(transitions, alerts, now, now if wall is None else wall)
        return DeskChange(changed) if changed else _NOTHING

    def abandon(self, pbx: str, now: float, wall: float) -> DeskChange:
        """A PBX is no longer configured: whatever is open there is over, also what would be waited for because it flaps."""
        board = self._boards.get(pbx)
        if board is None:
            return _NOTHING
        for case in board.register.open.values():
            board.stop_flapping(case)
        return self.step(pbx, (), (), now, wall)

    def acknowledge(self, incident_id: int, by: str, wall: float) -> DeskChange:
        """Somebody takes an open incident on; the second one changes nothing."""
        board, case = self._find(incident_id)
        if board is None or case is None or not case.is_open or case.incident.ack is not None:
            return _NOTHING
        board.change(case, replace(case.incident, ack=Acknowledgement(by, wall)))
        return self._changed("acknowledge", by, wall, _named(case.incident), incident=incident_id)

    def unacknowledge(self, incident_id: int, by: str, wall: float) -> DeskChange:
        """Somebody gives an open incident back."""
        board, case = self._find(incident_id)
        if board is None or case is None or not case.is_open or case.incident.ack is None:
            return _NOTHING
        what = f"{_named(case.incident)}, acknowledged by {case.incident.ack.by}"
        board.give_back(case, wall)
        return self._changed("unacknowledge", by, wall, what, incident=incident_id)

    def silence(self, request: SilenceRequest, by: str, wall: float) -> tuple[Silence, DeskChange]:
        """Make a silence; raise ValueError with the reason when its selectors or times make no sense."""
        silence = self._book.add(request, by, wall)
        self._judge_mutes(wall)
        return silence, self._changed("silence", by, wall, _meant(silence), (silence,))

    def expire_silence(self, silence_id: int, by: str, wall: float) -> DeskChange:
        """End a silence before its time; one that is over stays as it is."""
        silence = self._book.expire(silence_id, wall)
        if silence is None:
            return _NOTHING
        self._judge_mutes(wall)
        return self._changed("expire_silence", by, wall, _meant(silence), (silence,), silence.incident)

    def mute_incident(self, incident_id: int, ends_at: float, by: str, wall: float) -> DeskChange:
        """Silence exactly the alerts of an open incident; this takes the place of an earlier mute of the same incident.

        Nothing changes when the incident is not open, the end is in the past, or the same is muted until then already.
        """
        _, case = self._find(incident_id)
        if case is None or not case.is_open or not wall < ends_at < float("inf"):
            return _NOTHING
        keys = tuple(case.members)
        earlier = self._book.of_incident(incident_id, wall)
        if any((silence.keys, silence.ends_at) == (keys, ends_at) for silence in earlier):
            return _NOTHING
        ended = self._expire(earlier, wall)
        silence = self._book.mute(incident_id, keys, ends_at, by, wall)
        self._judge_mutes(wall)
        what = f"{_named(case.incident)} until {_moment(ends_at)} (silence {silence.id})"
        return self._changed("mute", by, wall, what, (*ended, silence), incident_id)

    def unmute_incident(self, incident_id: int, by: str, wall: float) -> DeskChange:
        """End what ``mute_incident`` began, also of an incident that is over."""
        ended = self._expire(self._book.of_incident(incident_id, wall), wall)
        if not ended:
            return _NOTHING
        self._judge_mutes(wall)
        incident = self.incident(incident_id)
        what = f"incident {incident_id}" if incident is None else _named(incident)
        return self._changed("unmute", by, wall, what, ended, incident_id)

    def note_remedy(self, incident_id: int, note: RemedyNote, row: AuditRow) -> DeskChange:
        """Something was done about an incident, open or not; of very many only the last are kept with it."""
        board, case = self._find(incident_id)
        if board is None or case is None:
            return DeskChange(audit=(row,))
        board.change(case, replace(case.incident, remedies=(*case.incident.remedies, note)[-REMEDIES_KEPT:]))
        return DeskChange(tuple(self._collect()), audit=(row,))

    def incident_of(self, key: AlertKey) -> int:
        """The incident an alert is in, the newest; 0 when there is none."""
        board = self._boards.get(key.pbx)
        if board is None:
            return 0
        held = board.register.holder.get(key)
        if held is not None:
            return held.id
        cases = (*board.register.open.values(), *board.register.closed.values())
        return max((case.id for case in cases if key in case.members), default=0)

    def incident(self, incident_id: int) -> Incident | None:
        """One incident, open or closed lately."""
        _, case = self._find(incident_id)
        return None if case is None else case.incident

    def open_incidents(self) -> Sequence[Incident]:
        """Incidents of all PBXes in which something fires (or flaps), most urgent first, then oldest first."""
        incidents = [case.incident for board in self._boards.values() for case in board.register.open.values()]
        return sorted(incidents, key=lambda each: (-each.severity.rank, each.opened_at, each.id))

    def closed_incidents(self) -> Sequence[Incident]:
        """Incidents of all PBXes that are over and still known, the one that ended last first."""
        incidents = [case.incident for board in self._boards.values() for case in board.register.closed.values()]
        return sorted(incidents, key=lambda each: (-(each.closed_at or each.opened_at), -each.id))

    def silences(self, wall: float) -> Sequence[Silence]:
        """Silences in force or to come, by id."""
        return self._book.live(wall)

    def unread_silences(self, wall: float) -> Sequence[tuple[Silence, str]]:
        """Silences of an earlier release that mute nothing now, and why."""
        return self._book.unread(wall)

    def known_silence(self, silence_id: int) -> Silence | None:
        """One silence, also when it is over."""
        return self._book.get(silence_id)

    def _board(self, pbx: str, incidents: Iterable[Incident]) -> Board:
        return Board(
            pbx,
            self._policy,
            incidents=incidents,
            next_id=self._next_id,
            quiet_at=self._quiet_at,
            trunk_of=self._trunk_of,
            places_of=self._places_of,
        )

    def _next_id(self) -> int:
        self._last_id += 1
        return self._last_id

    def _quiet_at(self, wall: float) -> Quiet:
        return quiet_at(wall, self._book, self._policy.windows)

    def _find(self, incident_id: int) -> tuple[Board, Case] | tuple[None, None]:
        for board in self._boards.values():
            case = board.register.open.get(incident_id) or board.register.closed.get(incident_id)
            if case is not None:
                return board, case
        return None, None

    def _judge_mutes(self, wall: float) -> None:
        for board in self._boards.values():
            board.judge_mutes(wall)

    def _expire(self, silences: Iterable[Silence], wall: float) -> tuple[Silence, ...]:
        return tuple(ended for each in silences if (ended := self._book.expire(each.id, wall)) is not None)

    def _changed(
        self, action: str, by: str, wall: float, what: str, silences: tuple[Silence, ...] = (), incident: int = 0
    ) -> DeskChange:
        return DeskChange(tuple(self._collect()), silences, (AuditRow(wall, by, action, what, incident),))

    def _collect(self) -> Iterator[Incident]:
        for board in self._boards.values():
            yield from board.collect()


_NOTHING = DeskChange()


def _named(incident: Incident) -> str:
    """An incident as the audit shall name it."""
    key = incident.members[0].key
    more = f" and {len(incident.members) - 1} more" if len(incident.members) > 1 else ""
    return f"incident {incident.id} on {incident.pbx}: {key.rule} {key.subject}{more}"


def _meant(silence: Silence) -> str:
    """A silence as the audit shall name it."""
    if silence.incident:
        return f"silence {silence.id} of incident {silence.incident} until {_moment(silence.ends_at)}"
    fields = {"rule": silence.rules, "subject": silence.subjects, "pbx": silence.pbxes, "severity": silence.severities}
    parts = [f"{name} {' or '.join(selectors)}" for name, selectors in fields.items() if selectors]
    starts = "" if silence.starts_at is None else f" from {_moment(silence.starts_at)}"
    comment = f": {silence.comment}" if silence.comment else ""
    return f"silence {silence.id} of {', '.join(parts)}{starts} until {_moment(silence.ends_at)}{comment}"


def _moment(wall: float) -> str:
    try:
        return datetime.fromtimestamp(wall, UTC).strftime("%Y-%m-%d %H:%M:%SZ")
    except (OverflowError, ValueError, OSError):  # a year no calendar has
        return f"{wall:.0f}"
