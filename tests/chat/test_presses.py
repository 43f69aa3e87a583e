"""Buttons: what a thumb is told, when it comes first, second, late or wrong."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qualitywatch.chat.texts import LANGUAGES
from qualitywatch.model import AlertKey, ButtonAction, Mute, MuteKind, Silence
from qualitywatch.notify.legible import utf16_units
from tests.chat.build import ANNA, BORIS, LOSS, MARK, MOSCOW, NOW, Desk, busy_room

HOUR_S = 3600.0


async def test_the_first_to_acknowledge_has_it() -> None:
    desk = Desk(busy_room())
    assert (await desk.press("ack:12")).text == "It is yours."
    desk.room.clock_at += 120
    assert (await desk.press("ack:12")).text == "You have it already, since 03:12."
    assert (await desk.press("ack:12", BORIS)).text == "Anna has it already, since 03:12."
    held = desk.room.incident(12)
    assert held is not None
    assert held.ack is not None
    assert (held.ack.by, held.ack.at) == ("Anna", NOW)
    assert [row.action for row in desk.room.audit] == ["acknowledge"]


@pytest.mark.parametrize("data", ["ack:12:0badc0de", "mute1h:12:0badc0de", "mutemorn:12:0badc0de", "unmute:12:0badc0de"])
async def test_a_button_of_a_state_that_was_lost_does_nothing_to_who_has_the_number_now(data: str) -> None:
    desk = Desk(busy_room())
    before = desk.room.incident(12)
    answer = await desk.press(data)
    assert answer.is_refusal
    assert answer.text.startswith("Nothing was done")
    assert (desk.room.incident(12), desk.room.silences(), desk.room.audit) == (before, [], [])


@pytest.mark.parametrize("data", [f"ack:12:{MARK}", "ack:12"], ids=["of this state", "of a release without marks"])
async def test_a_button_of_this_state_means_its_incident(data: str) -> None:
    assert (await Desk(busy_room()).press(data)).text == "It is yours."


async def test_an_acknowledgement_can_be_given_back_once() -> None:
    desk = Desk(busy_room())
    await desk.press("ack:12")
    assert (await desk.press("unack:12", BORIS)).text == "Given back."
    assert (await desk.press("unack:12", BORIS)).text == "Nobody has it."
    assert [row.action for row in desk.room.audit] == ["acknowledge", "unacknowledge"]


async def test_mute_for_an_hour_twice_is_once() -> None:
    desk = Desk(busy_room())
    assert (await desk.press("mute1h:12")).text == "Muted until 04:12."
    desk.room.clock_at += 5
    assert (await desk.press("mute1h:12", BORIS)).text == "Muted already until 04:12 by Anna."
    assert [one.ends_at for one in desk.room.silences()] == [NOW + HOUR_S]


async def test_a_mute_can_be_made_longer_but_not_shorter_by_mistake() -> None:
    desk = Desk(busy_room())
    await desk.press("mute1h:12")
    assert (await desk.press("mutemorn:12", BORIS)).text == "Muted until 08:00."
    assert (await desk.press("mute1h:12")).text == "Muted already until 08:00 by Boris."
    assert len(desk.room.silences()) == 1


async def test_what_joined_after_a_mute_is_muted_by_the_next_press_for_as_long() -> None:
    desk = Desk(busy_room())
    await desk.press("mutemorn:12")
    (incident,) = [one for one in desk.room.open if one.id == 12]
    loud = replace(
        incident.members[0], alert=replace(incident.members[0].alert, key=AlertKey("one-way", "office", "SIP/9")), mute=None
    )
    desk.room.open[desk.room.open.index(incident)] = replace(incident, members=(*incident.members, loud))
    assert (await desk.press("mute1h:12", BORIS)).text == "Muted until 08:00."
    held = desk.room.incident(12)
    assert held is not None and held.mute is not None and held.mute.by == "Boris"


@pytest.mark.parametrize(
    ("hour", "minute", "told"), [(3, 12, "08:00"), (7, 0, "08:00"), (7, 1, "24 Nov 08:00"), (23, 0, "24 Nov 08:00")]
)
async def test_the_morning_is_at_least_an_hour_away(hour: int, minute: int, told: str) -> None:
    desk = Desk(busy_room())
    desk.room.clock_at = datetime(2025, 11, 23, hour, minute, tzinfo=MOSCOW).timestamp()
    assert (await desk.press("mutemorn:12")).text == f"Muted until {told}."


async def test_a_mute_can_be_undone_once() -> None:
    desk = Desk(busy_room())
    await desk.press("mute1h:12")
    assert (await desk.press("unmute:12")).text == "Not muted any more."
    assert (await desk.press("unmute:12")).text == "It is not muted."
    assert desk.room.silences() == []


async def test_a_mute_of_another_origin_is_explained() -> None:
    desk = Desk(busy_room())
    mute = Mute(MuteKind.MAINTENANCE, "backup", NOW + HOUR_S)
    desk.room.open[1] = replace(LOSS, members=tuple(replace(one, mute=mute) for one in LOSS.members))
    told = (await desk.press("unmute:12")).text
    assert told == 'Not by this button: muted by maintenance "backup" until 04:12. See /silences'


@pytest.mark.parametrize("action", [one for one in ButtonAction if one is not ButtonAction.CHART])
async def test_what_is_over_stays_over(action: ButtonAction) -> None:
    desk = Desk(busy_room())
    desk.room.open.remove(LOSS)
    desk.room.closed.append(replace(LOSS, closed_at=NOW - 60))
    assert (await desk.press(f"{action}:12")).text == "It is over already."
    assert desk.room.audit == []


@pytest.mark.parametrize("action", ButtonAction)
async def test_what_is_forgotten_is_said_to_be(action: ButtonAction) -> None:
    assert (await Desk(busy_room()).press(f"{action}:99")).text == "This incident is no longer known."
    assert (await Desk(busy_room(), language="ru").press(f"{action}:99")).text.startswith("Об этом инциденте")


async def test_a_chart_comes_as_a_picture_with_a_caption() -> None:
    desk = Desk(busy_room(), picture=b"png")
    told = await desk.press("chart:12")
    assert told.answer is not None
    assert told.answer.picture == b"png"
    assert told.answer.plain == "Anna SIP/6117 incident #12, half an hour until 03:12"
    (request,) = desk.asked
    assert (request.title, request.zone, request.language) == ("Anna SIP/6117", "Europe/Moscow", "en")
    assert (request.since, request.until) == (NOW - 1800, NOW)
    assert request.shaded == ((NOW - 720, None),)
    assert len(request.points) == 15


async def test_a_chart_without_pictures_is_drawn_in_letters() -> None:
    told = await Desk(busy_room()).press("chart:12")
    assert told.answer is not None
    assert told.answer.picture is None
    assert "█" in told.answer.plain
    assert "max 10.9%" in told.answer.plain


async def test_the_chart_of_what_is_over_ends_soon_after_it() -> None:
    desk = Desk(busy_room(), picture=b"png")
    desk.room.open.remove(LOSS)
    desk.room.closed.append(replace(LOSS, closed_at=NOW - 400))
    assert (await desk.press("chart:12")).answer is not None
    assert desk.asked[0].until == NOW - 100


async def test_a_chart_of_nothing_says_so() -> None:
    told = await Desk(busy_room(), picture=b"png").press("chart:11")
    assert told.text == "Nothing was measured in this time: quality unknown."
    assert told.answer is None


@given(
    action=st.sampled_from([*ButtonAction, "odd"]),
    name=st.text(min_size=1, max_size=100),
    language=st.sampled_from(LANGUAGES),
    is_closed=st.booleans(),
)
async def test_a_thumb_is_told_at_most_200_units(action: str, name: str, language: str, is_closed: bool) -> None:
    desk = Desk(busy_room(), language=language)
    mute = Mute(MuteKind.SILENCE, "9", NOW + 3 * 86_400, name)
    members = tuple(replace(one, mute=mute) for one in LOSS.members)
    desk.room.open[1] = replace(LOSS, members=members, closed_at=NOW if is_closed else None)
    desk.room.quiet.append(Silence(9, NOW + 3 * 86_400, name, NOW, incident=12))
    for _ in range(2):
        told = await desk.press(f"{action}:12", ANNA)
        assert 0 < utf16_units(told.text) <= 200
