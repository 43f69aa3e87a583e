"""Whatever was found out, every check judges it: nothing raises, and what is not good comes with a fix."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from qualitywatch.ami.codec import Decoder, Message
from qualitywatch.ami.resync import Abilities, Access
from qualitywatch.doctor import registry
from qualitywatch.doctor.asking.hearing import Hearing
from qualitywatch.doctor.asking.rights import granted_classes
from qualitywatch.doctor.facts import (
    BotFacts,
    CallHeard,
    ChatFacts,
    DiskFacts,
    Heard,
    PbxFacts,
    SecretFacts,
    SecretFile,
    SeriesFacts,
    UnitFacts,
)
from qualitywatch.doctor.finding import Level
from qualitywatch.model import Channel
from tests.conftest import CAPTURES
from tests.fakes.doctor_pbx import ACTIONS

TEXT = st.text(max_size=20)
SECONDS = st.floats(0, 1e6)
COUNT = st.integers(0, 10**6)
PATHS = TEXT.map(lambda text: Path("/x") / text.replace("\0", "").replace("/", ""))
CALLS = st.builds(CallHeard, TEXT, SECONDS, COUNT, COUNT, codec_told=st.booleans(), announced=st.booleans())
HEARD = st.builds(
    Heard,
    SECONDS,
    COUNT,
    COUNT,
    COUNT,
    COUNT,
    st.frozensets(st.sampled_from(["call", "reporting", "system", "security"])),
    st.booleans(),
    st.lists(CALLS, max_size=4).map(tuple),
    st.lists(SECONDS, max_size=4).map(tuple),
)
ABILITIES = st.builds(
    Abilities,
    st.dictionaries(st.sampled_from(sorted(ACTIONS)), st.sampled_from(Access)),
    st.none() | TEXT,
    events_on=st.booleans(),
)
PBX = st.builds(
    PbxFacts,
    name=TEXT,
    address=TEXT,
    username=TEXT,
    is_here=st.booleans(),
    needed=st.dictionaries(st.sampled_from(["call", "originate"]), TEXT),
    abilities=st.none() | ABILITIES,
    granted=st.none() | st.frozensets(st.sampled_from(["system", "call", "reporting", "x-own"])),
    clock_ahead_s=st.none() | st.floats(-1e9, 1e9),
    clock_accuracy_s=SECONDS,
    direct_media=st.dictionaries(TEXT, st.booleans(), max_size=9),
    heard=st.none() | HEARD,
)
UNIT = st.builds(
    UnitFacts,
    config=PATHS,
    shipped=TEXT,
    path=st.none() | PATHS,
    text=TEXT | TEXT.map(lambda text: f"ExecStart=/bin/x --config {text}"),
    dropins=st.dictionaries(PATHS, TEXT, max_size=2),
    state=st.dictionaries(st.sampled_from(["ActiveState", "NRestarts"]), TEXT),
)
SECRETS = st.builds(
    SecretFacts,
    st.none() | TEXT,
    st.lists(st.builds(SecretFile, TEXT, PATHS, st.booleans(), st.none() | st.booleans()), max_size=3).map(tuple),
)
DISK = st.builds(DiskFacts, PATHS, st.none() | TEXT, st.none() | COUNT, st.none() | COUNT, COUNT, st.none() | TEXT)

ALL: list[tuple[registry.Check[Any], st.SearchStrategy[Any]]] = [
    *((check, PBX) for check in registry.PBX),
    *((check, st.builds(BotFacts, st.none() | TEXT, st.none() | TEXT)) for check in registry.BOT),
    *((check, st.from_type(ChatFacts)) for check in registry.CHAT),
    *(
        (check, st.builds(SeriesFacts, st.text(min_size=1), st.none() | st.text(min_size=1), passing=st.booleans()))
        for check in registry.SERIES
    ),
    *((check, DISK) for check in registry.DISK),
    *((check, UNIT) for check in registry.UNIT),
    *((check, SECRETS) for check in registry.SECRETS),
]


@pytest.mark.parametrize(("check", "facts"), ALL, ids=lambda it: getattr(it, "name", ""))
@given(data=st.data(), now=st.floats(0, 4e9))
@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow], deadline=None)
def test_every_check_takes_whatever_was_found_out(
    check: registry.Check[Any], facts: st.SearchStrategy[Any], data: st.DataObject, now: float
) -> None:
    for finding in check.judge(data.draw(facts), now):
        assert isinstance(finding.what, str)
        assert (finding.level is Level.OK) == (not finding.fix), finding


@given(st.frozensets(st.sampled_from(["system", "call", "reporting", "originate", "command", "config"])))
def test_rights_are_read_from_what_may_be_sent(granted: frozenset[str]) -> None:
    lines = "".join(
        f"{name}: Does it.  (Priv: {','.join([*sorted(classes), 'all']) if classes else '<none>'})\r\n"
        for name, classes in ACTIONS.items()
        if not classes or classes & granted
    )
    (message,) = Decoder().feed(f"Response: Success\r\nActionID: 1\r\n{lines}\r\n".encode())
    found = granted_classes(message)
    assert found is not None
    # Whether reporting is there as well makes no difference to somebody with system and call, and cannot be seen.
    hidden = frozenset({"reporting"}) if {"system", "call"} <= granted else frozenset()
    assert found - hidden == granted - hidden


@given(st.binary(max_size=200))
def test_what_a_stranger_answers_is_no_list_of_rights(content: bytes) -> None:
    raw = b"Response: Success\r\nX: " + content.replace(b"\r", b"").replace(b"\n", b"") + b"\r\n\r\n"
    (message,) = Decoder().feed(raw)
    found = granted_classes(message)
    assert found is None or b"(Priv:" in content
    assert granted_classes(None) is None


def test_listening_makes_the_same_of_a_recording_however_it_is_cut() -> None:
    raw = (CAPTURES / "asterisk-20/sip-bridge-loss/input.ami").read_bytes()
    whole = _heard(raw, len(raw))
    assert whole == _heard(raw, 997) == _heard(raw, 61)
    assert {call.peer for call in whole.calls} == {"SIP/6117", "SIP/6118"}
    assert whole.unstamped == 0


def _heard(raw: bytes, size: int) -> Heard:
    decoder, hearing = Decoder(), Hearing("qualitywatch")
    for start in range(0, len(raw), size):
        for message in decoder.feed(raw[start : start + size]):
            hearing.take(message, 0.0)
    return hearing.heard(30.0, 0.0)


OLD = Channel("PJSIP/104-0000001", "1.104", state="Up")
NEW = Channel("PJSIP/105-0000002", "1.105", state="Up")


def _event(name: str, at: float | None, call: Channel, state: str = "Up") -> Message:
    stamp = f"Timestamp: {at:.6f}\r\n" if at is not None else ""
    block = f"Channel: {call.name}\r\nUniqueid: {call.uniqueid}\r\nChannelStateDesc: {state}\r\n"
    (message,) = Decoder().feed(f"Event: {name}\r\nPrivilege: call,all\r\n{stamp}{block}\r\n".encode())
    return message


def test_a_call_from_before_on_a_pbx_that_says_nothing_at_all_was_up_all_the_time() -> None:
    hearing = Hearing("q")
    hearing.listed([OLD, Channel("PJSIP/9-1", "1.9", state="Ring")], is_first=True)
    assert {call.peer: call.up_s for call in hearing.heard(30.0, 1030.0).calls} == {"PJSIP/104": 30.0, "PJSIP/9": 0.0}


@pytest.mark.parametrize("skew_s", [0.0, -50_000.0, 50_000.0])
def test_a_call_from_before_is_up_from_the_first_event_on_whatever_the_clocks_say(skew_s: float) -> None:
    hearing = Hearing("q")
    hearing.listed([OLD], is_first=True)
    hearing.take(_event("Newchannel", 1010.0 + skew_s, NEW, "Ring"), 1010.0)
    assert {call.peer: call.up_s for call in hearing.heard(30.0, 1030.0).calls} == {"PJSIP/104": 20.0, "PJSIP/105": 0.0}


def test_events_without_a_time_are_dated_by_their_arrival() -> None:
    hearing = Hearing("q")
    hearing.take(_event("Newstate", None, NEW), 1000.0)
    hearing.take(_event("Hangup", None, NEW), 1012.0)
    heard = hearing.heard(30.0, 1030.0)
    assert ([call.up_s for call in heard.calls], heard.unstamped, heard.stamped) == ([12.0], 2, 0)


def test_a_channel_that_is_announced_a_moment_after_the_list_was_announced() -> None:
    hearing = Hearing("q")
    hearing.listed([], is_first=True)
    hearing.listed([NEW], is_first=False)
    assert hearing.has_secrets
    hearing.take(_event("Newchannel", 1000.0, NEW, "Ring"), 1000.0)
    assert not hearing.has_secrets


def test_a_channel_that_is_gone_and_nobody_told_its_end() -> None:
    hearing = Hearing("q")
    hearing.listed([OLD, NEW], is_first=True)
    hearing.take(_event("Hangup", 1000.0, NEW), 1000.0)
    hearing.listed([], is_first=False)
    assert {call.peer: call.vanished for call in hearing.heard(30.0, 1030.0).calls} == {"PJSIP/104": True, "PJSIP/105": False}
    hearing.take(_event("Hangup", 1001.0, OLD), 1001.0)
    assert not hearing.has_secrets
