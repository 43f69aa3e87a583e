"""One PBX whose manager a test controls, watched by everything real: client, watcher, pipeline, desk, room, store.

It starts as after a restart: its trunks are down and critical, the ``missed`` peers are gone, and people have been told.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from itertools import repeat
from pathlib import Path
from typing import Any

from qualitywatch.ami.client import AmiClient, AmiEndpoint, Pace
from qualitywatch.ami.session import SessionTimeouts
from qualitywatch.app.keeper import Keeper
from qualitywatch.app.room import DaemonRoom
from qualitywatch.app.supervisor import Supervisor
from qualitywatch.app.watcher import Watcher
from qualitywatch.desk.desk import Desk
from qualitywatch.desk.policy import Audience, DeskPolicy
from qualitywatch.model import Alert, AlertKey, AlertState, AuditRow, Incident, Member, MemberState, Severity
from qualitywatch.pipeline import Pipeline
from qualitywatch.rules.loader import load_rules
from qualitywatch.rules.spec import RuleSpec
from qualitywatch.store.backends.memory import MemoryStateStore
from tests.fakes.scripted_manager import ScriptedManager

RULES = load_rules([Path(__file__).parents[2] / "rules"])
TRUNK = "SIP/74993801@sip.example"
OTHER_TRUNK = "SIP/74993802@sip.example"
START = 1_700_000_000.0


class Watch:
    """A clock that a test moves; its monotonic time runs by itself, and further where a test lets it."""

    def __init__(self) -> None:
        self.at = START
        self.passed_s = 0.0

    def now(self) -> float:
        return self.at

    def monotonic(self) -> float:
        return asyncio.get_running_loop().time() + self.passed_s


class Office:
    """What a test steers and looks at; made by ``office``."""

    def __init__(
        self,
        manager: ScriptedManager,
        store: MemoryStateStore,
        trunks: Sequence[str],
        severity: Severity,
        rules: Sequence[RuleSpec],
        timeouts: SessionTimeouts | None,
        missed: Sequence[str] = (),
    ) -> None:
        self.manager = manager
        self.store = store
        self.clock = Watch()
        alerts = [_down(trunk, severity) for trunk in trunks]
        alerts += [_down(peer, severity, rule="peer-down", topic="peer_state") for peer in missed]
        self.incidents = [_incident(number, alert) for number, alert in enumerate(alerts, 1)]
        desk = self.desk = Desk(DeskPolicy(audiences=(Audience("noc"),)), incidents=self.incidents)
        self.keeper = Keeper(store, [], self.clock)
        self.pipeline = Pipeline("office", rules, alerts=alerts)
        endpoint = AmiEndpoint("office", "127.0.0.1", manager.port, "qualitywatch", "secret")
        pace = Pace(boot_s=0.05, reload_s=0.05, refused_s=0.01)
        self.client = AmiClient(endpoint, self.clock, pace=pace, timeouts=timeouts, new_delays=lambda: repeat(0.01))
        self.supervisor = Supervisor(self.clock)
        self.watcher = Watcher(self.client, self.pipeline, desk, self.keeper, self.clock, supervisor=self.supervisor)
        self.room = DaemonRoom(desk, {"office": self.watcher}, rules, self.keeper, None, self.clock, supervisor=self.supervisor)

    def asked(self, action: str) -> list[Mapping[str, str]]:
        """The headers of every such action so far, names in lower case, without the ActionID."""
        actions = [each for each in self.manager.actions if each["action"] == action]
        return [{name: value for name, value in each.items() if name not in {"action", "actionid"}} for each in actions]

    async def acknowledged(self, incident_id: int = 1) -> str:
        """Wait until an incident is taken on; return by whom."""
        await until(lambda: self.room.incident(incident_id).ack is not None)  # type: ignore[union-attr]
        incident = self.room.incident(incident_id)
        assert incident is not None
        assert incident.ack is not None
        return incident.ack.by

    async def audit(self, count: int, action: str = "call") -> list[str]:
        """Wait for that many rows about calls, or another action; return what they say, oldest first."""
        rows: list[AuditRow] = []
        async with asyncio.timeout(10):
            while len(rows) < count:
                rows = [row for row in reversed(await self.store.audit(100)) if row.action == action]
                await asyncio.sleep(0.005)
        return [row.what for row in rows]

    async def meta(self) -> Mapping[str, str]:
        return (await self.store.load()).meta


@contextlib.asynccontextmanager
async def office(
    answers: Mapping[str, Any] | None = None,
    *,
    trunks: Sequence[str] = (TRUNK,),
    severity: Severity = Severity.CRITICAL,
    rules: Sequence[RuleSpec] = RULES,
    timeouts: SessionTimeouts | None = None,
    missed: Sequence[str] = (),
) -> AsyncIterator[Office]:
    """A manager that listens, and everything built but not yet running."""
    async with ScriptedManager(answers).listening() as manager:
        store = await MemoryStateStore.open(Path("unused"), now=START)
        yield Office(manager, store, trunks, severity, rules, timeouts, missed)


@contextlib.asynccontextmanager
async def running(*parts: Any) -> AsyncIterator[None]:
    """Run parts beside each other; they end with the block."""
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(part.run()) for part in parts]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()


async def until(condition: Callable[[], object], timeout_s: float = 10.0) -> None:
    """Wait for something that nobody announces."""
    async with asyncio.timeout(timeout_s):
        while not condition():
            await asyncio.sleep(0.005)


def _down(subject: str, severity: Severity, *, rule: str = "trunk-down", topic: str = "trunk_state") -> Alert:
    return Alert(
        AlertKey(rule, "office", subject),
        AlertState.FIRING,
        severity,
        topic=topic,
        since_at=START - 300,
        level_since={severity: START - 300},
        fired_at=START - 240,
        worst=severity,
    )


def _incident(number: int, alert: Alert) -> Incident:
    member = Member(alert, MemberState.FIRING, START - 240)
    return Incident(
        number, "office", START - 240, (member,), alert.severity, alert.severity, news=1, news_at=START - 240, targets=("noc",)
    )
