"""What a chat would have seen, on the recording's clock and at the pace a bot is allowed."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from qualitywatch.model import Incident
from qualitywatch.notify.transcript import Line, Transcript
from tests.notify.targets import T0, Chat, changed, closed, incident, line_of, lines, worse


def seen(transcript: Transcript, *instants: tuple[float, list[Incident]]) -> list[Line]:
    """The lines of a chat that learns so much at such instants (seconds after T0), to the end."""
    found = []
    for at, incidents in instants:
        transcript.update(incidents, T0 + at)
        found += transcript.advance(T0 + at)
    return found + transcript.close()


def test_messages_and_changes_appear_when_they_would_have() -> None:
    first = incident(1)
    second = changed(first, 5)
    third = worse(changed(second, 12))
    found = seen(Transcript("ops", Chat()), (0, [first]), (3, [second]), (42, [third]), (60, [closed(third)]))
    assert [(line.at - T0, line.message_id, line.new) for line in found] == [
        (0, 1, True),
        (10, 1, False),
        (42, 2, True),
        (43, 1, False),
        (60, 2, False),
    ]
    assert found[3].text.startswith("superseded")
    assert found[4].text == "living\n" + line_of(closed(third))
    assert found[4].record() == {"at": T0 + 60, "chat": "ops", "message_id": 2, "new": False, "text": found[4].text}


def test_what_happens_at_one_instant_is_looked_at_together() -> None:
    transcript = Transcript("ops", Chat())
    items = [incident(number) for number in range(1, 15)]
    for item in items:
        transcript.update([item], T0)
    found = transcript.close()
    assert [line.new for line in found] == [True] * 4
    assert [line.at - T0 for line in found] == [0, 1, 2, 3]
    assert {text for line in found for text in line.text.splitlines()[1:]} == lines(items)


def test_advancing_without_news_repeats_nothing() -> None:
    transcript = Transcript("ops", Chat())
    transcript.update([incident(1)], T0)
    assert len(transcript.advance(T0)) == 1
    assert transcript.advance(T0 + 3600) == []
    assert transcript.close() == []


def test_where_nothing_can_be_changed_every_line_is_new() -> None:
    item = incident(1)
    found = seen(Transcript("ops", Chat(can_edit=False)), (0, [item]), (5, [changed(item, 3)]), (9, [closed(changed(item, 3))]))
    assert [(line.message_id, line.new) for line in found] == [(1, True), (2, True)]


def happen(known: dict[int, Incident], number: int, what: int, now: float) -> None:
    """Let something become of an incident: it begins, or changes in one of four ways while it is open."""
    item = known.get(number)
    if item is None:
        known[number] = incident(number, at=now)
    elif item.is_open:
        known[number] = [changed(item, what * 3), worse(item), closed(item, now), changed(item, 1)][what]


@settings(max_examples=50, deadline=None)
@given(st.lists(st.tuples(st.floats(0, 40), st.integers(1, 9), st.integers(0, 3)), max_size=40))
def test_time_never_runs_backwards_and_the_end_is_what_is_known(changes: list[tuple[float, int, int]]) -> None:
    transcript, known, now, found = Transcript("ops", Chat()), dict[int, Incident](), T0, list[Line]()
    for pause_s, number, what in changes:
        now += pause_s
        happen(known, number, what, now)
        transcript.update([known[number]], now)
        found += transcript.advance(now)
    found += transcript.close()
    instants = [line.at for line in found]
    assert instants == sorted(instants)
    shown = {line.message_id: line.text for line in found}
    living = [line for text in shown.values() if not text.startswith("superseded") for line in text.splitlines()[1:]]
    assert sorted(living) == sorted(map(line_of, known.values()))


@settings(max_examples=30, deadline=None)
@given(st.lists(st.tuples(st.floats(0.5, 40), st.integers(1, 5), st.integers(0, 3)), max_size=20))
def test_it_does_not_matter_how_often_it_is_looked_at(changes: list[tuple[float, int, int]]) -> None:
    seldom, often = Transcript("ops", Chat()), Transcript("ops", Chat())
    known, now, found, told = dict[int, Incident](), T0, list[Line](), list[Line]()
    for pause_s, number, what in changes:
        for part in range(1, 20):
            told += often.advance(now + pause_s * part / 20)
        now += pause_s
        happen(known, number, what, now)
        for transcript in (seldom, often):
            transcript.update([known[number]], now)
    found += seldom.close()
    told += often.close()
    assert told == found
