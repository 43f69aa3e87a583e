"""``dbput``: sets a key of Asterisk's database, which the dial plan reads as ``${DB(trunk/main)}``; it outlasts a restart."""

from __future__ import annotations

from qualitywatch.document import Section
from qualitywatch.remedies.action import ActionKind, Request, Switch, Values
from qualitywatch.remedies.templates import read_template


def parse(section: Section) -> dict[str, str]:
    """Read the keys of a dbput."""
    return {name: read_template(section, name) for name in ("family", "key", "value")}


def request(values: Values) -> Request:
    """What is sent."""
    return _put(values, values["value"])


def _put(values: Values, value: str) -> Request:
    return Request("DBPut", (*_place(values), ("Val", value)), ("system",))


def _read(values: Values) -> Request:
    return Request("DBGet", _place(values), ("system", "reporting"))


def _delete(values: Values) -> Request:
    return Request("DBDel", _place(values), ("system",))


def _place(values: Values) -> tuple[tuple[str, str], ...]:
    return ("Family", values["family"]), ("Key", values["key"])


def _address(values: Values) -> str:
    return f"db {values['family']}/{values['key']}"


DBPUT = ActionKind(
    parse, request, switch=Switch(_address, _read, header="Val", absent="database entry not found", put=_put, delete=_delete)
)
