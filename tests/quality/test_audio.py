"""Dead air and one-way audio: on every recording, on calls of every shape, and on no call that is only quiet."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qualitywatch.model import (
    AudioState,
    Channel,
    ChannelChanged,
    ChannelHeld,
    ChannelHungUp,
    Direction,
    PbxEvent,
    RtcpReport,
    StatusObservation,
)
from qualitywatch.quality.audio import AudioTracker
from tests.accuracy.findings import events_of
from tests.conftest import CAPTURES
from tests.fakes.line import FOREVER, START, Line

RECORDINGS = sorted(path.parent for path in CAPTURES.glob("*/*/input.ami"))
IDS = [f"{path.parent.name}/{path.name}" for path in RECORDINGS]
BAD = {AudioState.HEARS_NOTHING, AudioState.SENDS_NOTHING, AudioState.DEAD}
# What was done to whom; every other call of every recording is clean.
INJECTED = {
    "asterisk-20/one-way-audio": {("PJSIP/706", AudioState.HEARS_NOTHING), ("PJSIP/707", AudioState.SENDS_NOTHING)},
}
PROMISED_S = 12.0


def give(tracker: AudioTracker, event: PbxEvent) -> tuple[StatusObservation, ...]:
    match event:
        case RtcpReport():
            return tracker.observe(event)
        case ChannelChanged() | ChannelHeld():
            return tracker.see(event)
        case ChannelHungUp():
            return tracker.hang_up(event)
        case _:
            return ()


def run(events: Iterable[PbxEvent], tracker: AudioTracker | None = None) -> list[StatusObservation]:
    tracker = tracker or AudioTracker("office")
    return [told for event in events for told in give(tracker, event)]


def accused(told: Iterable[StatusObservation]) -> set[tuple[str, str]]:
    return {(one.subject, one.status) for one in told if one.status in BAD}


# --- Recordings -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("recording", RECORDINGS, ids=IDS)
def test_silence_is_found_where_it_was_made_and_nowhere_else(recording: Path) -> None:
    assert accused(run(events_of(recording))) == INJECTED.get(f"{recording.parent.name}/{recording.name}", set())


def test_both_phones_are_named_within_12_s_of_the_answer() -> None:
    events = events_of(CAPTURES / "asterisk-20/one-way-audio")
    answers = {e.channel.peer: e.at for e in events if isinstance(e, ChannelChanged) and e.channel.state == "Up"}
    found = {one.subject: one for one in run(events) if one.status in BAD}
    for peer in ("PJSIP/706", "PJSIP/707"):
        assert found[peer].at - answers[peer] < PROMISED_S
        assert found[peer].since_at == pytest.approx(answers[peer], abs=0.1)


def test_sound_that_goes_both_ways_is_said_to() -> None:
    told = run(events_of(CAPTURES / "asterisk-20/sip-bridge-loss"))
    assert {(one.subject, one.status) for one in told} == {("SIP/6117", "ok"), ("SIP/6118", "ok")}


@pytest.mark.parametrize("recording", RECORDINGS, ids=IDS)
def test_whoever_begins_to_listen_late_accuses_nobody_else(recording: Path) -> None:
    events = events_of(recording)
    justified = accused(run(events))
    for start in range(0, len(events), max(1, len(events) // 60)):
        assert accused(run(events[start:])) <= justified


@pytest.mark.parametrize("recording", RECORDINGS, ids=IDS)
def test_calls_that_are_cut_short_anywhere_accuse_nobody_else(recording: Path) -> None:
    events = events_of(recording)
    justified = accused(run(events))
    for end in range(1, len(events), max(1, len(events) // 60)):
        tracker = AudioTracker("office")
        told = run(events[:end], tracker)
        alive: dict[str, Channel] = {}
        for event in events[:end]:
            if isinstance(event, ChannelHungUp):
                alive.pop(event.channel.uniqueid, None)
            elif isinstance(event, ChannelChanged | RtcpReport) and event.channel is not None and event.channel.state:
                alive[event.channel.uniqueid] = event.channel
        told += run((ChannelHungUp(events[end - 1].at + 0.01, channel, 16) for channel in alive.values()), tracker)
        assert accused(told) <= justified


@pytest.mark.parametrize("recording", RECORDINGS[::3], ids=IDS[::3])
def test_a_gap_in_what_we_saw_accuses_nobody_else(recording: Path) -> None:
    events = events_of(recording)
    justified = accused(run(events))
    step = max(1, len(events) // 12)
    for start in range(0, len(events), step):
        for length in (step, 3 * step):
            tracker = AudioTracker("office")
            told = run(events[:start], tracker)
            tracker.forget()
            assert accused([*told, *run(events[start + length :], tracker)]) <= justified


# --- Calls made up --------------------------------------------------------------------------------------------------------


CALM = Line()


def states(told: Iterable[StatusObservation]) -> list[tuple[float, str]]:
    return [(round(one.at - START, 1), one.status) for one in told]


def test_a_good_call_is_good_by_its_second_reports() -> None:
    assert states(run(CALM.whole(60))) == [(10.0, "ok")]


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        ({"deaf": ((0, FOREVER),)}, "hears_nothing"),
        ({"mute": ((0, FOREVER),)}, "sends_nothing"),
        ({"mute": ((0, FOREVER),), "peer_reports": False}, "sends_nothing"),
        ({"quiet": ((0, FOREVER),)}, "sends_nothing"),
    ],
)
def test_a_call_that_is_silent_from_the_start_is_told_within_12_s(fault: dict[str, object], expected: str) -> None:
    line = replace(CALM, **fault)  # type: ignore[arg-type]
    found = next(one for one in run(line.whole(40)) if one.status in BAD)
    assert found.status == expected
    assert found.at - START < PROMISED_S
    assert found.since_at == START
    assert found.detail == "PJSIP/101-1.1"
    assert found.calls == 1


def test_neither_hearing_nor_heard_is_dead_air() -> None:
    line = replace(CALM, deaf=((0, FOREVER),), mute=((0, FOREVER),))
    assert run(line.whole(12))[-2].status == "dead"


@pytest.mark.parametrize("way", ["deaf", "mute"])
def test_sound_that_stops_in_mid_call_is_told_and_so_is_its_return(way: str) -> None:
    line = replace(CALM, **{way: ((20.5, 52.0),)})  # type: ignore[arg-type]
    told = run([*line.begin(), *line.reports(70)])
    assert [one.status for one in told] == ["ok", "hears_nothing" if way == "deaf" else "sends_nothing", "ok"]
    assert told[1].at - START <= 20.5 + 15
    assert told[1].since_at - START == pytest.approx(20.5, abs=5)
    assert told[2].at - START <= 52 + 5


def test_a_phone_that_loses_its_network_is_dead_air() -> None:
    told = run([*CALM.begin(), *replace(CALM, gone_at=22.0).reports(60)])
    assert [one.status for one in told] == ["ok", "dead"]
    assert told[1].at - START <= 22 + 15


def test_a_phone_that_tells_nothing_of_itself_and_stops_sending_is_found_by_our_reports_alone() -> None:
    line = replace(CALM, peer_reports=False, mute=((32, FOREVER),))
    assert accused(run(line.whole(50))) == {("PJSIP/101", "sends_nothing")}


@pytest.mark.parametrize(
    "line",
    [
        replace(CALM, quiet=((12, 40), (45, 58))),  # mute, or nothing to say
        replace(CALM, ours_paused=((12, 58),)),  # the other party is silent, or nothing is played
        replace(CALM, ours_paused=((0, FOREVER),)),
        replace(CALM, quiet=((12, FOREVER),), ours_paused=((12, FOREVER),)),  # fax over T.38
        replace(CALM, peer_reports=False),
        replace(CALM, peer_reports=False, quiet=((2, 4), (7, 11), (20, 40))),  # pauses, and reports nothing
        replace(CALM, peer_reports=False, codec="g729", mute=((32, FOREVER),)),  # may pause at any time
        replace(CALM, peer_reports=False, gone_at=4, quiet=((4, FOREVER),), ours_paused=((0, FOREVER),)),
    ],
)
def test_quiet_is_not_silence(line: Line) -> None:
    assert not accused(run(line.whole(60)))


def test_no_reports_at_all_are_no_silence() -> None:
    assert run([*CALM.begin(), CALM.end(60)]) == []


@pytest.mark.parametrize("holder", ["1.1", "1.2"])
def test_a_call_on_hold_is_left_alone_whoever_holds(holder: str) -> None:
    silent = replace(CALM, deaf=((12, 50),), mute=((12, 50),))
    holding = replace(CALM, peer="PJSIP/102", uniqueid="1.2") if holder == "1.2" else silent
    events: list[PbxEvent] = [*silent.begin(), *holding.begin(), *silent.reports(70)]
    events += [ChannelHeld(START + at, holding.channel, on_hold) for at, on_hold in ((11.5, True), (50.5, False))]
    assert not accused(run(sorted(events, key=lambda event: event.at)))


def test_silence_after_a_hold_is_found() -> None:
    silent = replace(CALM, deaf=((20, FOREVER),))
    events = [*silent.begin(), *silent.reports(70)]
    events += [ChannelHeld(START + at, silent.channel, on_hold) for at, on_hold in ((19.5, True), (30.5, False))]
    found = next(one for one in run(sorted(events, key=lambda event: event.at)) if one.status in BAD)
    assert 30.5 < found.at - START < 30.5 + 16


def test_early_media_is_not_judged() -> None:
    ringing = replace(CALM.channel, state="Ringing")
    silent = [replace(e, channel=ringing) for e in replace(CALM, deaf=((0, FOREVER),)).reports(40) if isinstance(e, RtcpReport)]
    assert run([ChannelChanged(START - 1, ringing), *silent]) == []


def test_a_caller_who_hangs_up_after_7_s_of_silence_is_believed() -> None:
    assert accused(run(replace(CALM, deaf=((0, FOREVER),), our_phase_s=3, peer_phase_s=5).whole(7))) == {
        ("PJSIP/101", "hears_nothing")
    }
    assert not accused(run(CALM.whole(7)))


def test_after_a_bad_call_nothing_is_known_until_sound_is_proven() -> None:
    bad = replace(CALM, deaf=((0, FOREVER),))
    good = replace(CALM, uniqueid="2.1", linkedid="2.1", origin=START + 100)
    tracker = AudioTracker("office")
    assert [one.status for one in run(bad.whole(20), tracker)] == ["hears_nothing", "unknown"]
    told = run(good.whole(30), tracker)
    assert [one.status for one in told] == ["ok"]
    assert told[0].at - good.origin <= 10


def test_bad_calls_are_counted_among_the_last_five() -> None:
    tracker, counted = AudioTracker("office"), []
    for number, is_bad in enumerate([True, False, True, False, False, False, False, True]):
        silence = ((0, FOREVER),) if is_bad else ()
        line = replace(CALM, deaf=silence, uniqueid=f"{number}.1", linkedid=f"{number}.1", origin=START + 100 * number)
        counted += [one.calls for one in run(line.whole(30), tracker) if one.status in BAD]
    assert counted == [1, 2, 1 + 0]


def test_a_trunk_is_as_bad_as_its_worst_call_and_well_when_that_is_over_and_others_are_heard() -> None:
    trunk = "PJSIP/trunk"
    lines = [replace(CALM, peer=trunk, uniqueid=f"{n}.1", linkedid=f"{n}.1") for n in range(3)]
    lines[1] = replace(lines[1], mute=((0, FOREVER),))
    events = [event for line in lines for event in (*line.begin(), *line.reports(60))]
    events.append(lines[1].end(31))
    events = [
        e for e in sorted(events, key=lambda e: e.at) if e.at <= START + 31 or getattr(e, "channel", None) != lines[1].channel
    ]
    told = run(events)
    assert [one.status for one in told if one.at > START + 10] == ["ok"]
    assert accused(told) == {(trunk, "sends_nothing")}


def test_an_empty_report_is_silence_only_from_a_phone_that_fills_its_reports() -> None:
    def emptied(line: Line) -> list[PbxEvent]:
        return [
            replace(e, block=None, blocks=0) if isinstance(e, RtcpReport) and e.direction is Direction.TO_PEER else e
            for e in line.whole(40)
        ]

    assert not accused(run(emptied(CALM)))
    later = replace(CALM, uniqueid="2.1", linkedid="2.1", origin=START + 100)
    assert accused(run([*CALM.whole(40), *emptied(later)])) == {("PJSIP/101", "hears_nothing")}


def test_a_block_about_a_stream_that_ended_is_no_silence() -> None:
    """After a transfer our stream is another one, and the phone still reports on the old one first."""
    events: list[PbxEvent] = []
    for event in CALM.whole(60):
        if isinstance(event, RtcpReport) and event.at > START + 20:
            if event.direction is Direction.FROM_PEER:
                events.append(replace(event, ssrc=0xC))
            else:
                assert event.block is not None
                events.append(replace(event, block=replace(event.block, extended_highest_sequence=66_000)))
        else:
            events.append(event)
    assert not accused(run(events))


def test_a_report_with_several_blocks_may_speak_of_another_stream() -> None:
    silent = replace(CALM, deaf=((12, FOREVER),))
    events = [replace(e, blocks=2) if isinstance(e, RtcpReport) else e for e in silent.whole(60)]
    assert not accused(run(events))


def test_one_report_is_not_enough_while_the_call_lasts() -> None:
    late = replace(CALM, deaf=((0, 9.0),), interval_s=7.5, our_phase_s=3.0, peer_phase_s=7.4)
    assert not accused(run([*late.begin(), *late.reports(60)]))


def test_a_camera_that_is_switched_off_is_not_silence() -> None:
    video = [
        replace(e, to_address="192.0.2.10:11875")
        if e.direction is Direction.TO_PEER
        else replace(e, from_address="192.0.2.10:11875")
        for e in replace(CALM, mute=((12, FOREVER),)).reports(60)
        if isinstance(e, RtcpReport)
    ]
    assert not accused(run(sorted([*CALM.begin(), *CALM.reports(60), *video], key=lambda e: e.at)))


def test_nothing_is_kept_of_calls_that_ended_or_whose_end_was_missed() -> None:
    tracker = AudioTracker("office")
    run(CALM.reports(20), tracker)
    later = replace(CALM, uniqueid="9.1", linkedid="9.1", origin=START + 13 * 3600)
    run(later.whole(20), tracker)
    assert not tracker._calls


# --- Any call -------------------------------------------------------------------------------------------------------------

phases = st.floats(0.2, 5.0)
lines = st.builds(
    Line,
    first_sequence=st.integers(1, 0xFFFF_0000),
    our_phase_s=phases,
    peer_phase_s=phases,
    interval_s=st.sampled_from([2.0, 5.0, 7.5]),
    peer_reports=st.booleans(),
    codec=st.sampled_from([None, "ulaw", "g722", "opus"]),
)
spells = st.lists(st.tuples(st.floats(1, 60), st.floats(0.2, 20)), max_size=4).map(
    lambda found: tuple((start, start + length) for start, length in found)
)


def apart(spans: tuple[tuple[float, float], ...]) -> tuple[tuple[float, float], ...]:
    """Without overlaps, so that nobody pauses twice at once."""
    kept: list[tuple[float, float]] = []
    for start, end in sorted(spans):
        if not kept or start > kept[-1][1]:
            kept.append((start, end))
    return tuple(kept)


@settings(deadline=None)
@given(lines, spells, spells, st.floats(1, 90))
def test_no_call_is_accused_for_pauses_on_either_side(
    line: Line, theirs: tuple[tuple[float, float], ...], ours: tuple[tuple[float, float], ...], length: float
) -> None:
    if not line.peer_reports:
        theirs = ()  # whoever says nothing of itself and stops after flowing steadily cannot be told from a dead line
    paused = replace(line, quiet=apart(theirs), ours_paused=apart(ours))
    assert not accused(run(paused.whole(length)))


@settings(deadline=None)
@given(lines, st.floats(0, 40), st.sampled_from(["deaf", "mute"]))
def test_silence_is_found_within_three_reports_whatever_the_numbers(line: Line, begins: float, way: str) -> None:
    line = replace(line, peer_reports=True, **{way: ((begins, FOREVER),)})  # type: ignore[arg-type]
    found = next(one for one in run([*line.begin(), *line.reports(100)]) if one.status in BAD)
    assert found.status == (AudioState.HEARS_NOTHING if way == "deaf" else AudioState.SENDS_NOTHING)
    assert found.at - START <= begins + 9 + 4 * line.interval_s


@settings(deadline=None)
@given(lines, st.lists(st.integers(0, 0xFFFF_FFFF), min_size=1, max_size=6))
def test_counters_that_begin_anew_are_no_silence(line: Line, sequences: list[int]) -> None:
    events: list[PbxEvent] = []
    for index, event in enumerate(line.whole(80)):
        if not isinstance(event, RtcpReport) or event.block is None or event.sender is None:
            events.append(event)
            continue
        jump = sequences[index * len(sequences) // 60 % len(sequences)]
        block = replace(event.block, extended_highest_sequence=(event.block.extended_highest_sequence + jump) & 0xFFFF_FFFF)
        sender = replace(event.sender, packets=(event.sender.packets + jump) & 0xFFFF_FFFF)
        events.append(replace(event, block=block, sender=sender))
    assert not accused(run(events))


def test_strangers_leave_nothing_behind() -> None:
    """Scanners come under a new name each; what is kept of them for a day would fill the memory."""
    tracker = AudioTracker("office")

    def stranger(number: int, at: float) -> None:
        channel = Channel(f"SIP/10.0.{number >> 8}.{number & 255}-{number:08x}", f"{number}.1", f"{number}.1", "Down")
        tracker.see(ChannelChanged(at, channel))
        tracker.hang_up(ChannelHungUp(at + 0.5, channel, 16))

    for number in range(2000):
        stranger(number, START + number)
    stranger(9999, START + 4000)
    assert tracker.known == 1
