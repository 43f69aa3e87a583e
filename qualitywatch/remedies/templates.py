"""Templates of remedies: what an alert can fill in."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from qualitywatch.document import Section
from qualitywatch.model import Alert
from qualitywatch.wording import check_template, fill

FIELDS: Final = ("subject", "peer", "name", "trunk", "channel", "pbx", "rule", "severity")
_LONGEST: Final = 400  # Asterisk takes 1024 bytes a line


def read_template(section: Section, key: str, default: str | None = None) -> str:
    """Read a text with fields of the alert."""
    text = section.text(key) if default is None else section.text(key, default)
    reason = check_template(text, FIELDS) if text else None  # an empty one was told already
    if reason is not None:
        section.problem(key, reason)
    return text


def read_token(section: Section, key: str, grammar: re.Pattern[str], reason: str, default: str | None = None) -> str:
    """Read a plain token: the protocol is made of lines, and Asterisk gives commas and parentheses a meaning of their own."""
    text = section.text(key) if default is None else section.text(key, default)
    if text and not grammar.fullmatch(text):
        section.problem(key, reason)
    return literal(text)


def literal(text: str) -> str:
    """Return the template that says just this."""
    return text.replace("{", "{{").replace("}", "}}")


def fields_of(alert: Alert, channel: str, trunk: str | None) -> Mapping[str, str]:
    """Return what an alert fills in."""
    key = alert.key
    return {
        "subject": key.subject,
        "peer": key.subject,
        "name": alert.display_name or key.subject,
        "trunk": trunk or key.subject,
        "channel": channel,
        "pbx": key.pbx,
        "rule": key.rule,
        "severity": str(alert.severity),
    }


def fill_all(templates: Mapping[str, str], fields: Mapping[str, str]) -> dict[str, str] | None:
    """Fill in all templates; None when one becomes what no line of the protocol can hold."""
    filled: dict[str, str] = {}
    for name, template in templates.items():
        text = fill(template, fields, FIELDS) if template else ""
        if text is None or not text.isprintable() or len(text) > _LONGEST:
            return None
        filled[name] = text
    return filled


def speaks_of_channels(templates: Mapping[str, str]) -> bool:
    """Whether one of the templates names the channel, so that it is about each of them."""
    return any("{channel" in template for template in templates.values())
