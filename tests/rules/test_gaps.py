"""No window of any kind of rule bridges a gap: what was seen before it has no say in what is judged after it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields, replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qualitywatch.model import (
    AlertKey,
    AudioState,
    ChangeObservation,
    DialObservation,
    Direction,
    Evaluation,
    EventsState,
    Gauge,
    LevelObservation,
    Metric,
    Observation,
    PbxState,
    PeerState,
    Sample,
    Share,
    ShareObservation,
    StatusObservation,
    Tally,
    TallyObservation,
    TrunkState,
    Verdict,
)
from qualitywatch.ports import RuleKind
from qualitywatch.rules.loader import load_rules
from qualitywatch.rules.registry import RULE_KINDS
from qualitywatch.rules.spec import RuleSpec

START = 1_700_000_000.0
# Its window is a number of calls, not a time: calls that are over stay true.  One cut by a gap is not counted at all.
BY_CALLS = {"fall"}
ONE_OF_EACH = """
rules:
  - {name: t-mean, kind: threshold, metric: loss_percent, min_expected: 10, warning: {enter: 3, clear: 1}}
  - {name: t-max, kind: threshold, metric: rtt_ms, aggregate: max, min_expected: 10, warning: {enter: 100, clear: 50}}
  - {name: s-trunk, kind: state, entity: trunk, warning: {for: 30s}}
  - {name: s-peer, kind: state, entity: peer, warning: {for: 30s}}
  - {name: s-audio, kind: state, entity: audio, warning: {for: 0s}, critical: {for: 0s, calls: 2}}
  - {name: c-agent, kind: change, attribute: user_agent}
  - {name: n-logins, kind: count, tally: login_failed, warning: {enter: 3}}
  - {name: n-flaps, kind: count, changes_of: trunk, warning: {enter: 2}}
  - {name: f-covered, kind: fall}
  - {name: r-delivered, kind: ratio, min_total: 3, warning: {enter: 90, consecutive: 3}}
  - {name: b-loss, kind: baseline, metric: loss_percent, info: {deviations: 4}}
  - {name: d-numbers, kind: destination, max_per_minute: 1}
  - {name: d-denied, kind: destination, deny: ["0900"]}
  - {name: h-site, kind: share, share: site_loss, min_peers: 2, warning: {enter: 50}}
  - {name: l-queue, kind: level, gauge: queue_longest_hold_s, warning: {enter: 60}}
"""


@pytest.fixture(scope="module")
def specs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, RuleSpec]:
    folder = tmp_path_factory.mktemp("rules")
    (folder / "each.yml").write_text(ONE_OF_EACH, encoding="utf-8")
    return {spec.name: spec for spec in load_rules([folder])}


NAMES = [line.partition("name: ")[2].partition(",")[0] for line in ONE_OF_EACH.splitlines() if "name: " in line]
SUBJECTS = st.sampled_from(["SIP/1", "SIP/2"])
PERCENTS = st.sampled_from([0.0, 2.0, 5.0, 50.0, 200.0])


def made(at: float, subject: str, kind: int, number: float, flag: bool) -> Observation:
    """One observation of any kind, out of what was drawn."""
    match kind:
        case 0:
            metric = Metric.LOSS_PERCENT if flag else Metric.RTT_MS
            direction = Direction.TO_PEER if flag else None
            return Sample(at, metric, min(number, 100), "pbx", subject, direction, subject, "1.1", Verdict.OK, 250)
        case 1:
            state = TrunkState.REGISTERED if flag else TrunkState.REJECTED
            return StatusObservation(at, "trunk", "pbx", subject, state, at)
        case 2:
            standing = PeerState.REACHABLE if flag else PeerState.UNREACHABLE
            return StatusObservation(at, "peer", "pbx", subject, standing, at)
        case 3:
            sound = AudioState.OK if flag else AudioState.DEAD
            return StatusObservation(at, "audio", "pbx", subject, sound, at, calls=None if flag else int(number) % 3 + 1)
        case 4:
            return ChangeObservation(at, "pbx", subject, "user_agent", "A", f"B{number}", known_since=START)
        case 5:
            return TallyObservation(at, Tally.LOGIN_FAILED, "pbx", subject, 0, 1, f"name{number}")
        case 6:
            return TallyObservation(at, Tally.DELIVERED, "pbx", subject, int(flag), 1, None if flag else "34 congestion")
        case 7:
            return TallyObservation(at, Tally.COVERED, "pbx", subject, int(flag), 1)
        case 8:
            number_dialled = f"0900{number:.0f}" if flag else f"030{number:.0f}"
            leg = f"{at:.1f}"
            return DialObservation(at, "pbx", subject, number_dialled, "trunk", f"{subject}-1", leg, True, number > 100)
        case 9:
            lossy = min(int(number), 5)
            return ShareObservation(at, Share.SITE_LOSS, "pbx", subject, lossy, 0, 5)
        case _:
            return LevelObservation(at, "pbx", subject, {Gauge.QUEUE_LONGEST_HOLD_S: number})


@st.composite
def observations(draw: st.DrawFn) -> list[tuple[float, Observation]]:
    """Observations with the seconds since the one before."""
    drawn = draw(
        st.lists(st.tuples(st.floats(0.5, 40), SUBJECTS, st.integers(0, 10), PERCENTS, st.booleans()), min_size=1, max_size=25)
    )
    at, found = 0.0, []
    for pause_s, subject, kind, number, flag in drawn:
        at += pause_s
        found.append((at, made(START + at, subject, kind, number, flag)))
    return found


def moved(found: Sequence[tuple[float, Observation]], by_s: float) -> list[tuple[float, Observation]]:
    shifted = []
    for at, each in found:
        names = {field.name for field in fields(each)} & {"at", "since_at"}
        shifted.append((at + by_s, replace(each, **{name: getattr(each, name) + by_s for name in names})))
    return shifted


def judged(
    rule: RuleKind, found: Sequence[tuple[float, Observation]], also: Sequence[AlertKey] = ()
) -> tuple[list[Evaluation | None], list[AlertKey]]:
    """All opinions of a rule: at every observation, and of everybody every so often afterwards."""
    opinions: list[Evaluation | None] = []
    keys = dict.fromkeys(also)
    for at, observation in found:
        for key in rule.observe(observation):
            keys[key] = None
            opinions.append(rule.evaluate(key, START + at))
    last = START + found[-1][0]
    for later_s in (1.0, 25.0, 90.0, 400.0, 4000.0):
        opinions.extend(rule.evaluate(key, last + later_s) for key in keys)
    return opinions, list(keys)


def test_every_kind_is_looked_at(specs: dict[str, RuleSpec]) -> None:
    assert {spec.kind for spec in specs.values()} == set(RULE_KINDS)


# A fall is judged by days, and calls to forbidden numbers outlive a gap (test_destination.py).
@pytest.mark.parametrize("name", [name for name in NAMES if not name.startswith(("f-", "d-"))])
@given(before=observations(), after=observations(), gap_s=st.floats(0.1, 300))
@settings(max_examples=60, deadline=None)
def test_after_a_gap_a_rule_judges_as_if_there_had_been_nothing_before(
    name: str,
    before: list[tuple[float, Observation]],
    after: list[tuple[float, Observation]],
    gap_s: float,
    specs: dict[str, RuleSpec],
) -> None:
    after = moved(after, before[-1][0] + 4000 + gap_s)
    old, new = specs[name].build(), specs[name].build()
    _, keys = judged(old, before)
    old.forget()
    told, _ = judged(old, after, keys)
    fresh, _ = judged(new, after, keys)
    assert told == fresh


@pytest.mark.parametrize("name", ["t-mean", "s-trunk", "n-logins", "n-flaps", "r-delivered", "h-site", "l-queue"])
def test_without_a_gap_it_does_not(name: str, specs: dict[str, RuleSpec]) -> None:
    """The comparison above can fail: what is not forgotten does have its say."""
    kinds = {"t": 0, "s": 1, "n": 5, "r": 6, "h": 9, "l": 10}
    kind = 1 if name == "n-flaps" else kinds[name[0]]
    before = [(at, made(START + at, "SIP/1", kind, 50.0, name in {"t-mean"} or at % 2 == 1)) for at in range(8)]
    after = [(9.0, made(START + 9, "SIP/2", kind, 0.0, True))]
    old, new = specs[name].build(), specs[name].build()
    for at, observation in before:
        for key in old.observe(observation):
            old.evaluate(key, START + at)
    key = AlertKey(name, "pbx", "SIP/1", Direction.TO_PEER if name == "t-mean" else None)
    assert judged(old, after, [key])[0] != judged(new, after, [key])[0]


@pytest.mark.parametrize(
    ("entity", "bad"), [("pbx", PbxState.BLIND), ("events", EventsState.NO_REPORTS)], ids=["blind", "half-blind"]
)
def test_that_nothing_can_be_seen_is_not_forgotten_because_of_it(entity: str, bad: str, tmp_path: Path) -> None:
    (tmp_path / "r.yml").write_text(f"rules: [{{name: r, kind: state, entity: {entity}, warning: {{for: 30s}}}}]")
    rule = load_rules([tmp_path])[0].build()
    (key,) = rule.observe(StatusObservation(START, entity, "pbx", "pbx", bad, START))
    before = rule.evaluate(key, START + 60)
    rule.forget()
    assert rule.evaluate(key, START + 60) == before
