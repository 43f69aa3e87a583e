"""When a phone call is worth it, and what came of one in words."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qualitywatch.desk.calling import (
    HOUR_S,
    CallAttempt,
    CallPolicy,
    call_due,
    may_call,
    since_when,
    why_unanswered,
    worth_remembering,
)
from qualitywatch.model import (
    Acknowledgement,
    Alert,
    AlertKey,
    AlertState,
    Incident,
    Member,
    MemberState,
    Mute,
    MuteKind,
    Severity,
)

T0 = 1_700_000_000.0
POLICY = CallPolicy(after_s=300, attempts=3, every_s=600, per_hour=6)
ALERT = Alert(AlertKey("trunk-down", "office", "SIP/a"), AlertState.FIRING, Severity.CRITICAL, "trunk_state", T0, {})
MEMBER = Member(ALERT, MemberState.FIRING, T0)
INCIDENT = Incident(7, "office", T0, (MEMBER,), Severity.CRITICAL, Severity.CRITICAL, news=1)
MUTED = replace(MEMBER, mute=Mute(MuteKind.SILENCE, "1"))


def due(incident: Incident = INCIDENT, *attempts: float, after_s: float = 300.0) -> bool:
    return call_due(POLICY, incident, T0, [CallAttempt(7, T0 + at) for at in attempts], T0 + after_s)


@pytest.mark.parametrize(
    ("incident", "rings"),
    [
        (INCIDENT, True),
        (replace(INCIDENT, severity=Severity.WARNING), False),
        (replace(INCIDENT, news=0), False),
        (replace(INCIDENT, ack=Acknowledgement("Anna", T0)), False),
        (replace(INCIDENT, members=(MUTED,)), False),
        (replace(INCIDENT, members=(MUTED, MEMBER)), True),
        (replace(INCIDENT, members=(replace(MEMBER, state=MemberState.RESOLVED),)), False),
        (replace(INCIDENT, closed_at=T0), False),
    ],
    ids=["critical", "warning", "nobody told", "acknowledged", "muted", "half muted", "flaps, up just now", "closed"],
)
def test_only_what_is_critical_told_and_taken_on_by_nobody_rings(incident: Incident, rings: bool) -> None:
    assert due(incident) is rings
    assert due(incident, after_s=299.0) is False


def test_calls_about_one_incident_keep_their_distance_and_end() -> None:
    assert due(INCIDENT, 300, after_s=899) is False
    assert due(INCIDENT, 300, after_s=900) is True
    assert due(INCIDENT, 300, 900, 1500, after_s=1e6) is False


def test_a_clock_that_was_set_back_does_not_keep_the_phone_quiet() -> None:
    assert due(INCIDENT, 1e9, after_s=300) is True


def test_a_clock_that_was_set_back_makes_nobody_wait_longer_than_the_whole_time() -> None:
    known = since_when({}, [INCIDENT], T0)
    known = since_when(known, [INCIDENT], T0 - HOUR_S)
    assert not call_due(POLICY, INCIDENT, known[7], [], T0 - HOUR_S + 299)
    assert call_due(POLICY, INCIDENT, since_when(known, [INCIDENT], T0 - HOUR_S + 300)[7], [], T0 - HOUR_S + 300)


def test_waiting_begins_anew_after_somebody_took_it_on_and_gave_it_back() -> None:
    known = since_when({}, [INCIDENT], T0)
    assert since_when(known, [INCIDENT], T0 + 50) == {7: T0}
    known = since_when(known, [replace(INCIDENT, ack=Acknowledgement("Anna", T0))], T0 + 60)
    assert since_when(known, [INCIDENT], T0 + 70) == {7: T0 + 70}


def test_a_flapping_trunk_that_is_up_just_now_goes_on_waiting() -> None:
    up = replace(INCIDENT, members=(replace(MEMBER, state=MemberState.RESOLVED),), flapping=True)
    assert since_when({7: T0}, [up], T0 + 50) == {7: T0}


@given(st.lists(st.floats(0, 10 * HOUR_S), max_size=60), st.integers(1, 60))
def test_no_hour_ever_holds_more_calls_than_allowed(wishes: list[float], per_hour: int) -> None:
    policy = replace(POLICY, per_hour=per_hour)
    placed: list[CallAttempt] = []
    for number, at in enumerate(sorted(wishes)):
        placed = worth_remembering(placed, [number], T0 + at)
        if may_call(policy, placed, T0 + at):
            placed.append(CallAttempt(number, T0 + at))
        assert sum(T0 + at - each.at < HOUR_S for each in placed) <= per_hour


def test_what_is_remembered_is_what_still_decides_something() -> None:
    old_open, old_closed, young = CallAttempt(7, T0 - 9999), CallAttempt(8, T0 - 9999), CallAttempt(9, T0 - 10)
    assert worth_remembering([old_open, old_closed, young], [7], T0) == [old_open, young]


@pytest.mark.parametrize(
    ("reason", "cause", "words"),
    [
        # As Asterisk 16.28 and 22.10 told it; chan_pjsip first, then through a Local channel.
        (0, 17, "busy"),
        (0, 21, "rejected"),
        (0, 19, "nobody answered"),
        (3, 19, "nobody answered"),
        (0, 34, "no line is free"),
        (0, None, "Asterisk could not call at all: no such channel, or the phone is not registered"),
        (5, 0, "busy"),
        (8, 0, "congestion: rejected, no line is free, or no such number"),
        (None, 0, "failed"),
        (None, 99, "failed (cause 99)"),
    ],
)
def test_why_a_call_was_not_answered(reason: int | None, cause: int | None, words: str) -> None:
    assert why_unanswered(reason, cause) == words
