"""What is said of calls that do not get through, and of their being well again."""

from __future__ import annotations

from zoneinfo import ZoneInfo

import pytest

from qualitywatch.model import Alert, AlertKey, AlertState, NotifyReason, Severity, Tally, Transition
from qualitywatch.notify.phrases import sentence
from qualitywatch.notify.texts import words_of
from qualitywatch.rules.kinds.ratio import TALLIES

CAUSES = "3 × 21 call rejected, SIP 403; 1 × 34 congestion"


def said(
    language: str, details: dict[str, str], *, topic: str = Tally.DELIVERED, value: float | None = 0, over: bool = False
) -> str:
    alert = Alert(
        AlertKey("r", "office", "PJSIP/trunk-a"),
        AlertState.INACTIVE if over else AlertState.FIRING,
        Severity.CRITICAL,
        topic,
        since_at=1000,
        level_since={},
        clear_since=1420 if over else None,
        value=value,
        peak=0,
        details=details,
    )
    old, new = (AlertState.FIRING, AlertState.INACTIVE) if over else (AlertState.PENDING, AlertState.FIRING)
    reason = NotifyReason.RESOLVED if over else NotifyReason.FIRING
    return sentence(Transition(1540, alert, old, new, reason, "clear" if over else None), language, ZoneInfo("UTC"))


def test_a_row_of_failures_in_english() -> None:
    told = said("en", {"calls": "4", "in_a_row": "yes", "causes": CAUSES})
    assert told == f"calls over PJSIP/trunk-a fail: 0% of the last 4 delivered ({CAUSES})"


def test_a_share_of_all_calls_in_english() -> None:
    told = said("en", {"calls": "120", "window_s": "3600", "causes": CAUSES}, value=88.3)
    assert told == f"calls over PJSIP/trunk-a fail: 88% of 120 delivered ({CAUSES})"


def test_the_same_in_russian() -> None:
    told = said("ru", {"calls": "4", "in_a_row": "yes", "causes": CAUSES})
    assert told == f"Звонки по транку PJSIP/trunk-a не проходят: доставлено 0% из последних 4 ({CAUSES})"
    told = said("ru", {"calls": "120", "window_s": "3600"}, value=88.3)
    assert told == "Звонки по транку PJSIP/trunk-a не проходят: доставлено 88% из 120"


@pytest.mark.parametrize(
    ("language", "told"),
    [
        ("en", "calls over PJSIP/trunk-a are delivered again after 7 min, lowest 0%"),
        ("ru", "Звонки по транку PJSIP/trunk-a снова проходят через 7 мин, минимум 0%"),
    ],
)
def test_the_end(language: str, told: str) -> None:
    assert said(language, {"calls": "4"}, over=True) == told


@pytest.mark.parametrize("language", ["en", "ru"])
@pytest.mark.parametrize("tally", TALLIES)
def test_every_share_has_words_of_its_own_in_every_language(language: str, tally: Tally) -> None:
    words = words_of(language)
    assert tally in words.tallies
    assert tally in words.entities
    told = said(language, {"calls": "40"}, topic=tally, value=12)
    assert "PJSIP/trunk-a" in told
    assert "12%" in told
    assert "40" in told
    assert "{" not in told
    assert "lowest" in said(language, {}, topic=tally, over=True) or "минимум" in said(language, {}, topic=tally, over=True)


@pytest.mark.parametrize("details", [{}, {"calls": ""}, {"causes": CAUSES}])
def test_what_is_not_known_is_left_out(details: dict[str, str]) -> None:
    assert said("en", details) == "calls over PJSIP/trunk-a: 0%"
    assert said("en", details, value=None) == "calls over PJSIP/trunk-a: value unknown"
