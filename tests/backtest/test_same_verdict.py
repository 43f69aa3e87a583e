"""The same verdict as live: what a backtest says of the stored history is what the daemon said while it wrote it."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qualitywatch.ami.events import translate
from qualitywatch.model import (
    Booted,
    Connected,
    Disconnected,
    PbxEvent,
    PeerState,
    PeerStateSeen,
    TrunkState,
    TrunkStateSeen,
)
from qualitywatch.rules.loader import load_rules
from qualitywatch.testing.calls import Call, Line, messages
from tests.accuracy.findings import SLOWLY
from tests.backtest.world import RECORDINGS, SHIPPED, Story, live, recorded, retry, told

START = 1_800_000_000.0
TRUNK = "SIP/74993801@sip.example"
LOSSES = (0.0, 0.4, 1.0, 1.4, 1.6, 2.9, 3.1, 5.0, 9.0, 11.0, 30.0)


@pytest.mark.parametrize("recording", SLOWLY, ids=lambda path: f"{path.parent.name}-{path.name}")
def test_of_every_recording(recording: Path, tmp_path: Path) -> None:
    lived = live(tmp_path, recorded(recording), rest_s=400)
    retrial, exact = retry(lived)
    assert told(retrial.transitions, exact) == lived.told(exact)
    # Each incident is one message for each of its news, in the one chat there is.
    heard = [(incident.opened_at, incident.news) for incident in lived.incidents.values() if incident.targets]
    assert [(each.opened_at, each.news) for each in retrial.incidents.values() if each.targets] == heard
    assert sum(each.messages for each in retrial.told) == sum(news for _, news in heard)


def test_the_recordings_tell_enough_to_be_compared(tmp_path: Path) -> None:
    (storm,) = (recording for recording in RECORDINGS if recording.name == "loss-storm")
    lived = live(tmp_path, recorded(storm), rest_s=400)
    assert len(lived.told(["loss"])) >= 28  # begins and ends
    assert {"loss", "jitter", "rtt", "mos", "trunk-down", "peer-down", "user-agent", "one-way-audio"} <= set(retry(lived)[1])


@dataclass(frozen=True)
class Talk:
    """A call of an invented evening, with a line that changes once."""

    begins_s: int
    lasts_s: int
    peer: int
    loss: float
    later_loss: float
    jitter_ms: int
    rtt_ms: int
    codec: str


talks = st.builds(
    Talk,
    begins_s=st.integers(0, 3000),
    lasts_s=st.integers(10, 900),
    peer=st.integers(0, 2),
    loss=st.sampled_from(LOSSES),
    later_loss=st.sampled_from(LOSSES),
    jitter_ms=st.sampled_from([1, 8, 19, 21, 29, 31, 52]),
    rtt_ms=st.sampled_from([10, 190, 210, 310, 650]),
    codec=st.sampled_from(["alaw", "g729", "opus"]),
)
other_events = st.lists(
    st.tuples(
        st.floats(0, 4000).map(lambda value: round(value, 3)),
        st.one_of(
            st.builds(lambda peer, state: ("peer", peer, state), st.integers(0, 2), st.sampled_from(PeerState)),
            st.builds(lambda state: ("trunk", state), st.sampled_from(TrunkState)),
            st.builds(lambda lasts_s: ("blind", lasts_s), st.integers(5, 300)),
            st.builds(lambda: ("restart",)),
        ),
    ),
    max_size=12,
)


def heard(events: Sequence[tuple[float, PbxEvent]]) -> Iterator[tuple[float, PbxEvent]]:
    """What a client hears: nothing while it is disconnected, and it can neither be cut off nor connect twice in a row."""
    is_connected = False
    for at, event in events:
        if isinstance(event, Connected) is not is_connected:
            is_connected = not isinstance(event, Disconnected)
            yield at, event


def story_of(calls: Sequence[Talk], others: Sequence[tuple[float, tuple[object, ...]]]) -> Story:
    events: list[tuple[float, PbxEvent]] = [(START - 1, Connected(START - 1))]
    for number, talk in enumerate(calls):
        lines = (
            Line(0, talk.loss, 0, talk.jitter_ms, talk.rtt_ms),
            Line(talk.lasts_s / 2, 0, talk.later_loss, talk.jitter_ms, talk.rtt_ms),
        )
        call = Call(f"SIP/{6000 + talk.peer}", talk.lasts_s, lines, talk.codec)
        # Not at full seconds: reports come at any moment.
        for at, message in messages(call, number, START + talk.begins_s + 0.137 * (number + 1)):
            events += ((at, event) for event in translate(message, at))
    for after_s, (kind, *what) in others:
        at = START + after_s
        match kind, what:
            case "peer", [int(peer), PeerState() as state]:
                events.append((at, PeerStateSeen(at, f"SIP/{6000 + peer}", state)))
            case "trunk", [TrunkState() as state]:
                events.append((at, TrunkStateSeen(at, TRUNK, state)))
            case "blind", [int(lasts_s)]:
                events += [(at, Disconnected(at, "gone")), (at + lasts_s, Connected(at + lasts_s))]
            case _:
                events.append((at, Booted(at, 3.0)))
    return [(at, (event,)) for at, event in heard(sorted(events, key=lambda item: item[0]))]


def same_verdict(calls: Sequence[Talk], others: Sequence[tuple[float, tuple[object, ...]]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        lived = live(Path(folder), story_of(calls, others), rest_s=500)
        retrial, exact = retry(lived)
        assert told(retrial.transitions, exact) == lived.told(exact)


@settings(max_examples=2, deadline=None)
@given(calls=st.lists(talks, min_size=1, max_size=10), others=other_events)
def test_of_invented_hours(calls: Sequence[Talk], others: Sequence[tuple[float, tuple[object, ...]]]) -> None:
    same_verdict(calls, others)


def test_of_a_call_whose_line_turns_bad_as_a_minute_begins() -> None:
    same_verdict([Talk(0, 120, 0, 0.0, 5.0, 1, 10, "alaw")], [])


@pytest.mark.slow
@pytest.mark.timeout(1200)
@settings(max_examples=40, deadline=None)
@given(calls=st.lists(talks, min_size=1, max_size=10), others=other_events)
def test_of_many_invented_hours(calls: Sequence[Talk], others: Sequence[tuple[float, tuple[object, ...]]]) -> None:
    same_verdict(calls, others)


@pytest.mark.slow
def test_other_rules_than_those_that_ran(tmp_path: Path) -> None:
    """Rules the daemon did not have when it wrote the history are judged as it would have judged them."""
    (tmp_path / "rules").mkdir()
    (tmp_path / "rules" / "mine.yml").write_text(
        """
        rules:
          - {name: strict, kind: threshold, min_expected: 200, warning: {enter: 1.5, clear: 1.0, for: 5s}, clear_hold: 30s}
          - {name: noisy, kind: threshold, metric: jitter_ms, aggregate: max, warning: {enter: 25, clear: 20}, clear_hold: 10s}
          - {name: rough, kind: threshold, metric: mos, window: 30s, warning: {enter: 3.8, clear: 3.9, for: 10s}}
          - {name: gone, kind: state, entity: trunk, bad: [rejected], warning: {for: 5s}}
        """,
        encoding="utf-8",
    )
    mine = load_rules([tmp_path / "rules"])
    calls = [Talk(60 * place, 240, place % 3, loss, 0.0, 28, 20, "alaw") for place, loss in enumerate(LOSSES)]
    story = story_of(calls, [(700.25, ("trunk", TrunkState.REJECTED)), (800.5, ("trunk", TrunkState.REGISTERED))])
    (tmp_path / "shipped").mkdir()
    (tmp_path / "own").mkdir()
    with_shipped = live(tmp_path / "shipped", story, SHIPPED, rest_s=400)
    with_mine = live(tmp_path / "own", story, mine, rest_s=400)
    retrial, exact = retry(with_shipped, mine)
    assert exact == ["strict", "noisy", "rough", "gone"]
    assert told(retrial.transitions, exact) == with_mine.told(exact)
    assert {rule for rule, *_ in with_mine.told(exact)} == set(exact)


def test_rules_that_look_at_good_minutes_are_right_to_the_minute(tmp_path: Path) -> None:
    (tmp_path / "mine.yml").write_text(
        "rules: [{name: fussy, kind: threshold, warning: {enter: 0.5, clear: 0.3, for: 20s}}]", encoding="utf-8"
    )
    mine = load_rules([tmp_path])
    calls = [Talk(600 * place, 300, place % 3, loss, 0.0, 1, 20, "alaw") for place, loss in enumerate((0.0, 0.7, 0.9, 0.6))]
    lived = live(tmp_path, story_of(calls, []), mine, rest_s=400)
    retrial, exact = retry(lived, mine)
    assert exact == []
    found, expected = told(retrial.transitions, ["fussy"]), lived.told(["fussy"])
    assert len(expected) == 6
    assert [each[:5] for each in found] == [each[:5] for each in expected]
    assert all(abs(one[5] - other[5]) <= 60 for one, other in zip(found, expected, strict=True))


def test_a_restart_of_the_daemon_in_the_midst_of_an_alert(tmp_path: Path) -> None:
    story = story_of([Talk(0, 900, 0, 6.0, 6.0, 1, 20, "alaw")], [(100.5, ("trunk", TrunkState.REJECTED))])
    half = next(place for place, (at, _) in enumerate(story) if at > START + 300)
    first = live(tmp_path, story[:half])
    again = live(tmp_path, story[half:], after=first, rest_s=400)
    retrial, exact = retry(again)
    assert told(retrial.transitions, exact) == sorted(first.told(exact) + again.told(exact))
    assert [each[2] for each in told(retrial.transitions, ["loss"])].count("firing") == 2  # both directions, once each


@pytest.mark.parametrize("gap_s", [20, 40_000])
@pytest.mark.parametrize("is_seen", [True, False])
def test_a_hold_over_a_stop_of_the_daemon(tmp_path: Path, gap_s: int, is_seen: bool) -> None:
    """What is bad before and after it has not been bad all the while."""
    is_down = [("trunk", TrunkState.REJECTED), ("peer", 1, PeerState.UNREACHABLE)]
    up = [(1.25, ("peer", 1, PeerState.REACHABLE)), (2.25, ("trunk", TrunkState.REGISTERED))]
    begun = [(200.25 + place, what) for place, what in enumerate(is_down)]
    lost = [] if is_seen else [(230.5, ("blind", 5000))]
    first = live(tmp_path, [step for step in story_of([], [*up, *begun, *lost]) if step[0] < START + 240], rest_s=11.3)
    back = 251.3 + gap_s
    at = START + back
    again = live(
        tmp_path, [(at, (Connected(at),)), *story_of([], [(back + 1, what) for what in is_down])[1:]], after=first, rest_s=400
    )
    retrial, exact = retry(again)
    expected = sorted(first.told(exact) + again.told(exact))
    assert told(retrial.transitions, exact) == expected
    (missed,) = [each[5] - at for each in expected if each[0] == "peer-down"]
    assert missed == pytest.approx(300 - (12.3 if is_seen else 29.2), abs=1.5)


@pytest.mark.parametrize("gap", [("blind", 70), ("blind", 12), ("restart",)])
def test_what_was_seen_before_a_gap_is_not_bridged(gap: tuple[object, ...], tmp_path: Path) -> None:
    """Half of the packets it takes are from before, half from after: alone neither is enough."""
    story = story_of([Talk(0, 400, 0, 6.0, 6.0, 1, 20, "alaw")], [(1.0, ("restart",)), (11.0, gap)])
    lived = live(tmp_path, story, rest_s=400)
    retrial, exact = retry(lived)
    assert told(retrial.transitions, exact) == lived.told(exact)
    unbroken = live(tmp_path / "unbroken", story_of([Talk(0, 400, 0, 6.0, 6.0, 1, 20, "alaw")], []), rest_s=400)
    assert min(each[5] for each in unbroken.told(["loss"])) < min(each[5] for each in lived.told(["loss"]))
