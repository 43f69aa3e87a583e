"""What rules have learned goes through the store into the next run; what is bad elsewhere is not learned."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

import pytest

from qualitywatch.ami.codec import Message
from qualitywatch.ami.events import translate
from qualitywatch.app.keeper import Keeper, rule_memories
from qualitywatch.desk.change import DeskChange
from qualitywatch.model import AlertState, Transition
from qualitywatch.pipeline import Effects, Pipeline
from qualitywatch.ports import Learning
from qualitywatch.rules.engine import REMEMBER_AT_ONCE
from qualitywatch.rules.loader import load_rules
from qualitywatch.rules.spec import RuleSpec
from qualitywatch.rules.witness import Witness
from qualitywatch.store.backends.sqlite_state import SqliteStateStore
from qualitywatch.testing.calls import Call, Line, messages

START = 1_767_571_200.0  # a Monday, midnight
RULES = """
rules:
  - {name: loss, kind: threshold, metric: loss_percent, warning: {enter: 3, clear: 1.5, for: 20s}}
  - {name: unusual, kind: baseline, metric: loss_percent, learning: 0, learn: 10, info: {deviations: 4}}
"""


class Clock:
    def now(self) -> float:
        return START

    def monotonic(self) -> float:
        return START


@pytest.fixture(scope="module")
def specs(tmp_path_factory: pytest.TempPathFactory) -> tuple[RuleSpec, ...]:
    folder = tmp_path_factory.mktemp("rules")
    (folder / "rules.yml").write_text(RULES, encoding="utf-8")
    return load_rules([folder])


def call(at: float, minutes: float, loss: float = 0.0, peer: str = "SIP/6117", number: int = 1) -> list[tuple[float, Message]]:
    return list(messages(Call(peer, 60 * minutes, (Line(loss_to=loss),)), number, at))


def play(pipeline: Pipeline, story: Iterable[tuple[float, Message]], until: float) -> list[Effects]:
    effects = []
    for at, message in story:
        effects += [pipeline.feed(event) for event in translate(message, at)]
    effects.append(pipeline.advance(until))
    return effects


def fired(effects: Iterable[Effects]) -> list[Transition]:
    return [each for one in effects for each in one.transitions if each.new_state is AlertState.FIRING]


def memory(effects: Iterable[Effects]) -> dict[str, str]:
    return {name: text for one in effects for name, text in one.learned.items()}


async def test_a_restart_forgets_nothing_that_was_learned(specs: tuple[RuleSpec, ...], tmp_path: Path) -> None:
    store = await SqliteStateStore.open(tmp_path, now=START)
    keeper = Keeper(store, [], Clock())
    before = Pipeline("office", specs)
    effects = play(before, call(START, 20), START + 1201)
    assert sum(bool(one.learned) for one in effects) <= 5  # every five minutes, not with every report
    for one in (*effects, before.farewell()):
        await keeper.keep("office", [one], DeskChange())
    assert not before.farewell().learned
    await store.close()

    store = await SqliteStateStore.open(tmp_path, now=START)
    meta = (await store.load()).meta
    assert set(rule_memories("office", meta)) == {"unusual/to_peer:SIP/6117", "unusual/from_peer:SIP/6117"}
    await store.close()
    after = Pipeline("office", specs, rule_memories=rule_memories("office", meta))
    (alert,) = fired(play(after, call(START + 86_400, 5, 2.0), START + 86_700))
    assert (alert.alert.key.rule, alert.alert.key.direction, alert.alert.details["usual"]) == ("unusual", "to_peer", "0")
    elsewhere = Pipeline("branch", specs, rule_memories=rule_memories("branch", meta))
    assert fired(play(elsewhere, call(START + 86_400, 5, 2.0), START + 86_700)) == []


def test_what_another_rule_tells_of_is_not_learned(specs: tuple[RuleSpec, ...]) -> None:
    pipeline = Pipeline("office", specs)
    play(pipeline, call(START, 20), START + 1300)
    effects = play(pipeline, call(START + 3600, 60, 5.0), START + 7200)
    assert {each.alert.key.rule for each in fired(effects)} == {"loss", "unusual"}
    effects += play(pipeline, (), START + 9000)
    learned = json.loads({**memory(effects), **pipeline.farewell().learned}["unusual/to_peer:SIP/6117"])
    assert learned["day"][0] == 0.0
    assert learned["day"][2] <= 20


def test_what_only_another_rule_can_tell_is_not_learned_either(specs: tuple[RuleSpec, ...]) -> None:
    """The line is bad from the first call on: nothing was usual before, but it has an alert."""
    pipeline = Pipeline("office", specs)
    effects = play(pipeline, call(START, 60, 5.0), START + 7200)
    assert {each.alert.key.rule for each in fired(effects)} == {"loss"}
    found = {**memory(effects), **pipeline.farewell().learned}
    assert set(found) == {"unusual/from_peer:SIP/6117"} or found.get("unusual/to_peer:SIP/6117") is None


def test_many_peers_are_remembered_in_slices(specs: tuple[RuleSpec, ...]) -> None:
    pipeline = Pipeline("office", specs)
    count = REMEMBER_AT_ONCE
    story = sorted(
        (item for number in range(count) for item in call(START, 4, peer=f"SIP/{number}", number=number)),
        key=lambda item: item[0],
    )
    effects = play(pipeline, story, START + 240)
    for second in range(241, 400):
        effects.append(pipeline.advance(START + second))
    slices = [len(one.learned) for one in effects if one.learned]
    assert max(slices) <= REMEMBER_AT_ONCE
    assert len(memory(effects)) == 2 * count
    assert not pipeline.farewell().learned


def test_a_rule_that_is_watched_learns_and_remembers_as_well(specs: tuple[RuleSpec, ...]) -> None:
    witness = Witness()
    watched = [witness.watch(spec) for spec in specs]
    assert isinstance(watched[1].build(), Learning)
    pipeline = Pipeline("office", watched)
    play(pipeline, call(START, 20), START + 1300)
    assert len(pipeline.farewell().learned) <= 2
    before = Pipeline("office", specs)
    effects = play(before, call(START, 20), START + 1300)
    after = Pipeline("office", watched, rule_memories={**memory(effects), **before.farewell().learned})
    assert fired(play(after, call(START + 86_400, 5, 2.0), START + 86_700))
