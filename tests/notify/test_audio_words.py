"""How one-way audio reads: alone, of several phones, and when it is over."""

from __future__ import annotations

from typing import Any

import pytest

from qualitywatch.model import Member, MemberState
from qualitywatch.notify.render import notification
from tests.notify.build import bulletin, incident, member
from tests.notify.test_render import MOSCOW


def silent(number: int, audio: str, **facts: Any) -> Member:
    details = {"state": audio, "cause": f"PJSIP/{number}-0000000a", **facts.pop("more", {})}
    return member("audio_state", f"PJSIP/{number}", details=details, **facts)


def lines(*members: Member, language: str) -> list[str]:
    return notification(bulletin(incident(*members)), language, show_pbx=False, zone=MOSCOW).plain.splitlines()


@pytest.mark.parametrize(
    ("states", "en", "ru"),
    [
        (
            ["hears_nothing"],
            "🟡 PJSIP/706 hears nothing: our packets do not get there (PJSIP/706-0000000a)",
            "🟡 PJSIP/706: не слышит собеседника, наши пакеты не доходят (PJSIP/706-0000000a)",
        ),
        (
            ["sends_nothing"],
            "🟡 PJSIP/706 is not heard: no packets come from there (PJSIP/706-0000000a)",
            "🟡 PJSIP/706: собеседнику ничего не слышно, пакеты с этой стороны не приходят (PJSIP/706-0000000a)",
        ),
        (
            ["dead"],
            "🟡 PJSIP/706: dead air, no packets either way (PJSIP/706-0000000a)",
            "🟡 PJSIP/706: тишина в обе стороны, пакеты не проходят (PJSIP/706-0000000a)",
        ),
        (["hears_nothing"] * 2, "🟡 2 peers hear nothing", "🟡 Не слышат собеседника: 2 пира"),
        (["sends_nothing"] * 3, "🟡 3 peers are not heard", "🟡 Не слышно собеседнику: 3 пира"),
        (["dead"] * 5, "🟡 dead air: 5 peers", "🟡 Тишина в обе стороны: 5 пиров"),
        (["hears_nothing", "sends_nothing"], "🟡 one-way audio: 2 peers", "🟡 Нет звука хотя бы в одну сторону: 2 пира"),
    ],
)
def test_the_first_line_says_who_is_silent_and_which_way(states: list[str], en: str, ru: str) -> None:
    members = [silent(706 + number, state) for number, state in enumerate(states)]
    assert lines(*members, language="en")[0] == en
    assert lines(*members, language="ru")[0] == ru


@pytest.mark.parametrize(
    ("because", "en", "ru"),
    [
        ("clear", "🟢 2 peers have audio both ways again after 5 min", "🟢 2 пира снова со звуком в обе стороны через 5 мин"),
        (
            "no_data",
            "⚪ 2 peers, nothing left to judge, ended after 5 min",
            "⚪ 2 пира, оценивать больше нечего, завершено через 5 мин",
        ),
    ],
)
def test_the_end_of_several_says_whether_sound_was_proven(because: str, en: str, ru: str) -> None:
    members = [silent(number, "dead", state=MemberState.RESOLVED, lasted_s=300.0, because=because) for number in (706, 707)]
    assert lines(*members, language="en")[0] == en
    assert lines(*members, language="ru")[0] == ru


def test_several_bad_calls_are_counted_and_one_is_not() -> None:
    assert lines(silent(706, "dead", more={"bad_calls": "2"}), language="en")[1] == "2 of the last 5 calls were so"
    assert lines(silent(706, "dead", more={"bad_calls": "2"}), language="ru")[1] == "таких звонков: 2 из последних 5"
    assert lines(silent(706, "dead"), language="en")[1].startswith("since ")
