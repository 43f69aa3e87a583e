"""What is told where the usual words fail: short, harmless whatever the names are, and of use to a machine."""

from __future__ import annotations

import json
from dataclasses import replace

from qualitywatch.model import Bulletin, Form, Severity
from qualitywatch.notify.bare import bare
from tests.notify.targets import closed, incident


def test_an_incident_is_named_with_how_bad_it_is_and_whether_it_is_over() -> None:
    one = incident(1, Severity.CRITICAL)
    assert bare(Bulletin(Form.LIVING, (one,))).plain.splitlines() == [
        "critical: call-loss SIP/1 (office, incident 1)",
        "The usual words failed by a mistake of the program; its log says where.",
    ]
    over = bare(Bulletin(Form.SUPERSEDED, (closed(one),)))
    assert over.plain.splitlines()[:2] == [
        "critical: call-loss SIP/1 (office, incident 1), over",
        "A newer message goes on with this.",
    ]
    assert (over.payload["status"], over.payload["incident"]) == ("resolved", 1)
    assert json.dumps(over.payload, allow_nan=False)


def test_a_digest_names_the_first_and_fits_into_a_message() -> None:
    many = bare(Bulletin(Form.DIGEST, tuple(replace(incident(number), pbx="p" * 500) for number in range(300))))
    assert "and 285 more" in many.plain
    assert len(many.plain) <= 4096
    assert len(json.loads(json.dumps(many.payload))["digest"]) == 300


def test_names_are_shown_as_text() -> None:
    one = incident(1)
    odd = replace(one.members[0].alert, key=replace(one.members[0].alert.key, subject="<b>\u202e\ud800\n2"))
    shown = bare(Bulletin(Form.LIVING, (replace(one, members=(replace(one.members[0], alert=odd),)),)))
    assert shown.plain.startswith("warning: call-loss <b>\N{REPLACEMENT CHARACTER} 2 (office")
    assert shown.html.startswith("<b>warning: call-loss &lt;b&gt;\N{REPLACEMENT CHARACTER} 2 (office")
