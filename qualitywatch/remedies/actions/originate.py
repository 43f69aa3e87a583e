"""``originate``: calls somebody, and connects them to a place of the dial plan or to an announcement.

It is never repeated: a second call is not the same as one.
"""

from __future__ import annotations

import re
from typing import Final

from qualitywatch.document import Section
from qualitywatch.remedies.action import ActionKind, Request, Values
from qualitywatch.remedies.templates import read_template, read_token

_CHANNEL: Final = re.compile(r"[A-Za-z][A-Za-z0-9]{1,19}/[A-Za-z0-9_.+*#@:/-]{1,100}")
_CONTEXT: Final = re.compile(r"[A-Za-z0-9_.-]{1,79}")
_EXTEN: Final = re.compile(r"[A-Za-z0-9*#+_.-]{1,79}")
_SOUND: Final = re.compile(r"[A-Za-z0-9_./-]{1,100}(?:&[A-Za-z0-9_./-]{1,100}){0,9}")
_CALLER_ID: Final = re.compile(r"[\w .+*#-]{0,60}(?:<[0-9+*#]{1,30}>)?")
_NAME: Final = re.compile(r"_{0,2}[A-Za-z][A-Za-z0-9_]{0,60}")
_VARIABLE: Final = "variable "  # before the name of each, among the values


def parse(section: Section) -> dict[str, str]:
    """Read the keys of an originate."""
    reason = "must be one channel such as PJSIP/100 or Local/79161234567@from-internal"
    values = {
        "to": read_token(section, "channel", _CHANNEL, reason),
        "context": "",
        "exten": "",
        "sound": "",
        "caller_id": read_token(section, "caller_id", _CALLER_ID, "must be a name and a number", "qualitywatch <100>"),
        "ring_ms": str(round(section.duration_s("ring", 30.0, minimum=5, maximum=600) * 1000)),
    }
    if ("sound" in section) is ("context" in section):
        section.problem("", "say what whoever picks up shall hear: sound, or context and exten of the dial plan")
    if "context" in section:
        values["context"] = read_token(section, "context", _CONTEXT, "must be a context of the dial plan")
        values["exten"] = read_token(section, "exten", _EXTEN, "must be an extension of that context, such as 900 or s", "s")
    if "sound" in section:
        values["sound"] = read_token(section, "sound", _SOUND, "must be a sound file of Asterisk, or several joined by &")
    variables = section.section("variables")
    for name in variables if variables is not None else ():
        if variables is not None:
            if not _NAME.fullmatch(name):
                variables.problem(name, "must be the name of a variable")
            values[_VARIABLE + name] = read_template(variables, name)
    return values


def request(values: Values) -> Request:
    """What is sent."""
    where = (
        (("Context", values["context"]), ("Exten", values["exten"]), ("Priority", "1"))
        if values["context"]
        else (("Application", "Playback"), ("Data", values["sound"]))
    )
    variables = tuple(("Variable", f"{name}={value}") for name, value in _variables(values).items())
    headers = (
        ("Channel", values["to"]),
        *where,
        ("CallerID", values["caller_id"]),
        ("Timeout", values["ring_ms"]),
        ("Async", "true"),  # the answer to anything else waits until somebody picks up
        *variables,
    )
    return Request("Originate", headers, ("originate",))


def unfit(values: Values) -> bool:
    """Asterisk takes a comma in a variable for the end of it, and what follows for another one."""
    return any(character in value for value in _variables(values).values() for character in ',"\\')


def _variables(values: Values) -> dict[str, str]:
    return {name.removeprefix(_VARIABLE): value for name, value in values.items() if name.startswith(_VARIABLE)}


ORIGINATE = ActionKind(parse, request, repeatable=False, unfit=unfit)
