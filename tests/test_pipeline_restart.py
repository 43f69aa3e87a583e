"""Ways back after a stop or a kill of ours: holds go on from where they were, and nobody is told of what nobody saw."""

from __future__ import annotations

from pathlib import Path

import pytest

from qualitywatch.ami.events import translate
from qualitywatch.app.keeper import Keeper, left_off, rule_memories, trunk_memories
from qualitywatch.desk.desk import Desk
from qualitywatch.desk.policy import Audience, DeskPolicy, Route
from qualitywatch.model import AlertState, Booted, NotifyReason, PbxEvent, PeerState, Resynced, Transition, TrunkState
from qualitywatch.pipeline import Effects, LeftOff, Pipeline
from qualitywatch.store.backends.memory import MemoryStateStore
from qualitywatch.testing.dials import Dial, messages
from tests.app.office import Watch
from tests.test_pipeline import SHIPPED, START, connected, lossy, lost_sight, peer, trunk

POLICY = DeskPolicy(audiences=(Audience("chat"),), routes=(Route(repeat_s=None),))
TICK_S = 0.5
NIGHT_S = 36_000


class Run:
    """One run of the daemon with one PBX, from ``begin`` to a stop or a kill; times are seconds after the beginning."""

    def __init__(self, store: MemoryStateStore, pipeline: Pipeline, desk: Desk, pbx: str) -> None:
        self.pipeline = pipeline
        self.transitions: list[Transition] = []
        self._keeper, self._desk, self._pbx = Keeper(store, [], Watch()), desk, pbx

    @classmethod
    async def begin(cls, store: MemoryStateStore, pbx: str = "office") -> Run:
        """Go on with what is stored."""
        stored = await store.load()
        pipeline = Pipeline(
            *(pbx, SHIPPED),
            alerts=stored.alerts,
            left_off=left_off(pbx, stored.meta),
            agents_learned=True,
            trunk_memories=trunk_memories(pbx, stored.meta),
            rule_memories=rule_memories(pbx, stored.meta),
        )
        return cls(store, pipeline, Desk(POLICY, incidents=stored.incidents), pbx)

    async def feed(self, *events: PbxEvent) -> None:
        for event in events:
            await self._keep(self.pipeline.feed(event))

    async def wait(self, until: float) -> None:
        """Let time pass as the daemon does; what it has not heard of yet is not its time."""
        now = self.pipeline.now or START + until - TICK_S
        while now < START + until:
            now = min(now + TICK_S, START + until)
            await self._keep(self.pipeline.advance(now))

    async def stop(self) -> None:
        """End in peace; without it the run was killed."""
        await self._keep(self.pipeline.farewell())

    @property
    def told(self) -> list[tuple[float, str, str]]:
        """What somebody is told: when, why and by which rule."""
        moves = [move for move in self.transitions if move.reason is not NotifyReason.NONE]
        return [(move.at - START, str(move.reason), move.alert.key.rule) for move in moves]

    @property
    def news(self) -> int:
        """How many news there were of all incidents that are open."""
        return sum(incident.news for incident in self._desk.open_incidents())

    async def _keep(self, effects: Effects) -> None:
        self.transitions += effects.transitions
        now = self.pipeline.now
        assert now is not None
        change = self._desk.step(self._pbx, effects.transitions, self.pipeline.alerts, now)
        await self._keeper.keep(self._pbx, [effects], change, self.pipeline.alerts)


@pytest.fixture
async def store() -> MemoryStateStore:
    return await MemoryStateStore.open(Path("unused"), now=START)


@pytest.mark.parametrize(("in_peace", "until"), [(True, 602), (False, 602), (False, 600.2), (False, 611)])
async def test_a_host_that_is_rebooted_wakes_nobody(store: MemoryStateStore, in_peace: bool, until: float) -> None:
    """Asterisk says goodbye to its provider, the host comes back a minute later, and the trunk 3.5 s after that."""
    before = await Run.begin(store)
    await before.feed(connected(0), trunk(0, TrunkState.REGISTERED), Resynced(START + 1))
    await before.wait(599)
    await before.feed(trunk(600, TrunkState.UNREGISTERED))
    await before.wait(until)
    if in_peace:
        await before.stop()

    after = await Run.begin(store)
    await after.feed(connected(660), Booted(START + 660, 5.0), trunk(660, TrunkState.UNREGISTERED, listed=True))
    await after.feed(Resynced(START + 660.2))
    await after.wait(663)
    await after.feed(trunk(663.5, TrunkState.REGISTERED))
    await after.wait(800)
    assert [move.new_state for move in after.transitions] == [AlertState.INACTIVE]
    assert after.told == []


@pytest.mark.parametrize("gap_s", [3, 60, NIGHT_S])
@pytest.mark.parametrize("in_peace", [True, False])
async def test_a_hold_goes_on_from_where_it_was(store: MemoryStateStore, gap_s: int, in_peace: bool) -> None:
    """A phone is gone, for 5 minutes as its rule wants it: 100 s of them before the stop, the others after it."""
    before = await Run.begin(store)
    await before.feed(connected(0), peer(0, PeerState.REACHABLE), peer(10, PeerState.UNREACHABLE))
    await before.wait(110)
    if in_peace:
        await before.stop()

    after, back = await Run.begin(store), 110 + gap_s
    await after.feed(connected(back), peer(back, PeerState.UNREACHABLE, listed=True), Resynced(START + back + 1))
    await after.wait(back + 199 - TICK_S)
    assert after.told == []
    await after.wait(back + 220)
    ((at, *what),) = after.told
    assert what == ["firing", "peer-down"]
    assert 199 <= at - back <= (201 if in_peace else 211), "a kill costs a hold 10 s at most"


async def test_a_daemon_that_is_killed_every_minute_still_tells(store: MemoryStateStore) -> None:
    told: list[tuple[float, str, str]] = []
    at = 0.0
    for _ in range(8):
        run = await Run.begin(store)
        await run.feed(connected(at), *([peer(0, PeerState.REACHABLE)] if not at else []))
        await run.feed(peer(at, PeerState.UNREACHABLE, listed=bool(at)), Resynced(START + at + 1))
        await run.wait(at + 60)
        told += run.told
        at += 65
    assert [what for _, *what in told] == [["firing", "peer-down"]]
    assert told[0][0] <= 300 + 5 * 5 + 6 * 10


@pytest.mark.parametrize("gap_s", [3, 60, NIGHT_S])
@pytest.mark.parametrize("in_peace", [True, False])
async def test_what_fires_neither_ends_nor_is_told_anew(store: MemoryStateStore, gap_s: int, in_peace: bool) -> None:
    before = await Run.begin(store)
    await before.feed(connected(0), *lossy(1, 61, 6), trunk(61, TrunkState.REJECTED))
    await before.feed(*lossy(61, 130, 0, number=2))  # it gets better: the end of it is being waited for
    await before.wait(131)
    assert [what for _, *what in before.told] == [["firing", "loss"], ["firing", "trunk-down"]]
    news = before.news
    if in_peace:
        await before.stop()

    after, back = await Run.begin(store), 131 + gap_s
    await after.wait(back)  # Asterisk is not there yet, and a connection takes its time to fail
    await after.wait(back + 100)
    await after.feed(lost_sight(back + 100))
    await after.wait(back + 120)
    await after.feed(connected(back + 120), trunk(back + 120, TrunkState.REJECTED, listed=True))
    await after.feed(Resynced(START + back + 121))
    await after.wait(back + 125)
    assert after.told == []
    assert {alert.key.rule for alert in after.pipeline.alerts} == {"loss", "trunk-down"}
    assert after.news == news
    await after.feed(trunk(back + 126, TrunkState.REGISTERED))
    await after.wait(back + 500)
    assert sorted(what for _, *what in after.told) == [["resolved", "loss"], ["resolved", "trunk-down"]]


async def test_that_a_pbx_cannot_be_reached_is_told_when_it_has_been_tried_for_long_enough(store: MemoryStateStore) -> None:
    before = await Run.begin(store)
    await before.feed(connected(0), lost_sight(10))
    await before.wait(30)
    await before.stop()
    after = await Run.begin(store)
    await after.feed(lost_sight(NIGHT_S))
    await after.wait(NIGHT_S + 20)
    assert after.told == [(NIGHT_S + 10, "firing", "pbx-blind")], "20 s of its 30 were before the stop"
    await after.stop()
    again = await Run.begin(store)
    await again.feed(lost_sight(NIGHT_S + 100))
    await again.wait(NIGHT_S + 200)
    assert again.told == [(NIGHT_S + 180, "severity_increased", "pbx-blind")], "2 minutes of trying, in three parts"
    await again.feed(connected(NIGHT_S + 201))
    assert again.told[1:] == [(NIGHT_S + 201, "resolved", "pbx-blind")]


@pytest.mark.parametrize("in_peace", [True, False])
async def test_a_stop_after_a_gap_and_in_a_gap_does_not_bridge_it(store: MemoryStateStore, in_peace: bool) -> None:
    run = await Run.begin(store)
    await run.feed(connected(0), peer(0, PeerState.REACHABLE), peer(10, PeerState.UNREACHABLE))
    await run.wait(50)
    await run.feed(lost_sight(50))
    await run.wait(3000)
    await run.feed(connected(3000), peer(3000, PeerState.UNREACHABLE, listed=True))
    await run.wait(3030)
    await run.feed(lost_sight(3030))
    await run.wait(6000)
    if in_peace:
        await run.stop()
    run = await Run.begin(store)
    await run.feed(connected(6001), peer(6001, PeerState.UNREACHABLE, listed=True))
    await run.wait(6001 + 229)
    assert [told for told in run.told if told[2] == "peer-down"] == []
    await run.wait(6001 + 260)
    assert [what for _, *what in run.told if what[1] == "peer-down"] == [["firing", "peer-down"]]


@pytest.mark.parametrize("ahead_s", [3600, -3600])
async def test_a_pbx_whose_clock_differs_from_ours_is_told_of_in_its_own_time(store: MemoryStateStore, ahead_s: int) -> None:
    before = await Run.begin(store)
    await before.feed(connected(0), peer(0, PeerState.REACHABLE), peer(10, PeerState.UNREACHABLE))
    await before.wait(110)
    await before.stop()
    after, back = await Run.begin(store), 120
    await after.wait(back - ahead_s)  # nothing was heard yet: this is our own clock
    await after.feed(connected(back), peer(back, PeerState.UNREACHABLE, listed=True))
    await after.wait(back + 199 - TICK_S)
    assert after.told == []
    await after.wait(back + 310)
    assert [what for _, *what in after.told] == [["firing", "peer-down"]]


async def test_each_pbx_has_a_time_of_its_own(store: MemoryStateStore) -> None:
    for pbx, until in (("office", 110), ("branch", 30)):
        run = await Run.begin(store, pbx)
        await run.feed(connected(0), peer(0, PeerState.REACHABLE), peer(10, PeerState.UNREACHABLE))
        await run.wait(until)
        await run.stop()
    for pbx, left_s in (("office", 200), ("branch", 280)):
        run = await Run.begin(store, pbx)
        await run.feed(connected(NIGHT_S), peer(NIGHT_S, PeerState.UNREACHABLE, listed=True))
        await run.wait(NIGHT_S + 400)
        ((at, *_),) = run.told
        assert abs(at - NIGHT_S - left_s) <= 1


@pytest.mark.parametrize("text", ["", "[]", "[1]", "null", '["x", 1]', "[NaN, NaN]", "[1, 2]", "{}", "[1e999, 1]", "["])
def test_what_cannot_be_read_is_not_known(text: str) -> None:
    assert LeftOff.read(text) is None


# --- Percentages, whose windows begin empty ----------------------------------------------------------------------------


async def dialled(run: Run, pattern: str, begin: float) -> float:
    """One call a minute over a trunk, g is answered and b refused; return when the last is over."""
    for number, letter in enumerate(pattern):
        at, well = begin + 60 * number, letter == "g"
        call = Dial("SIP/6117", f"7495123{at:04.0f}", "PJSIP/provider", 20, 3 if well else None, 16 if well else 34)
        for when, message in messages(call, round(at), START + at):
            await run.feed(*translate(message, when))
    await run.wait(begin + 60 * len(pattern))
    return begin + 60 * len(pattern)


def delivery(run: Run) -> list[str]:
    return [str(alert.state) for alert in run.pipeline.alerts if alert.key.rule == "trunk-delivery"]


@pytest.mark.parametrize("in_peace", [True, False])
async def test_one_good_call_after_a_restart_is_no_better_percentage(store: MemoryStateStore, in_peace: bool) -> None:
    before = await Run.begin(store)
    await before.feed(connected(0), Resynced(START + 1))
    at = await dialled(before, "ggb" * 8, 10)
    assert delivery(before) == ["firing"]
    if in_peace:
        await before.stop()

    after = await Run.begin(store)
    await after.feed(connected(at + 60), Resynced(START + at + 61))
    at = await dialled(after, "g", at + 70)
    await after.wait(at + 600)
    assert delivery(after) == ["firing"], "a third of all calls failed, and nothing is known of the others"
    at = await dialled(after, "g" * 19, at + 600)
    await after.wait(at + 600)
    assert delivery(after) == []
    assert [what for _, *what in after.told] == [["resolved", "trunk-delivery"]]


async def test_nor_is_one_after_a_gap_in_what_is_seen(store: MemoryStateStore) -> None:
    run = await Run.begin(store)
    await run.feed(connected(0), Resynced(START + 1))
    at = await dialled(run, "ggb" * 8, 10)
    await run.feed(lost_sight(at + 10), connected(at + 20), Resynced(START + at + 21))
    at = await dialled(run, "g", at + 30)
    await run.wait(at + 600)
    assert delivery(run) == ["firing"]


async def test_a_row_of_failures_ends_with_one_good_call_before_and_after(store: MemoryStateStore) -> None:
    before = await Run.begin(store)
    await before.feed(connected(0), Resynced(START + 1))
    at = await dialled(before, "bbbb", 10)
    assert delivery(before) == ["firing"]
    after = await Run.begin(store)
    await after.feed(connected(at + 60), Resynced(START + at + 61))
    at = await dialled(after, "b", at + 70)
    assert delivery(after) == ["firing"]
    at = await dialled(after, "g", at)
    await after.wait(at + 600)
    assert delivery(after) == []


async def test_a_restored_percentage_of_a_trunk_nobody_calls_by_ends_as_nothing_left_to_judge(store: MemoryStateStore) -> None:
    before = await Run.begin(store)
    await before.feed(connected(0), Resynced(START + 1))
    at = await dialled(before, "ggb" * 8, 10)
    after = await Run.begin(store)
    await after.feed(connected(at + 60), Resynced(START + at + 61))
    await after.wait(at + 4200)
    (over,) = [move for move in after.transitions if move.reason is NotifyReason.RESOLVED]
    assert over.resolved_because == "no_data"
    at = await dialled(after, "bbb", at + 4200)
    assert delivery(after) == ["firing"]
    at = await dialled(after, "g", at)
    await after.wait(at + 600)
    assert delivery(after) == [], "what the percentage said then is forgotten"
