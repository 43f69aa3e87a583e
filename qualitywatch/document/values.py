"""YAML scalars to Python values, strictly: what was written must be what was meant.

YAML 1.1 reads ``on`` as a boolean, ``1:30`` as 90 and ``010`` as 8.  So types are judged by the text as it stands in the
file: text that YAML takes for something else must be quoted, numbers are plain decimals.  The reasons name no value of a
text, since it may be a secret.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Final

import yaml

from qualitywatch.document.duration import format_duration, parse_duration_s

_TAG: Final = "tag:yaml.org,2002:"
_NUMBER: Final = re.compile(r"[-+]?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?")
_INTEGER: Final = re.compile(r"[-+]?(?:0|[1-9][0-9]*)")
_MAX_DIGITS: Final = 30
_MAX_SHOWN: Final = 24
_KINDS: Final = {
    "bool": "true/false",
    "int": "a number",
    "float": "a number",
    "null": "empty",
    "timestamp": "a date",
    "str": "text",
}


class WrongValueError(Exception):
    """A value is not what was asked for; its text is the reason."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """What a number may be: ``minimum`` and ``maximum`` belong to it, ``above`` and ``below`` do not; None is no bound."""

    minimum: float | None = None
    maximum: float | None = None
    above: float | None = None
    below: float | None = None

    def check(self, value: float, shown: Callable[[float], str]) -> None:
        """Raise WrongValueError when the value lies outside; ``shown`` writes a bound the way the file would."""
        if (
            (self.minimum is not None and value < self.minimum)
            or (self.maximum is not None and value > self.maximum)
            or (self.above is not None and value <= self.above)
            or (self.below is not None and value >= self.below)
        ):
            raise WrongValueError(f"must be {self._describe(shown)}, not {shown(value)}")

    def _describe(self, shown: Callable[[float], str]) -> str:
        if self.minimum is not None and self.maximum is not None:
            return f"between {shown(self.minimum)} and {shown(self.maximum)}"
        wordings = (
            ("at least", self.minimum),
            ("more than", self.above),
            ("at most", self.maximum),
            ("less than", self.below),
        )
        return " and ".join(f"{words} {shown(bound)}" for words, bound in wordings if bound is not None)

    @property
    def inside(self) -> float:
        """Some number to go on with after an error."""
        return self.minimum if self.minimum is not None else self.above or 0.0


def shown_number(value: float) -> str:
    """Return a number without a superfluous ``.0``."""
    return f"{value:.15g}"


def quoted(text: str) -> str:
    """Return short text in quotes; long text is only called long, for it may be a token in the wrong place."""
    return f'"{text}"' if len(text) <= _MAX_SHOWN else "a long text"


def kind_of(node: yaml.Node) -> str:
    """Return what YAML takes a node for, in an administrator's words."""
    if isinstance(node, yaml.MappingNode):
        return "a section of keys"
    if isinstance(node, yaml.SequenceNode):
        return "a list"
    return _KINDS.get(node.tag.removeprefix(_TAG), "something else")


def is_null(node: yaml.Node) -> bool:
    """Tell whether a key was given without a value."""
    return isinstance(node, yaml.ScalarNode) and node.tag == _TAG + "null"


def _scalar(node: yaml.Node, wanted: str) -> yaml.ScalarNode:
    """Return the node, whose ``value`` is the text in the file, when it is a scalar; else raise WrongValueError."""
    if is_null(node):
        raise WrongValueError(f"has no value; write {wanted} or remove the key")
    if not isinstance(node, yaml.ScalarNode):
        raise WrongValueError(f"must be {wanted}, not {kind_of(node)}")
    if not node.tag.startswith(_TAG):
        raise WrongValueError(f"must be {wanted}, without a !tag; text that begins with ! must stand in quotes")
    return node


def read_text(node: yaml.Node, *, multiline: bool = False) -> str:
    """Return text without control characters; newlines and tabs only when ``multiline``."""
    value: str = _scalar(node, "text").value
    if node.tag != _TAG + "str":
        raise WrongValueError(f"must be text, but YAML reads this as {kind_of(node)}: put it in quotes")
    allowed = "\n\t" if multiline else ""
    for char in value:
        if char not in allowed and (char < " " or "\x7f" <= char < "\xa0" or "\ud800" <= char <= "\udfff"):
            raise WrongValueError("must be one line of text" if char == "\n" else "holds a control character or broken Unicode")
    return value


def read_written(node: yaml.Node) -> str:
    """Return a single value's text as it stands in the file, whatever YAML takes it for: ``3``, ``1.10``, ``<= 3``, ``on``."""
    value: str = _scalar(node, "a value").value
    if any(char < " " or "\x7f" <= char < "\xa0" or "\ud800" <= char <= "\udfff" for char in value):
        raise WrongValueError("must be one line of text without control characters")
    return value


def read_choice(node: yaml.Node, choices: Iterable[str]) -> str:
    """Return the text when it is one of the choices."""
    known = tuple(choices)
    wanted = f"one of {', '.join(known)}"
    value: str = _scalar(node, wanted).value
    if node.tag != _TAG + "str":
        raise WrongValueError(f"must be {wanted}, not {kind_of(node)}")
    if value not in known:
        near = get_close_matches(value, known, n=1)
        hint = f", did you mean {quoted(near[0])}?" if near else ""
        raise WrongValueError(f"must be {wanted}, not {quoted(value)}{hint}")
    return value


def read_boolean(node: yaml.Node) -> bool:
    """Return true or false; ``yes``, ``no``, ``on`` and ``off`` are as good."""
    value: str = _scalar(node, "true or false").value
    if node.tag != _TAG + "bool" or value.lower() not in yaml.SafeLoader.bool_values:
        hint = ": take the quotes away" if value.lower() in yaml.SafeLoader.bool_values else ""
        raise WrongValueError(f"must be true or false, not {kind_of(node)}{hint}")
    return yaml.SafeLoader.bool_values[value.lower()]


def read_number(node: yaml.Node, bounds: Bounds) -> float:
    """Return a finite number within the bounds."""
    return _finite(_decimal(node, _NUMBER, "a number"), bounds)


def read_integer(node: yaml.Node, bounds: Bounds) -> int:
    """Return a whole number within the bounds."""
    number = int(_decimal(node, _INTEGER, "a whole number"))
    bounds.check(number, lambda value: str(int(value)))
    return number


def read_percent(node: yaml.Node, bounds: Bounds) -> float:
    """Return percent (5 for 5 %), written with or without its sign."""
    if isinstance(node, yaml.ScalarNode) and node.value.endswith("%"):
        node = yaml.ScalarNode(node.tag, node.value.removesuffix("%").rstrip(), style=node.style)
    return _finite(_decimal(node, _NUMBER, "a percentage"), bounds)


def read_duration_s(node: yaml.Node, bounds: Bounds) -> float:
    """Return seconds of ``30s``, ``1m30s`` or a plain number of seconds."""
    wanted = "a duration such as 30s, 2m, 1h or 1m30s"
    scalar = _scalar(node, wanted)
    value: str = scalar.value
    seconds = parse_duration_s(value)
    if seconds is None:
        if scalar.style is not None or not _NUMBER.fullmatch(value) or len(value) > _MAX_DIGITS:
            raise WrongValueError(f"must be {wanted}, not {quoted(value)}")
        seconds = float(value)
    if not 0 <= seconds < math.inf:
        raise WrongValueError(f"must be {wanted}, not {quoted(value)}")
    bounds.check(seconds, format_duration)
    return seconds


def _decimal(node: yaml.Node, grammar: re.Pattern[str], wanted: str) -> str:
    """Return the digits of a plain decimal number."""
    scalar = _scalar(node, wanted)
    value: str = scalar.value
    if scalar.style is not None and grammar.fullmatch(value):
        raise WrongValueError(f"must be {wanted}, not text: take the quotes away")
    if not grammar.fullmatch(value) or len(value) > _MAX_DIGITS:
        raise WrongValueError(f"must be {wanted}, not {quoted(value)}")
    return value


def _finite(digits: str, bounds: Bounds) -> float:
    number = float(digits)
    if not math.isfinite(number):
        raise WrongValueError("must be a finite number")
    bounds.check(number, shown_number)
    return number
