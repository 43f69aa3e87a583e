"""Whole messages: what a chat and a terminal show."""

from __future__ import annotations

from datetime import UTC
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qualitywatch.model import AlertState, Direction, NotifyReason, Severity, Transition
from qualitywatch.notify.legible import utf16_units
from qualitywatch.notify.render import TEXT_LIMIT_UTF16, headline, html, plain
from qualitywatch.notify.texts import LANGUAGES, duration, number, words_of
from tests.fakes.telegram_html import visible_text
from tests.notify.build import resolved, transition

MOSCOW = ZoneInfo("Europe/Moscow")
JUDGED = {"packets": "1100", "window_s": "60", "codec": "alaw", "calls": "2"}


def loss(**changes: object) -> Transition:
    return transition(direction=Direction.TO_PEER, name="Anna", value=5.4545, details=JUDGED, **changes)  # type: ignore[arg-type]


def test_a_firing_alert_in_english() -> None:
    assert plain(loss(), "en", False, MOSCOW) == (
        "🟡 loss to Anna SIP/6117 5.45%\n"
        "judged: 1100 packets in 1 min, 2 calls, codec alaw\n"
        "since 2025-11-23 01:00:00 MSK\n"
        "rule call-loss, warning"
    )


def test_a_firing_alert_in_russian() -> None:
    assert plain(loss(), "ru", False, MOSCOW) == (
        "🟡 Потери до Anna SIP/6117 5.45%\n"
        "выборка: 1100 пакетов за 1 мин, 2 звонка, кодек alaw\n"
        "с 2025-11-23 01:00:00 MSK\n"
        "правило call-loss, предупреждение"
    )


def test_a_raised_alert_says_that_it_was_raised() -> None:
    change = loss(reason=NotifyReason.SEVERITY_INCREASED, severity=Severity.CRITICAL)
    assert plain(change, "en", False, UTC).startswith("🔴 loss to Anna")
    assert plain(change, "en", False, UTC).endswith("rule call-loss, now critical")
    assert plain(change, "ru", False, UTC).endswith("правило call-loss, теперь критично")


def test_a_resolved_alert_tells_from_when_to_when() -> None:
    change = resolved(direction=Direction.TO_PEER, name="Anna", peak=12.4)
    assert plain(change, "en", False, MOSCOW) == (
        "🟢 loss to Anna SIP/6117 is over after 7 min, peak 12.40%\n"
        "from 2025-11-23 01:00:00 MSK to 2025-11-23 01:07:00 MSK\n"
        "rule call-loss, warning"
    )
    assert "с 2025-11-23 01:00:00 MSK до 2025-11-23 01:07:00 MSK" in plain(change, "ru", False, MOSCOW)


def test_an_alert_that_ended_for_lack_of_calls_is_not_marked_green() -> None:
    change = resolved(direction=Direction.TO_PEER, peak=12.4, because="no_data")
    assert plain(change, "en", False, UTC).startswith("⚪ loss to SIP/6117: no more calls to judge, ended after 7 min")


def test_something_that_happened_has_an_instant_not_a_beginning() -> None:
    details = {"old": "None", "new": "Cisco-CP7960G/8.0", "address": "37.110.158.23:5060"}
    change = transition(
        "user_agent", "SIP/105", reason=NotifyReason.HAPPENED, severity=Severity.INFO, details=details, rule="agent", lasted_s=0
    )
    assert plain(change, "en", False, UTC) == (
        '🔵 User-Agent on peer SIP/105 (37.110.158.23:5060) changed from "None" to "Cisco-CP7960G/8.0"\n'
        "at 2025-11-22 22:00:00 UTC\n"
        "rule agent, info"
    )
    assert "\nв 2025-11-22 22:00:00 UTC\nправило agent, информация" in plain(change, "ru", False, UTC)


def test_the_pbx_is_named_only_when_there_are_several() -> None:
    assert plain(loss(), "en", True, UTC).startswith("🟡 [office] loss to Anna SIP/6117 5.45%\n")
    assert html(loss(), "en", True, UTC).startswith("🟡 [office] <b>loss to Anna SIP/6117 5.45%</b>\n")
    assert "[office]" not in plain(loss(), "en", False, UTC)


def test_only_markup_is_escaped() -> None:
    change = transition(
        "user_agent",
        "SIP/105",
        name='<b>O\'Neil & "Co"</b>',
        reason=NotifyReason.HAPPENED,
        details={"old": "None", "new": "<sip:100@10.0.0.1>"},
    )
    assert html(change, "en", False, UTC).startswith(
        '🟡 <b>User-Agent on peer SIP/105 changed from "None" to "&lt;sip:100@10.0.0.1&gt;" '
        '(&lt;b&gt;O\'Neil &amp; "Co"&lt;/b&gt;)</b>\n'
    )


def test_a_caller_name_cannot_fake_a_second_line() -> None:
    change = transition(direction=Direction.TO_PEER, name="Anna\n🔴 PBX is down\u202e", value=5.0)
    assert plain(change, "en", False, UTC).splitlines()[0] == "🟡 loss to Anna 🔴 PBX is down SIP/6117 5.00%"


def test_a_very_long_name_leaves_room_for_the_numbers() -> None:
    change = transition(direction=Direction.TO_PEER, name="A" * 10_000, value=5.4545)
    assert headline(change, "en").endswith("… SIP/6117 5.45%")


def test_a_very_long_wording_is_cut_before_the_other_lines() -> None:
    change = loss(texts={"en": "&" * 1000 + "{peer}"})
    assert visible_text(html(change, "en", True, UTC)) == plain(change, "en", True, UTC)


def test_unknown_details_leave_their_line_out() -> None:
    change = transition(direction=Direction.TO_PEER, value=5.0, details={"packets": "many", "window_s": "nan", "calls": "-1"})
    assert plain(change, "en", False, UTC).splitlines()[1:] == ["since 2025-11-22 22:00:00 UTC", "rule call-loss, warning"]


def test_an_impossible_instant_is_a_question_mark() -> None:
    change = Transition(1e300, loss().alert, AlertState.FIRING, AlertState.INACTIVE, NotifyReason.RESOLVED, "clear")
    assert "from 2025-11-22 22:00:00 UTC to ?" in plain(change, "en", False, UTC)


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


WILD = st.text(st.characters(codec=None), max_size=40) | st.sampled_from(
    ["</b>", "&lt;", "&", "<", "A" * 6000, "😀" * 3000, "\u202e"]
)
DETAILS = st.dictionaries(
    st.sampled_from(
        ["state", "cause", "old", "new", "address", "new_peer", "packets", "window_s", "codec", "calls", "provisional"]
    ),
    WILD | st.sampled_from(["yes", "None", "rejected", "silent", "12", "1e300"]),
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


@given(
    topic=st.sampled_from(TOPICS) | WILD,
    subject=WILD,
    name=st.none() | WILD,
    pbx=WILD,
    rule=WILD,
    details=DETAILS,
    template=st.none() | WILD | st.sampled_from(["{peer} {value:.2f}%", "{name}" * 80]),
    value=st.none() | st.floats(),
    direction=st.none() | st.sampled_from(Direction),
    reason=st.sampled_from(NotifyReason),
    because=st.sampled_from(["clear", "no_data", None]),
    lasted_s=st.floats(),
    language=st.sampled_from(LANGUAGES),
)
def test_telegram_accepts_whatever_strangers_write(
    topic: str,
    subject: str,
    name: str | None,
    pbx: str,
    rule: str,
    details: dict[str, str],
    template: str | None,
    value: float | None,
    direction: Direction | None,
    reason: NotifyReason,
    because: str | None,
    lasted_s: float,
    language: str,
) -> None:
    change = transition(
        topic,
        subject,
        name=name,
        pbx=pbx,
        rule=rule,
        details=details,
        texts={} if template is None else {language: template},
        value=value,
        peak=value,
        direction=direction,
        reason=reason,
        because=because,
        lasted_s=lasted_s,
    )
    message = html(change, language, True, UTC)
    message.encode("utf-8")
    shown = visible_text(message)
    assert 0 < utf16_units(shown) <= TEXT_LIMIT_UTF16
    assert len(shown.splitlines()) <= 4
    assert shown == plain(change, language, True, UTC)
    assert shown.splitlines()[0].endswith(headline(change, language)) or "…" in shown
