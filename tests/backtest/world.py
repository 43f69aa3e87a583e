"""A daemon's evening without a daemon: the production pipeline writes to the production store, and both are asked later."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from qualitywatch.ami.events import translate
from qualitywatch.ami.recording import read_recording
from qualitywatch.config import DEFAULT_INHIBITIONS
from qualitywatch.desk.desk import Desk
from qualitywatch.desk.policy import Audience, DeskPolicy
from qualitywatch.model import Alert, Incident, NotifyReason, PbxEvent, Transition
from qualitywatch.pipeline import Effects, LeftOff, Pipeline
from qualitywatch.ports import SeriesBatch
from qualitywatch.rules.loader import load_rules
from qualitywatch.rules.spec import RuleSpec
from qualitywatch.store.backends.rollup import ROLLUP_FILE, RollupOptions, RollupStore
from qualitywatch.store.past import Past
from qualitywatch.testing.feed import Progress, feed
from qualitywatch.testing.fitness import How, fitness, judged, metrics_of
from qualitywatch.testing.retrial import Retrial
from tests.conftest import CAPTURES

RULES = Path(__file__).parents[2] / "rules"
SHIPPED = load_rules([RULES])
RECORDINGS = sorted(path.parent for path in CAPTURES.glob("*/*/input.ami"))
PBX = "office"
POLICY = DeskPolicy(audiences=(Audience("chat"),), inhibitions=DEFAULT_INHIBITIONS)
TICK_S, GRACE_S = 0.5, 0.25  # as the daemon's watcher

Story = Sequence[tuple[float, Sequence[PbxEvent]]]
Told = tuple[str, str, str, str | None, str, float]


@dataclass(slots=True)
class Lived:
    """What came of it live, and where its history is."""

    directory: Path
    began_at: float
    ended_at: float
    transitions: list[Transition] = field(default_factory=list)
    alerts: tuple[Alert, ...] = ()  # there were at its end
    left_off: LeftOff | None = None
    incidents: dict[int, Incident] = field(default_factory=dict)

    def told(self, rules: Iterable[str]) -> list[Told]:
        """What somebody would be told of these rules: which, why and when."""
        return told(self.transitions, rules)


def told(transitions: Iterable[Transition], rules: Iterable[str]) -> list[Told]:
    wanted = set(rules)
    return sorted(
        (each.alert.key.rule, each.alert.key.subject, str(each.reason), each.alert.key.direction, each.alert.severity, each.at)
        for each in transitions
        if each.reason is not NotifyReason.NONE and each.alert.key.rule in wanted
    )


def live(
    directory: Path,
    steps: Iterable[tuple[float, Sequence[PbxEvent]]],
    specs: Sequence[RuleSpec] = SHIPPED,
    *,
    after: Lived | None = None,
    rest_s: float = 0.0,
) -> Lived:
    """Live through events as the daemon does, half a second at a time where nothing happens, and store it all.

    ``after`` is the run before this one.
    """
    story = list(steps)
    began_at = story[0][0]
    story.append((story[-1][0] + rest_s, ()))
    lived = Lived(directory, began_at, began_at)
    if after is not None:
        lived.alerts, lived.left_off = after.alerts, after.left_off
    return asyncio.run(_live(lived, story, specs))


async def _live(lived: Lived, story: Story, specs: Sequence[RuleSpec]) -> Lived:
    pipeline = Pipeline(PBX, specs, agents_learned=True, alerts=lived.alerts, left_off=lived.left_off)
    store = await RollupStore.open(lived.directory, RollupOptions(), now=lived.began_at)
    flush_at = lived.began_at + 60

    desk = Desk(POLICY, trunk_of=lambda _, one: pipeline.trunk_of(one), places_of=lambda _, one: pipeline.places_of(one))

    async def keep(effects: Effects) -> None:
        change = desk.step(PBX, effects.transitions, pipeline.alerts, pipeline.now or lived.began_at)
        lived.incidents |= {incident.id: incident for incident in change.incidents}
        lived.transitions += effects.transitions
        await store.write(SeriesBatch(effects.samples, effects.calls, effects.logs, observed=effects.observed))

    for at, events in story:
        while lived.ended_at + TICK_S < at:
            lived.ended_at += TICK_S
            await keep(pipeline.advance(lived.ended_at - GRACE_S))
        for event in events:
            await keep(pipeline.feed(event))
        lived.ended_at = max(lived.ended_at, at)
        while at >= flush_at:
            await store.flush(flush_at)
            flush_at += 60
    await keep(pipeline.advance(lived.ended_at))
    lived.alerts, lived.left_off = tuple(pipeline.alerts), pipeline.farewell().left_off
    await store.close(lived.ended_at)
    return lived


def recorded(recording: Path) -> Iterator[tuple[float, Sequence[PbxEvent]]]:
    for timed in read_recording((recording / "input.ami").read_bytes()):
        yield timed.at, tuple(translate(timed.message, timed.at))


def retry(lived: Lived, specs: Sequence[RuleSpec] = SHIPPED, since: float | None = None) -> tuple[Retrial, list[str]]:
    """Judge the stored history anew, all of it or from then on; also the names of the rules that are judged as live."""
    past = Past.open(lived.directory / ROLLUP_FILE)
    try:
        found = [fitness(spec, has_journal=True) for spec in specs]
        (extent,) = past.extents()
        begin = extent.first_at if since is None else since
        assert begin is not None
        retrial = Retrial(extent.pbx, judged(found), POLICY)
        metrics, all_sums = metrics_of(found)
        for item in feed(past, extent.pbx, begin, lived.ended_at + 1, metrics=metrics, all_sums=all_sums, progress=Progress()):
            retrial.hear(item)
        retrial.advance(lived.ended_at)
    finally:
        past.close()
    return retrial, [each.spec.name for each in found if each.how is How.AS_LIVE]
