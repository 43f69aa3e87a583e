"""From incidents to what is shown: a bulletin becomes one message, in plain text, in Telegram's HTML and for machines.

Everything here is a pure function of the incidents: nothing is told relative to the present moment, so that two looks at the
same incident are equal and a message is edited only when a reader would see the difference.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, tzinfo
from hashlib import blake2b
from typing import Final

from qualitywatch.model import Attachment, Bulletin, Button, Form, Incident, Notification, Transition
from qualitywatch.notify import statuses
from qualitywatch.notify.buttons import buttons_of
from qualitywatch.notify.composition import TEXT_LIMIT_UTF16, Line, html_text, line, plain_text
from qualitywatch.notify.dashboards import Dashboards
from qualitywatch.notify.digest_text import digest
from qualitywatch.notify.legible import legible
from qualitywatch.notify.living import first_line, living
from qualitywatch.notify.members import charted
from qualitywatch.notify.payload import payload_of
from qualitywatch.notify.phrases import sentence
from qualitywatch.notify.steps import told_now
from qualitywatch.notify.terms import who
from qualitywatch.notify.texts import words_of

__all__ = ["TEXT_LIMIT_UTF16", "headline", "notification", "picture_caption"]

_LOOKS_BYTES: Final = 12


def headline(transition: Transition, language: str) -> str:
    """Return what happened in one plain line; wordings that tell the time tell it in UTC."""
    return legible(sentence(transition, language, UTC)) or "?"


def notification(
    bulletin: Bulletin,
    language: str,
    *,
    show_pbx: bool,
    zone: tzinfo,
    with_payload: bool = False,
    dashboards: Dashboards | None = None,
) -> Notification:
    """Return a bulletin as one message; what is shown is at most 4096 UTF-16 code units, times are told in ``zone``.

    Where there are ``dashboards``, the message of an incident ends with a link to the right one.
    """
    incident = bulletin.incidents[0]
    buttons: tuple[tuple[Button, ...], ...] = ()
    attachment: Attachment | None = None
    message: tuple[Line, ...]
    match bulletin.form:
        case Form.LIVING:
            message, attachment = living(incident, language, zone, show_pbx=show_pbx, dashboards=dashboards)
            buttons = buttons_of(incident, words_of(language))
        case Form.SUPERSEDED:
            continued = line(words_of(language).statuses.continued)
            message = first_line(incident, language, zone, show_pbx=show_pbx, tag="s"), continued
        case Form.DIGEST:
            message, attachment = digest(bulletin.incidents, language, zone, show_pbx=show_pbx)
    plain, html = plain_text(message), html_text(message)
    return Notification(
        plain,
        html,
        _looks(html, buttons, attachment),
        bulletin.severity,
        buttons,
        attachment,
        payload_of(bulletin, plain, language, zone) if with_payload else {},
        _tells(bulletin),
    )


def picture_caption(incident: Incident, language: str, zone: tzinfo) -> str:
    """Return what stands below a chart of ``members.charted``: whose it is, and when; a few hundred UTF-16 units at most.

    Figures are left out: a caption is never edited.
    """
    words, shown = words_of(language), charted(incident) or incident.members[0]
    lines = (words.caption.format(who=who(shown.alert)), statuses.when(incident.members, words, zone))
    return "\n".join(map(legible, lines))


def _tells(bulletin: Bulletin) -> str:
    """Ids begin anew with a new store, so that an incident is known by its beginning as well."""
    told = [(incident.pbx, incident.opened_at, told_now(incident)) for incident in bulletin.incidents]
    news = [(pbx, opened_at, it.incident, it.news, it.closed, it.members) for pbx, opened_at, it in told]
    return blake2b(json.dumps([bulletin.form, news]).encode(), digest_size=_LOOKS_BYTES).hexdigest()


def _looks(html: str, buttons: Sequence[Sequence[Button]], attachment: Attachment | None) -> str:
    seen = [html, [[[button.label, button.data] for button in row] for row in buttons], attachment and attachment.name]
    digested = blake2b(json.dumps(seen).encode(), digest_size=_LOOKS_BYTES)
    if attachment is not None:
        digested.update(attachment.content)
    return digested.hexdigest()
