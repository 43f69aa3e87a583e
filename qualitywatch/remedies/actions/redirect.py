"""``redirect``: sends the channels that break the rule elsewhere in the dial plan, to an announcement or an operator."""

from __future__ import annotations

import re
from typing import Final

from qualitywatch.document import Section
from qualitywatch.remedies.action import ActionKind, Request, Values
from qualitywatch.remedies.templates import read_template, read_token

_CONTEXT: Final = re.compile(r"[A-Za-z0-9_.-]{1,79}")
_EXTEN: Final = re.compile(r"[A-Za-z0-9*#+_.-]{1,79}")


def parse(section: Section) -> dict[str, str]:
    """Read the keys of a redirect."""
    return {
        "channel": read_template(section, "channel", "{channel}"),
        "context": read_token(section, "context", _CONTEXT, "must be a context of the dial plan, such as announcements"),
        "exten": read_token(section, "exten", _EXTEN, "must be an extension of that context, such as 900 or s", "s"),
        "priority": str(section.integer("priority", 1, minimum=1, maximum=9999)),
    }


def request(values: Values) -> Request:
    """What is sent."""
    names = {"Channel": "channel", "Context": "context", "Exten": "exten", "Priority": "priority"}
    return Request("Redirect", tuple((header, values[name]) for header, name in names.items()), ("call",))


def unfit(values: Values) -> bool:
    """A channel is technology/name."""
    return "/" not in values["channel"][1:]


REDIRECT = ActionKind(
    parse, request, per_channel=True, unfit=unfit, gone=("no such channel", "channel does not exist", "channel not up")
)
