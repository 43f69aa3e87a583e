"""A rule's own wording: ``str.format`` templates written by an administrator, checked when loaded, harmless when filled.

Only plain fields are allowed: no attributes, no indexes, no nested formats, no positions.  A template that passes
``check_template`` can still fail on a value that is unknown at the moment; then ``fill`` says so and the default wording takes
its place.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from string import Formatter
from typing import Final

TEXT_FIELDS: Final = ("peer", "name", "subject", "pbx", "direction", "severity", "since")
NUMBER_FIELDS: Final = ("value", "peak")
FIELD_NAMES: Final = TEXT_FIELDS + NUMBER_FIELDS

_MAX_UNITS: Final = 1000
# The format mini-language, with widths and precisions that cannot fill the memory.
_SPEC: Final = re.compile(r"(?:[^{}]?[<>=^])?[-+ ]?z?#?0?\d{0,2}[,_]?(?:\.\d{1,2})?[a-zA-Z%]?")
_NUMBERS: Final[Mapping[str, str | float]] = dict.fromkeys(NUMBER_FIELDS, 5.45)


def check_template(text: str, names: Collection[str] = FIELD_NAMES) -> str | None:
    """Return what is wrong with a template over fields of these names, fit for an administrator; None when it can be used."""
    if not text.strip():
        return "is empty"
    if len(text) > _MAX_UNITS:
        return f"is longer than {_MAX_UNITS} characters"
    try:
        parts = list(Formatter().parse(text))
    except ValueError as error:
        return f"{str(error).lower()}; write {{{{ and }}}} for braces of the text itself"
    for _, field, spec, _ in parts:
        if field is None:
            continue
        if field not in names:
            return f"unknown field {{{field}}}; known are {', '.join(f'{{{name}}}' for name in names)}"
        if not _SPEC.fullmatch(spec or ""):
            return f"{{{field}:{spec}}}: not a usable format; write for example {{value:.2f}}"
    try:
        text.format_map({**dict.fromkeys(names, "x"), **_NUMBERS})
    except (ValueError, TypeError) as error:
        return f"cannot be filled in: {str(error).lower()}"
    return None


def fill(template: str, fields: Mapping[str, str | float | None], names: Collection[str] = FIELD_NAMES) -> str | None:
    """Fill in a template; None when it cannot be done with these fields, whatever the reason.  Never raises."""
    if check_template(template, names) is not None:
        return None
    wanted = {field for _, field, _, _ in Formatter().parse(template) if field is not None}
    known = {name: value for name, value in fields.items() if value is not None}
    if not wanted <= known.keys():
        return None
    try:
        return template.format_map(known)
    except (ValueError, TypeError, OverflowError):
        return None
