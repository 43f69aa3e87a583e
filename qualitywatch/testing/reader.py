"""From a test file to a suite; every mistake at once, as ``file:line: key: reason``."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import UTC, datetime, tzinfo
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

from qualitywatch.document import Problems, Section, read_document
from qualitywatch.model import Direction, Severity
from qualitywatch.rules.loader import LANGUAGES, collect_rules
from qualitywatch.rules.spec import RuleSpec, Teachable
from qualitywatch.testing.cases import Case, Suite
from qualitywatch.testing.expectations import (
    Expectation,
    MessageCount,
    MessageShown,
    Never,
    Pattern,
    Span,
    StateAt,
    StateBetween,
    Wanted,
)
from qualitywatch.testing.figures import read_range, read_span
from qualitywatch.testing.remedies import RemedySaid
from qualitywatch.testing.script import read_script

DEFAULT_START: Final = "2026-01-05T09:00:00"  # a Monday morning
_MAX_S: Final = 30 * 86_400.0
_LATER: Final = 1e10  # a recording brings a time of its own, which is before that


def read_suite(path: Path, problems: Problems, specs: Sequence[RuleSpec], shipped_rules: Path) -> Suite | None:
    """Read one file; ``specs`` are the rules of a file that names none of its own.

    Inline rules are loaded on top of the files named, or of nothing: a test shows all that it rests on.
    """
    document = read_document(path, problems)
    if document is None:
        return None
    own = _rules(document, path, problems, shipped_rules)
    known = {spec.name: spec for spec in (own if own is not None else specs)}
    zone = _zone(document)
    language = document.text("language", None, choices=LANGUAGES)
    names = document.text_map("names")
    cases = [_case(section, path, known, zone) for section in document.sections("tests", required=True)]
    document.close()
    return Suite(str(path), tuple(cases), own, names, zone, language)


def _rules(document: Section, path: Path, problems: Problems, shipped_rules: Path) -> tuple[RuleSpec, ...] | None:
    if "rules" not in document:
        return None
    if document.holds_sections("rules"):
        return collect_rules([], problems, document)
    words = document.texts("rules", required=True)
    return collect_rules([shipped_rules if word == "shipped" else path.parent / word for word in words], problems)


def _zone(document: Section) -> tzinfo:
    name = document.text("timezone", "UTC")
    try:
        return ZoneInfo(name)
    except (ValueError, OSError, LookupError):
        document.problem("timezone", "is not the name of a time zone, such as Europe/Berlin")
        return UTC


def _case(section: Section, path: Path, known: Mapping[str, RuleSpec], zone: tzinfo) -> Case:
    start_at = _start(section, zone)
    recording = section.text("recording", None)
    if (recording is None) is ("events" not in section):
        section.problem("events", "a test has either events or a recording")
    if recording is not None and not (path.parent / recording).exists():
        section.problem("recording", f"there is no {path.parent / recording}")
    story = read_script(section.sections("events"), start_at)
    expected = tuple(_expectation(part, known) for part in section.sections("expect", required=True))
    until_s = max([section.duration_s("until", 0.0, maximum=_MAX_S), *(one.until_s for one in expected if one is not None)])
    source = f"{section.source}:{section.line}"
    wanted = tuple(one for one in expected if one is not None)
    where = path.parent / recording if recording is not None else None
    learned = dict(one for part in section.sections("learned") for one in _learned(part, known, 0.0 if recording else start_at))
    name = section.text("name")
    case = Case(name, source, wanted, start_at if where is None else 0.0, story, where, until_s, learned, zone)
    section.close()
    return case


def _learned(section: Section, known: Mapping[str, RuleSpec], at: float) -> Iterator[tuple[str, str]]:
    """What a rule that learns has learned of a subject before the story begins."""
    rule, subject, way = section.text("rule"), section.text("subject"), section.choice("direction", Direction, None)
    usual, deviation = section.number("usual"), section.number("deviation", 0.0, minimum=0)
    part = section.section("hours")
    hours = {int(hour): part.number(hour) for hour in part or () if part is not None and _is_hour(part, hour)}
    section.close()
    build: object = known[rule].build if rule in known else None
    if isinstance(build, Teachable):
        name, text = build.taught(subject, way, usual, deviation, hours, at or _LATER)
        yield f"{rule}/{name}", text
    elif rule:
        section.problem("rule", f"{rule} is no rule that learns" if rule in known else f"there is no rule named {rule}")


def _is_hour(section: Section, text: str) -> bool:
    is_hour = text.isdecimal() and int(text) < 24
    if not is_hour:
        section.problem(text, "must be an hour of the day, 0 to 23")
    return is_hour


def _start(section: Section, zone: tzinfo) -> float:
    text = section.written("start", DEFAULT_START)
    if "start" in section and "recording" in section:
        section.problem("start", "a recording has a time of its own")
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        section.problem("start", f"must be a date and a time, such as {DEFAULT_START}")
        return 0.0
    return (at if at.tzinfo is not None else at.replace(tzinfo=zone)).timestamp()


def _expectation(section: Section, known: Collection[str]) -> Expectation | None:
    source = f"{section.source}:{section.line}"
    at_s = section.duration_s("at", None, maximum=_MAX_S)
    span = read_span(section, "between")
    if at_s is not None and span is not None:
        section.problem("between", "an expectation has either at or between")
    kinds = [kind for kind in ("state", "never", "messages", "message", "remedy") if kind in section]
    found: Expectation | None = None
    if len(kinds) != 1:
        section.problem("", "one of state, never, messages, message and remedy says what is expected")
        return None
    match kinds[0]:
        case "never":
            found = _never(section, source, span, known)
        case "messages":
            count = read_range(section, "messages")
            found = MessageCount(source, count, span) if count is not None else None
        case "remedy":
            found = RemedySaid(source, _text(section, "remedy"), span)
        case "message":
            found = MessageShown(source, _text(section), at_s, span, section.boolean("new", None))
        case _:
            state, pattern = section.choice("state", Wanted), _pattern(section, known)
            if at_s is None and span is None:
                section.problem("at", "a state is expected at some time (at: 30s), or to begin in some (between: [20s, 40s])")
            elif span is not None:
                found = StateBetween(source, span, state, pattern)
            elif at_s is not None:
                found = StateAt(source, at_s, state, pattern)
    section.close()
    return found


def _never(section: Section, source: str, span: Span | None, known: Collection[str]) -> Expectation | None:
    part = section.section("never", required=True)
    if "at" in section:
        section.problem("at", "what never happens has no instant; use between, or leave it out")
    if part is None:
        return None
    if "remedy" in part:
        return RemedySaid(source, _text(part, "remedy"), span, never=True)
    if "message" in part:
        return MessageShown(source, _text(part), None, span, None, never=True)
    return Never(source, span, part.choice("state", Wanted, Wanted.FIRING), _pattern(part, known))


def _pattern(section: Section, known: Collection[str]) -> Pattern:
    rule = section.text("rule")
    if rule and rule not in known:
        section.problem("rule", f"there is no rule named {rule}; there are {', '.join(sorted(known)) or 'none'}")
    return Pattern(
        rule,
        section.pattern("subject", None),
        section.choice("direction", Direction, None),
        section.choice("severity", Severity, None),
        read_range(section, "value"),
    )


def _text(section: Section, key: str = "message") -> str:
    text = section.written(key)
    if len(text) > 2 and text.startswith("/") and text.endswith("/"):
        try:
            re.compile(text[1:-1])
        except re.error as exc:
            section.problem(key, f"is not a regular expression: {exc}")
            return ""
    return text
