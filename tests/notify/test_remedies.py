"""Whatever was done, or not, is said in every language, in one line, and stored as it is."""

from __future__ import annotations

from datetime import UTC
from itertools import product

import pytest

from qualitywatch.model import Incident, RemedyAction, RemedyNote, RemedyOutcome, RemedyReason, Severity
from qualitywatch.notify.remedies import remedied, told
from qualitywatch.notify.texts import LANGUAGES, words_of
from qualitywatch.store.codec import dumps, loads

AT = 1_700_000_000.0
VALUES = {
    "channel": "PJSIP/701-0000002a",
    "context": "announcements",
    "exten": "900",
    "to": "PJSIP/100",
    "variable": "TRUNK_OUT",
    "family": "trunk",
    "key": "main",
    "value": "backup",
}
SWITCHES = [f"{action}{end}" for action in ("setvar", "dbput") for end in ("_back", "_delete", "_before")]
WHAT = [*RemedyAction, *SWITCHES]


def incident(*notes: RemedyNote) -> Incident:
    return Incident(1, "office", AT, (), Severity.WARNING, Severity.WARNING, remedies=notes)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("outcome", RemedyOutcome)
def test_everything_has_its_words(language: str, outcome: RemedyOutcome) -> None:
    reasons = [why for why in RemedyReason if why is not RemedyReason.NONE] if "not" in outcome else [RemedyReason.NONE]
    for what, why in product(WHAT, reasons):
        text = told(RemedyNote(AT, outcome, what, VALUES, why, "system"), words_of(language), UTC)
        assert text.startswith("22:13:20 ")
        assert not set(text) & set("{}?\n"), text
        assert len(text) < 200
        assert what not in text or what in {"hangup", "redirect"}, "the bare name of an action is no sentence"
        named = {"hangup": "701", "redirect": "900", "originate": "100"}.get(what, "TRUNK_OUT" if "setvar" in what else "main")
        assert named in text


@pytest.mark.parametrize(
    ("language", "expected"),
    [
        ("en", "22:13:20 did not hang up PJSIP/701-0000002a: no more than 10 an hour"),
        ("ru", "22:13:20 не сделано (завершить вызов PJSIP/701-0000002a): не больше 10 в час"),
    ],
)
def test_a_line_is_understood_at_night(language: str, expected: str) -> None:
    note = RemedyNote(AT, RemedyOutcome.NOT_DONE, "hangup", VALUES, RemedyReason.LIMIT, "10")
    assert list(remedied(incident(note), words_of(language), UTC)) == [expected]


def test_of_many_only_the_last_are_named_and_the_others_counted() -> None:
    notes = [RemedyNote(AT + n, RemedyOutcome.DONE, "hangup", {**VALUES, "channel": f"SIP/{n}-1"}) for n in range(9)]
    shown = list(remedied(incident(*notes), words_of("en"), UTC))
    assert shown[0] == "3 more remedies before these"
    assert shown[1:] == [f"22:13:{20 + n} hung up SIP/{n}-1" for n in range(3, 9)]


def test_a_note_of_another_version_is_shown_as_far_as_it_is_known() -> None:
    assert told(RemedyNote(AT, RemedyOutcome.DONE, "reboot"), words_of("en"), UTC) == "22:13:20 reboot"
    assert told(RemedyNote(AT, RemedyOutcome.DONE, "hangup"), words_of("en"), UTC) == "22:13:20 hung up ?"


def test_notes_are_stored_with_their_incident() -> None:
    note = RemedyNote(AT, RemedyOutcome.NOT_UNDONE, "dbput_back", VALUES, RemedyReason.CHANGED, "by hand")
    assert loads(Incident, dumps(incident(note))) == incident(note)
