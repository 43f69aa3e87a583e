"""Every recording: what was injected is found in time, nothing else is said, wherever the daemon began to listen or stopped."""

from __future__ import annotations

import contextlib
from pathlib import Path

import pytest

from qualitywatch.ami.events import translate
from qualitywatch.ami.recording import read_recording
from qualitywatch.errors import AmiProtocolError
from qualitywatch.model import PbxEvent
from tests.accuracy.__main__ import table
from tests.accuracy.faults import faults_of
from tests.accuracy.findings import RECORDINGS, events_of, findings, fired, key_of

IDS = [f"{path.parent.name}/{path.name}" for path in RECORDINGS]
ENOUGH_CUTS = 4


@pytest.mark.parametrize("recording", RECORDINGS, ids=IDS)
def test_what_was_injected_is_told_in_time_and_nothing_else(recording: Path) -> None:
    result = findings(recording)
    assert not result.false_alarms
    for found in result.found:
        if not found.fault.untold:
            assert found.after_s is not None, f"never told: {found.fault}"
            assert found.after_s <= found.fault.within_s, found.fault


def test_the_table_has_a_line_for_every_recording() -> None:
    shown = table([findings(recording) for recording in RECORDINGS])
    assert all(f"| {name} |" in shown for name in IDS)
    assert "| asterisk-20/one-way-audio | hears nothing | PJSIP/706 |" in shown


def _accused_without_cause(recording: Path, cuts: range) -> set[tuple[str, str, str | None]]:
    """Whom a daemon blames that begins to listen at any of these events, and nothing was wrong with."""
    events = events_of(recording)
    guilty = {fault.key for fault in faults_of(recording, events)}
    return {key for cut in cuts for each in fired(events[cut:]) if (key := key_of(each)) not in guilty}


@pytest.mark.parametrize("recording", RECORDINGS, ids=IDS)
def test_whoever_begins_to_listen_late_blames_nobody_innocent(recording: Path) -> None:
    count = len(events_of(recording))
    assert not _accused_without_cause(recording, range(1, count, max(1, count // ENOUGH_CUTS)))


@pytest.mark.slow
@pytest.mark.parametrize("recording", RECORDINGS, ids=IDS)
def test_whoever_begins_to_listen_at_any_event_blames_nobody_innocent(recording: Path) -> None:
    assert not _accused_without_cause(recording, range(1, len(events_of(recording))))


def _read(session: bytes) -> tuple[PbxEvent, ...]:
    """The events of a session that may end within a message: what came before it counts."""
    events: list[PbxEvent] = []
    with contextlib.suppress(AmiProtocolError):
        for message in read_recording(session):
            events += translate(message.message, message.at)
    return tuple(events)


@pytest.mark.parametrize("recording", RECORDINGS, ids=IDS)
def test_a_session_cut_off_anywhere_says_no_more_than_the_whole(recording: Path) -> None:
    session, whole = (recording / "input.ami").read_bytes(), events_of(recording)
    for size in range(0, len(session), max(1, len(session) // ENOUGH_CUTS)):
        events = _read(session[:size])
        assert events == whole[: len(events)], "nothing that is read depends on what comes later"
    told = [(key_of(each), each.at) for each in fired(whole)]
    said = [(key_of(each), each.at) for each in fired(_read(session[: len(session) // 2]))]
    assert said == told[: len(said)]
