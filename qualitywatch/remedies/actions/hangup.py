"""``hangup``: ends the channels that break the rule."""

from __future__ import annotations

from qualitywatch.document import Section
from qualitywatch.remedies.action import ActionKind, Request, Values
from qualitywatch.remedies.templates import read_template


def parse(section: Section) -> dict[str, str]:
    """Read the keys of a hangup: the cause the caller is told, if not 16 (normal clearing)."""
    cause = section.integer("cause", None, minimum=1, maximum=127)
    return {"channel": read_template(section, "channel", "{channel}"), "cause": "" if cause is None else str(cause)}


def request(values: Values) -> Request:
    """What is sent."""
    cause = (("Cause", values["cause"]),) if values["cause"] else ()
    return Request("Hangup", (("Channel", values["channel"]), *cause), ("call", "system"))


def unfit(values: Values) -> bool:
    """A name that begins with a slash is a regular expression to Asterisk: it would end other people's calls."""
    return "/" not in values["channel"][1:] or values["channel"].startswith("/")


HANGUP = ActionKind(parse, request, per_channel=True, unfit=unfit, gone=("no such channel",))
