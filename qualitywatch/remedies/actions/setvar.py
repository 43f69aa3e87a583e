"""``setvar``: sets a global variable of the dial plan, a device's state, or a variable of each channel.

A global variable is gone when Asterisk restarts; what must outlast that belongs into its database (``dbput``).  Asterisk does
not let ``Setvar`` write ``DB(...)`` (AST-2014-018), so that is told when the rule is read.
"""

from __future__ import annotations

import re
from typing import Final

from qualitywatch.document import Section
from qualitywatch.remedies.action import ActionKind, Request, Switch, Values
from qualitywatch.remedies.templates import read_template, read_token

# Functions that hold a value; others that can be written (DB, FILE, SHELL, ...) Asterisk refuses to the manager interface.
_VARIABLE: Final = re.compile(
    r"[A-Za-z_][A-Za-z0-9_]{0,79}|(?:GLOBAL|DEVICE_STATE|PRESENCE_STATE|CHANNEL)\([A-Za-z0-9_.:/@-]{1,120}\)"
)


def parse(section: Section) -> dict[str, str]:
    """Read the keys of a setvar."""
    reason = "must be a variable such as TRUNK_OUT, or GLOBAL, DEVICE_STATE, PRESENCE_STATE or CHANNEL of (...); DB is dbput"
    return {
        "variable": read_token(section, "variable", _VARIABLE, reason),
        "value": read_template(section, "value"),
        "channel": read_template(section, "channel") if "channel" in section else "",
    }


def request(values: Values) -> Request:
    """What is sent."""
    return _put(values, values["value"])


def _put(values: Values, value: str) -> Request:
    return Request("Setvar", (*_channel(values), ("Variable", values["variable"]), ("Value", value)), ("call",))


def _read(values: Values) -> Request:
    return Request("Getvar", (*_channel(values), ("Variable", values["variable"])), ("call", "reporting"))


def _channel(values: Values) -> tuple[tuple[str, str], ...]:
    return (("Channel", values["channel"]),) if values["channel"] else ()


def _address(values: Values) -> str:
    """A channel's variable goes with its channel."""
    return "" if values["channel"] else f"variable {values['variable']}"


SETVAR = ActionKind(
    parse,
    request,
    switch=Switch(_address, _read, header="Value", absent="", put=_put, delete=lambda values: _put(values, "")),
    gone=("no such channel",),
)
