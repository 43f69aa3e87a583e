"""A rule's own wording: what the loader accepts, and what is sent."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qualitywatch.model import Direction, NotifyReason
from qualitywatch.notify.render import headline
from qualitywatch.notify.texts import check_template
from qualitywatch.wording import FIELD_NAMES, fill
from tests.notify.build import transition

FIELDS: dict[str, str | float | None] = {"peer": "Anna SIP/6117", "value": 5.4545, "peak": None}


@pytest.mark.parametrize(
    "template",
    [
        "Потери до {peer} {value:.2f}%",
        "{severity}: {name} ({subject}) on {pbx}, {direction} {value:6.1f} peak {peak:.0f} since {since}",
        "no fields at all",
        "braces {{as text}} {value}",
        "{peer!s:>20}",
    ],
)
def test_a_good_template_is_accepted(template: str) -> None:
    assert check_template(template) is None


@pytest.mark.parametrize(
    ("template", "complaint"),
    [
        ("", "is empty"),
        ("  \n", "is empty"),
        ("x" * 1001, "is longer than 1000 characters"),
        ("loss to {per}", "unknown field {per}; known are {peer}, {name}, {subject}"),
        ("{}", "unknown field {}"),
        ("{0}", "unknown field {0}"),
        ("{value.__class__}", "unknown field {value.__class__}"),
        ("{peer[0]}", "unknown field {peer[0]}"),
        ("100 % {", "single '{' encountered in format string; write {{ and }} for braces"),
        ("}", "single '}' encountered in format string; write {{ and }} for braces"),
        ("{peer:.2f}", "cannot be filled in: unknown format code 'f'"),
        ("{value:d}", "cannot be filled in: unknown format code 'd'"),
        ("{value:999999999}", "{value:999999999}: not a usable format"),
        ("{value:{peak}}", "{value:{peak}}: not a usable format"),
        ("{value:.999f}", "{value:.999f}: not a usable format"),
    ],
)
def test_a_bad_template_is_explained(template: str, complaint: str) -> None:
    problem = check_template(template)
    assert problem is not None
    assert problem.startswith(complaint)


def test_a_filled_template() -> None:
    assert fill("{peer}: {value:.1f} %", FIELDS) == "Anna SIP/6117: 5.5 %"


@pytest.mark.parametrize("template", ["{peak:.1f}", "{nobody}", "{", "{value.real}", "{name}"])
def test_what_cannot_be_filled_is_left_to_the_default(template: str) -> None:
    assert fill(template, FIELDS) is None


@given(st.text(max_size=40) | st.text(alphabet="{}:!.[]0123valuepr<>^%fd,", max_size=25), st.none() | st.floats())
def test_no_template_ever_raises_when_filled(template: str, value: float | None) -> None:
    filled = fill(template, {name: value if name in {"value", "peak"} else "x" for name in FIELD_NAMES})
    assert filled is None or check_template(template) is None


def test_the_rules_own_wording_is_what_is_sent() -> None:
    change = transition(
        direction=Direction.TO_PEER,
        name="Анна",
        value=5.4545,
        peak=7.0,
        texts={
            "ru": "{direction} {peer}: {value:.1f}%, пик {peak:.0f}%",
            "en": "{severity} {name} {subject} {pbx} {since}",
        },
    )
    assert headline(change, "ru") == "до Анна SIP/6117: 5.5%, пик 7%"
    assert headline(change, "en") == "warning Анна SIP/6117 office 2025-11-22 22:00:00 UTC"


def test_a_language_the_rule_does_not_speak_gets_the_default() -> None:
    change = transition(direction=Direction.TO_PEER, value=5.0, texts={"ru": "Плохо: {peer}"})
    assert headline(change, "en") == "loss to SIP/6117 5.00%"


def test_a_wording_that_cannot_be_filled_falls_back_to_the_default() -> None:
    change = transition(direction=Direction.TO_PEER, value=5.0, texts={"en": "peak {peak:.1f}"})
    assert headline(change, "en") == "loss to SIP/6117 5.00%"


def test_the_end_is_told_in_our_words() -> None:
    change = transition(
        direction=Direction.TO_PEER,
        peak=12.4,
        reason=NotifyReason.RESOLVED,
        lasted_s=420,
        texts={"en": "calls of {peer} are broken"},
    )
    assert headline(change, "en") == "loss to SIP/6117 is over after 7 min, peak 12.40%"


def test_control_characters_of_a_template_do_not_reach_anybody() -> None:
    change = transition(direction=Direction.TO_PEER, value=5.0, texts={"en": "{peer}\n🔴 fake \u202e alert"})
    assert headline(change, "en") == "SIP/6117 🔴 fake alert"


@pytest.mark.parametrize(
    ("reason", "said"),
    [
        ("127.0.0.1:5038: connection refused: is Asterisk running, and are enabled=yes right?", "соединение отклонено"),
        ("pbx:5038: left a Ping unanswered for 20 s: Asterisk hangs or the network is cut", "Asterisk завис"),
        ("pbx:5038: refused the login of qualitywatch (Authentication failed): wrong user name or secret", "manager.conf"),
        ("pbx:5038: something nobody thought of", "something nobody thought of"),
    ],
)
def test_a_lost_pbx_is_explained_in_the_readers_language(reason: str, said: str) -> None:
    told = transition(topic="pbx_state", value=None, subject="office", details={"state": "blind", "cause": reason})
    text = headline(told, "ru")
    assert said in text
    assert "running" not in text
