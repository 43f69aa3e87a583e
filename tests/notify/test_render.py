"""Messages: limits, names that strangers chose, what a reader sees change, buttons, payloads.

How every situation reads is in ``test_messages_golden``.
"""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from qualitywatch.model import (
    Acknowledgement,
    Bulletin,
    Button,
    ButtonAction,
    Direction,
    Form,
    Incident,
    Member,
    MemberState,
    Mute,
    MuteKind,
    NewsReason,
    Notification,
    Severity,
)
from qualitywatch.notify.buttons import ButtonData, marked, new_mark, parse_button
from qualitywatch.notify.legible import utf16_units
from qualitywatch.notify.render import TEXT_LIMIT_UTF16, headline, notification, picture_caption
from qualitywatch.notify.texts import LANGUAGES, duration, number, words_of
from tests.fakes.telegram_html import visible_text
from tests.notify.build import SINCE, bulletin, incident, member, transition
from tests.notify.situations import ANNA, FLOOD, LONG_SILENCE, SILENCE, SITUATIONS, anna, loss, loss_over, new_agent, trunk

MOSCOW = ZoneInfo("Europe/Moscow")


def shown(*incidents: Incident, form: Form = Form.LIVING, language: str = "en", show_pbx: bool = False) -> Notification:
    return notification(bulletin(*incidents, form=form), language, show_pbx=show_pbx, zone=MOSCOW)


def first_line(*members: Member, language: str = "en") -> str:
    return shown(incident(*members), language=language).plain.splitlines()[0]


def test_the_pbx_is_named_only_when_there_are_several() -> None:
    assert shown(incident(anna()), show_pbx=True).html.startswith("🟡 [office] <b>loss to Anna SIP/6117 12.40%</b>\n")
    assert "[office]" not in shown(incident(anna())).plain


def test_an_older_message_is_struck_out() -> None:
    message = shown(incident(anna()), form=Form.SUPERSEDED)
    assert message.html == "🟡 <s>loss to Anna SIP/6117 12.40%</s>\ncontinued below"
    assert not message.buttons


def test_only_markup_is_escaped() -> None:
    change = {"old": "None", "new": "<sip:100@10.0.0.1>"}
    happened = member("user_agent", "SIP/105", name='<b>O\'Neil & "Co"</b>', state=MemberState.HAPPENED, details=change)
    assert shown(incident(happened)).html.startswith(
        '🟡 <b>User-Agent on peer SIP/105 changed from "None" to "&lt;sip:100@10.0.0.1&gt;" '
        '(&lt;b&gt;O\'Neil &amp; "Co"&lt;/b&gt;)</b>\n'
    )


def test_states_that_were_there_for_a_moment_only() -> None:
    happened = [member("trunk_state", subject, state=MemberState.HAPPENED) for subject in ("PJSIP/a", "PJSIP/b")]
    assert shown(incident(*happened)).plain.splitlines()[0] == "🟡 2 trunks are down"


def test_a_caller_name_cannot_fake_a_second_line() -> None:
    told = first_line(member(direction=Direction.TO_PEER, name="Anna\n🔴 PBX is down\u202e", value=5.0))
    assert told == "🟡 loss to Anna 🔴 PBX is down SIP/6117 5.00%"


def test_whoever_acknowledges_cannot_fake_a_second_line() -> None:
    message = shown(incident(anna(), ack=Acknowledgement("Eve\n🟢 all is well <b>", SINCE + 60)))
    assert message.plain.splitlines()[1] == "acknowledged by Eve 🟢 all is well <b>, 01:01"


def test_a_very_long_name_leaves_room_for_the_numbers() -> None:
    assert headline(transition(direction=Direction.TO_PEER, name="A" * 10_000, value=5.4545), "en").endswith("… SIP/6117 5.45%")


def test_a_very_long_wording_is_cut_before_the_other_lines() -> None:
    lines = shown(incident(loss(6117, 5.0, name="A" * 80, texts={"en": "{name}&" * 140}))).plain.splitlines()
    assert lines[0].endswith("…")
    assert lines[-1] == "rule loss, warning"


def test_the_rules_own_wording_speaks_for_each_member() -> None:
    texts = {"en": "{peer} cracks: {value:.0f}%"}
    lines = shown(incident(loss(1, 5.0, texts=texts), loss(2, 9.0, texts=texts))).plain.splitlines()
    assert lines[1:3] == ["🟡 SIP/2 cracks: 9%", "🟡 SIP/1 cracks: 5%"]


def test_unknown_details_leave_their_line_out() -> None:
    lines = shown(incident(loss(6117, 5.0, details={"packets": "many", "window_s": "nan", "calls": "-1"}))).plain.splitlines()
    assert lines[1:] == ["since 2025-11-23 01:00:00 MSK", "rule loss, warning"]


def test_an_unknown_value_is_never_zero() -> None:
    message = shown(incident(loss(1, None), loss(2, None), loss(3, float("nan"))))
    assert message.plain.splitlines()[0] == "🟡 loss: 3 peers"
    assert "0.00%" not in message.plain


def test_an_impossible_instant_is_a_question_mark() -> None:
    assert "from 2025-11-23 01:00:00 MSK to ?" in shown(incident(loss_over(6117, 5.0, lasted_s=1e300))).plain


@pytest.mark.parametrize(
    ("count", "english", "russian"),
    [
        (2, "loss: 2 peers", "Потери: 2 пира"),
        (5, "loss: 5 peers", "Потери: 5 пиров"),
        (11, "loss: 11 peers", "Потери: 11 пиров"),
        (21, "loss: 21 peers", "Потери: 21 пир"),
        (22, "loss: 22 peers", "Потери: 22 пира"),
    ],
)
def test_a_group_is_counted_as_people_count(count: int, english: str, russian: str) -> None:
    members = [loss(number, 5.0) for number in range(count)]
    assert first_line(*members).startswith(f"🟡 {english}, worst")
    assert first_line(*members, language="ru").startswith(f"🟡 {russian}, хуже всего")


def test_a_muted_incident_keeps_the_colour_of_its_trouble() -> None:
    muted = incident(anna(severity=Severity.CRITICAL, mute=SILENCE), severity=Severity.INFO)
    assert shown(muted).plain.startswith("🔴 ")


def test_an_acknowledgement_after_a_reminder_is_told_plainly() -> None:
    late = Acknowledgement("Boris", SINCE + 40_000)
    message = shown(incident(anna(), ack=late, news_reason=NewsReason.REMINDER, news_at=SINCE + 30_000))
    assert "acknowledged by Boris, 12:06\n" in message.plain


def test_a_repeat_is_not_mentioned_once_somebody_has_taken_it_on() -> None:
    repeated = incident(anna(), news_reason=NewsReason.REPEATED, news_at=SINCE + 14_400)
    assert "still so after 4 h" in shown(repeated).plain
    assert "still so" not in shown(replace(repeated, ack=ANNA)).plain


def test_a_lower_severity_than_was_told_is_not_called_raised() -> None:
    calmer = incident(anna(), worst=Severity.CRITICAL, news_reason=NewsReason.WORSE)
    assert shown(calmer).plain.splitlines()[-1] == "rule loss, warning"


def test_a_group_is_green_when_some_of_it_was_seen_to_end_well() -> None:
    assert first_line(loss_over(1, 5.0), loss_over(2, 5.0, because="no_data")).startswith("🟢")
    assert first_line(loss_over(1, 5.0, because="dropped"), loss_over(2, 5.0, because="no_data")).startswith("⚪")


def test_a_list_is_attached_when_there_are_more_than_thirty() -> None:
    thirty = incident(*(loss(number, 5.0) for number in range(30)))
    assert shown(thirty).attachment is None
    more = shown(incident(*(loss(number, 5.0) for number in range(31))))
    assert more.attachment is not None
    assert more.attachment.name == "incident-7.txt"
    assert "\nfull list attached\n" in more.plain


def test_those_without_room_are_counted_and_listed() -> None:
    message = shown(incident(*FLOOD))
    assert message.attachment is not None
    listed = message.attachment.content.decode()
    assert all(f"SIP/{60000 + each} " in listed for each in range(350))
    told = sum(f"SIP/{60000 + each} " in message.plain for each in range(350))
    assert f"and {350 - told} more in the attached list" in message.plain


def test_a_caption_has_no_figures() -> None:
    assert picture_caption(incident(trunk("mango", "rejected"), anna()), "en", MOSCOW) == (
        "Anna SIP/6117: loss and jitter\nsince 2025-11-23 01:00:00 MSK"
    )


# --- buttons


def labels(*members: Member, **changes: Any) -> list[list[str]]:
    return [[button.label for button in row] for row in shown(incident(*members, **changes)).buttons]


def test_buttons_of_a_fresh_incident() -> None:
    assert labels(anna()) == [["Acknowledge", "Chart"], ["Mute 1 h", "Mute until morning"]]
    assert labels(trunk("mango", "rejected")) == [["Acknowledge"], ["Mute 1 h", "Mute until morning"]]


def test_what_was_done_can_be_undone() -> None:
    assert labels(anna(mute=LONG_SILENCE), ack=ANNA) == [["Undo: give back", "Chart"], ["Unmute"]]


def test_what_is_over_or_only_happened_has_no_buttons() -> None:
    assert labels(loss_over(6117, 5.0)) == []
    assert labels(new_agent(105)) == []


@given(action=st.sampled_from(ButtonAction), number=st.integers(0, 10**18 - 1))
def test_a_button_comes_back_as_it_went(action: ButtonAction, number: int) -> None:
    mark = new_mark()
    ((button,),) = marked([[Button("Acknowledge", f"{action}:{number}")]], mark)
    assert len(button.data.encode()) <= 64
    assert parse_button(button.data) == ButtonData(action, number, mark)


@pytest.mark.parametrize("data", ["", "ack", "ack:", ":7", "ack:x", "ack:-1", "ack:7:8", "ack:７", "nuke:7", "ack:" + "9" * 30])
def test_data_of_others_is_not_a_button(data: str) -> None:
    assert parse_button(data) is None


def test_every_button_fits_telegram_and_is_understood() -> None:
    for language in LANGUAGES:
        message = shown(incident(anna(), anna(mute=SILENCE), number=10**17), language=language)
        for button in (button for row in message.buttons for button in row):
            assert len(button.data.encode()) <= 64
            assert parse_button(button.data) is not None


# --- for machines


def payload(*incidents: Incident, form: Form = Form.LIVING) -> dict[str, Any]:
    message = notification(bulletin(*incidents, form=form), "en", show_pbx=False, zone=MOSCOW, with_payload=True)
    again: dict[str, Any] = json.loads(json.dumps(message.payload, allow_nan=False))
    assert again["text"] == message.plain
    return again


def test_a_payload_says_what_the_message_says() -> None:
    told = payload(incident(anna(severity=Severity.CRITICAL), ack=ANNA))
    assert {**told, "members": None, "text": None} == {
        "version": 1,
        "incident": 7,
        "pbx": "office",
        "status": "firing",
        "severity": "critical",
        "worst": "critical",
        "news": 1,
        "reason": "opened",
        "opened_at": SINCE + 10,
        "closed_at": None,
        "acknowledged_by": "Anna",
        "flapping": False,
        "members": None,
        "text": None,
    }
    assert told["members"] == [
        {
            "rule": "loss",
            "subject": "SIP/6117",
            "direction": "to_peer",
            "name": "Anna",
            "topic": "loss_percent",
            "state": "firing",
            "severity": "critical",
            "value": 12.4,
            "peak": 14.1,
            "since_at": SINCE,
            "ended_at": None,
            "text": "loss to Anna SIP/6117 12.40%",
        }
    ]


@pytest.mark.parametrize(
    ("one", "status"),
    [
        (incident(anna()), "firing"),
        (incident(anna(mute=SILENCE)), "muted"),
        (incident(loss_over(1, 5.0)), "resolved"),
        (incident(new_agent(105)), "happened"),
    ],
)
def test_a_payload_knows_what_became_of_it(one: Incident, status: str) -> None:
    assert payload(one)["status"] == status


def test_a_digest_holds_its_incidents() -> None:
    told = payload(incident(anna(), number=1), incident(loss_over(2, 5.0), number=2), form=Form.DIGEST)
    assert [each["incident"] for each in told["digest"]] == [1, 2]
    assert told["status"] == "firing"


def test_numbers_that_json_cannot_say_are_null() -> None:
    assert payload(incident(loss(1, float("nan"), float("inf"))))["members"][0]["value"] is None


def test_there_is_no_payload_unless_it_is_asked_for() -> None:
    assert not shown(incident(anna())).payload


# --- looks


@pytest.mark.parametrize("name", SITUATIONS)
def test_looks_are_the_same_for_what_nobody_sees(name: str) -> None:
    told = SITUATIONS[name]
    later = tuple(replace(each, revision=99, targets=("elsewhere",), news=each.news + 1) for each in told.incidents)
    assert seen(told) == seen(Bulletin(told.form, later))


def test_looks_differ_between_all_situations() -> None:
    looks = {name: seen(told) for name, told in SITUATIONS.items()}
    assert len(set(looks.values())) == len(looks)


def test_looks_change_with_buttons_and_with_the_list() -> None:
    assert shown(incident(anna())).looks != shown(incident(anna(), number=8)).looks
    members = list(FLOOD)
    last = replace(members[0], alert=replace(members[0].alert, peak=99.0))
    assert shown(incident(*members)).looks != shown(incident(last, *members[1:])).looks


def seen(told: Bulletin) -> str:
    return notification(told, "en", show_pbx=True, zone=MOSCOW).looks


# --- counting


@pytest.mark.parametrize(
    ("seconds", "english", "russian"),
    [
        (0, "0 s", "0 с"),
        (-5, "0 s", "0 с"),
        (59.4, "59 s", "59 с"),
        (60, "1 min", "1 мин"),
        (72, "1 min 12 s", "1 мин 12 с"),
        (299, "4 min 59 s", "4 мин 59 с"),
        (430, "7 min", "7 мин"),
        (3569, "59 min", "59 мин"),
        (3570, "1 h", "1 ч"),
        (7500, "2 h 5 min", "2 ч 5 мин"),
        (86_399, "1 d", "1 дн"),
        (266_400, "3 d 2 h", "3 дн 2 ч"),
    ],
)
def test_durations_are_said_as_people_say_them(seconds: float, english: str, russian: str) -> None:
    assert duration(seconds, words_of("en")) == english
    assert duration(seconds, words_of("ru")) == russian


@pytest.mark.parametrize(
    ("count", "english", "russian"),
    [
        (0, "0 packets", "0 пакетов"),
        (1, "1 packet", "1 пакет"),
        (2, "2 packets", "2 пакета"),
        (5, "5 packets", "5 пакетов"),
        (11, "11 packets", "11 пакетов"),
        (14, "14 packets", "14 пакетов"),
        (21, "21 packets", "21 пакет"),
        (23, "23 packets", "23 пакета"),
        (112, "112 packets", "112 пакетов"),
        (1101, "1101 packets", "1101 пакет"),
    ],
)
def test_counts_agree_with_their_noun(count: int, english: str, russian: str) -> None:
    assert number(count, words_of("en").packets) == english
    assert number(count, words_of("ru").packets) == russian


# --- whatever strangers write

WILD = st.text(st.characters(codec=None), max_size=30) | st.sampled_from(
    ["</b>", "&lt;", "&", "<b>", "{", "{0}", "A" * 4096, "😀" * 3000, "\u202eSIP", "a\nb", "\ud800"]
)
DETAILS = st.dictionaries(
    st.sampled_from(
        ["state", "cause", "old", "new", "address", "new_peer", "packets", "window_s", "codec", "calls", "provisional"]
    ),
    WILD | st.sampled_from(["yes", "None", "rejected", "silent", "12", "1e300"]),
    max_size=4,
)
TOPICS = [
    "loss_percent",
    "jitter_ms",
    "rtt_ms",
    "mos",
    "r_factor",
    "trunk_state",
    "peer_state",
    "pbx_state",
    "user_agent",
    "address",
]
MUTES = st.none() | st.builds(
    Mute, kind=st.sampled_from(MuteKind), name=WILD, until=st.none() | st.floats(), by=WILD, comment=WILD
)
MEMBERS = st.builds(
    member,
    st.sampled_from(TOPICS) | WILD,
    WILD,
    state=st.sampled_from(MemberState),
    direction=st.none() | st.sampled_from(Direction),
    name=st.none() | WILD,
    value=st.none() | st.floats(),
    peak=st.none() | st.floats(),
    severity=st.sampled_from(Severity),
    since_s=st.floats(),
    lasted_s=st.floats(),
    because=st.sampled_from(["clear", "no_data", "dropped", "removed"]),
    details=DETAILS,
    texts=st.fixed_dictionaries({}, optional={"en": WILD | st.sampled_from(["{peer} {value:.2f}%", "{name}" * 80])}),
    rule=WILD,
    pbx=WILD,
    mute=MUTES,
    fires=st.lists(st.floats(), max_size=4).map(tuple),
)


@st.composite
def incidents(draw: st.DrawFn) -> Incident:
    members = draw(st.lists(MEMBERS, min_size=1, max_size=14))
    return incident(
        *members,
        number=draw(st.integers(0, 10**9)),
        pbx=draw(WILD),
        news_reason=draw(st.sampled_from(NewsReason)),
        news_at=draw(st.floats()),
        ack=draw(st.none() | st.builds(Acknowledgement, by=WILD, at=st.floats())),
        escalated_at=draw(st.none() | st.floats()),
        flapping=draw(st.booleans()),
    )


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(
    told=st.lists(incidents(), min_size=1, max_size=3),
    form=st.sampled_from(Form),
    language=st.sampled_from(LANGUAGES),
    show_pbx=st.booleans(),
)
def test_telegram_accepts_whatever_strangers_write(told: list[Incident], form: Form, language: str, show_pbx: bool) -> None:
    message = notification(bulletin(*told, form=form), language, show_pbx=show_pbx, zone=UTC, with_payload=True)
    message.html.encode("utf-8")
    read = visible_text(message.html)
    assert 0 < utf16_units(read) <= TEXT_LIMIT_UTF16
    assert read == message.plain
    assert all(read.splitlines())
    assert utf16_units(picture_caption(told[0], language, UTC)) <= 1024
    json.dumps(message.payload, allow_nan=False, ensure_ascii=False).encode("utf-8")
    if message.attachment is not None:
        assert message.attachment.content.decode("utf-8")


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(
    name=WILD,
    count=st.integers(1, 120),
    over=st.integers(0, 120),
    affected=st.integers(0, 60),
    split=st.integers(1, 12),
    form=st.sampled_from([Form.LIVING, Form.DIGEST]),
    language=st.sampled_from(LANGUAGES),
)
def test_everybody_is_named(name: str, count: int, over: int, affected: int, split: int, form: Form, language: str) -> None:
    explained = Mute(MuteKind.INHIBITED, "mango")
    members = [
        *(loss(10_000 + each, each / 7, name=name) for each in range(count)),
        *(loss_over(20_000 + each, each / 7, name=name) for each in range(over)),
        *(loss(30_000 + each, each / 7, name=name, mute=explained) for each in range(affected)),
    ]
    told = [incident(*members)]
    if form is Form.DIGEST:
        told = [incident(*members[start::split], number=start) for start in range(min(split, len(members)))]
    message = shown(*told, form=form, language=language)
    attached = message.attachment.content.decode() if message.attachment is not None else ""
    missing = [each.key.subject for each in members if each.key.subject not in message.plain + attached]
    assert not missing


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(before=incidents(), after=incidents(), same_value=st.booleans())
def test_looks_change_if_and_only_if_a_reader_sees_a_change(before: Incident, after: Incident, same_value: bool) -> None:
    one = shown(before)
    other = shown(replace(before, revision=before.revision + 1) if same_value else after)
    is_same = (one.html, one.buttons, one.attachment) == (other.html, other.buttons, other.attachment)
    assert (one.looks == other.looks) is is_same
