"""Persist, then notify: nothing is said before it is stored, and nothing is lost because it could not be stored.

Strategy: what one step wants remembered is committed in one transaction, alerts and incidents together, and only then handed
to whoever tells people.  A disk that is full keeps the changes in memory, in order, and they are tried again; the trouble is
logged once, and so is its end.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Mapping, Sequence

from qualitywatch.desk.change import DeskChange
from qualitywatch.errors import StoreError
from qualitywatch.model import Alert, Incident, NotifyReason
from qualitywatch.pipeline import Effects, LeftOff
from qualitywatch.ports import Clock, SeriesBatch, SeriesStore, StateChange, StateStore

log = logging.getLogger(__name__)

LEARNED_KEY = "agents.learned."
TRUNK_KEY = "trunk."
RULE_KEY = "rule."
LEFT_OFF_KEY = "left_off."


def trunk_memories(pbx: str, meta: Mapping[str, str]) -> dict[str, str]:
    """What was remembered of the trunks of a PBX, by trunk name."""
    found = _under(f"{TRUNK_KEY}{pbx}.", meta)
    # A trunk is named by its driver, "SIP/..."; more before that belongs to a PBX whose name goes on: "pbx" and "pbx.msk".
    return {trunk: text for trunk, text in found.items() if "." not in trunk.partition("/")[0]}


def rule_memories(pbx: str, meta: Mapping[str, str]) -> dict[str, str]:
    """What the rules of a PBX have learned, by rule and what they call it."""
    return _under(f"{RULE_KEY}{pbx}.", meta)


def left_off(pbx: str, meta: Mapping[str, str]) -> LeftOff | None:
    """How far the last run had lived with a PBX; None when that is not known."""
    return LeftOff.read(meta.get(LEFT_OFF_KEY + pbx, ""))


def _under(prefix: str, meta: Mapping[str, str]) -> dict[str, str]:
    return {key.removeprefix(prefix): text for key, text in meta.items() if key.startswith(prefix)}


class Keeper:
    """Stores the effects of all pipelines; ``tell`` is handed the incidents that are stored."""

    def __init__(self, state: StateStore, series: Sequence[SeriesStore], clock: Clock) -> None:
        self.tell: Callable[[Sequence[Incident]], None] = lambda incidents: None
        self._state = state
        self._series = series
        self._clock = clock
        self._waiting: deque[StateChange] = deque()
        self._committing = asyncio.Lock()
        self._learned: set[str] = set()
        self._state_fails: str | None = None
        self._failing_series: dict[tuple[int, str], str] = {}  # which store, at what work: why
        self.state_trouble: Callable[[], str | None] = lambda: None

    @property
    def waiting(self) -> int:
        """Changes that could not be stored yet."""
        return len(self._waiting)

    @property
    def is_behind(self) -> bool:
        """Whether something that is to be remembered is not on the disk: a kill would undo it."""
        return bool(self._waiting) or self.state_trouble() is not None

    @property
    def is_failing(self) -> bool:
        """Whether something could not be stored when it was tried last."""
        return bool(self.troubles)

    @property
    def troubles(self) -> Sequence[str]:
        """What could not be stored when it was tried last, and why."""
        told = [self._state_fails, self.state_trouble(), *self._failing_series.values()]
        return list(dict.fromkeys(trouble for trouble in told if trouble))

    async def keep(self, pbx: str, effects: Sequence[Effects], desk: DeskChange, alerts: Sequence[Alert] = ()) -> None:
        """Store what a few steps of one pipeline, and the desk after them, want remembered; ``alerts`` are those there are."""
        change = self._change(pbx, effects, desk, alerts)
        if change:
            self._waiting.append(change)
        await self.commit_waiting()
        batch = SeriesBatch(
            tuple(sample for effect in effects for sample in effect.samples),
            tuple(call for effect in effects for call in effect.calls),
            tuple(entry for effect in effects for entry in effect.logs),
            tuple(each for effect in effects for each in effect.observed),
            tuple(kpi for effect in effects for kpi in effect.kpis),
        )
        if batch.samples or batch.calls or batch.logs or batch.observed or batch.kpis:
            await self._each_series("write", lambda store: store.write(batch))

    async def keep_change(self, change: StateChange) -> None:
        """Store a change that does not come from a pipeline."""
        self._waiting.append(change)
        await self.commit_waiting()

    async def commit_waiting(self) -> None:
        """Store what is waiting, in order; what cannot be stored goes on waiting.

        Once begun it is ended, also when whoever asks is cancelled (a reload, a stop, a limit of time): else what was stored
        would be taken for waiting, stored again, and told late.
        """
        if self._waiting:
            await asyncio.shield(self._commit_all())

    async def _commit_all(self) -> None:
        async with self._committing:  # several watchers share one order
            while self._waiting and await self._commit(self._waiting[0]):
                change = self._waiting.popleft()
                if change.incidents:
                    self.tell(change.incidents)

    async def _commit(self, change: StateChange) -> bool:
        try:
            await self._state.commit(change)
        except StoreError as exc:
            if self._state_fails is None:
                log.error('state.cannot_be_stored error="%s" kept_in_memory=yes', exc)
            self._state_fails = str(exc)
            return False
        if self._state_fails is not None:
            self._state_fails = None
            log.warning("state.stored_again")
        return True

    async def flush(self) -> None:
        """Let the series stores write what is complete."""
        now = self._clock.now()
        await self._each_series("flush", lambda store: store.flush(now))

    async def prune(self) -> None:
        """Let the series stores delete what is too old."""
        now = self._clock.now()
        await self._each_series("prune", lambda store: store.prune(now))

    def _change(self, pbx: str, effects: Sequence[Effects], desk: DeskChange, alerts: Sequence[Alert]) -> StateChange:
        changed = {
            transition.alert.key: transition.alert
            for effect in effects
            for transition in effect.transitions
            if transition.reason is not NotifyReason.HAPPENED
        }
        # Figures of what people are being told are stored as they are told, not only when a state changes.
        told = {member.key: member.alert for incident in desk.incidents for member in incident.firing}
        current = {alert.key: alert for alert in alerts}
        left_off = next((effect.left_off for effect in reversed(effects) if effect.left_off is not None), None)
        waiting = {key: alert for key, alert in current.items() if left_off is not None and alert.is_waiting}
        stored = {key: current.get(key, changed.get(key)) for key in {**changed, **told, **waiting}}
        meta = {f"{TRUNK_KEY}{pbx}.{trunk}": text for effect in effects for trunk, text in effect.memories.items()}
        meta |= {f"{RULE_KEY}{pbx}.{name}": text for effect in effects for name, text in effect.learned.items()}
        if left_off is not None:
            meta[LEFT_OFF_KEY + pbx] = left_off.text
        if pbx not in self._learned and any(effect.agents_learned for effect in effects):
            self._learned.add(pbx)
            meta[LEARNED_KEY + pbx] = "yes"
        return StateChange(
            alerts=tuple(alert for alert in stored.values() if alert is not None),
            incidents=desk.incidents,
            silences=desk.silences,
            audit=desk.audit,
            agents=tuple(record for effect in effects for record in effect.agents),
            meta=meta or None,
        )

    async def _each_series(self, deed: str, work: Callable[[SeriesStore], object]) -> None:
        """Let each store do something; taking in, writing and deleting fail for reasons of their own."""
        for index, store in enumerate(self._series):
            try:
                await work(store)  # type: ignore[misc]
            except StoreError as exc:
                if (index, deed) not in self._failing_series:
                    log.error('series.cannot_be_stored store=%s error="%s"', type(store).__name__, exc)
                self._failing_series[(index, deed)] = str(exc)
            else:
                if self._failing_series.pop((index, deed), None) is not None:
                    log.warning("series.stored_again store=%s", type(store).__name__)
