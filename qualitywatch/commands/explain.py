"""``qualitywatch explain``: why an alert fired on a recording, or why it did not."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta, tzinfo
from pathlib import Path
from typing import Final, TextIO

from qualitywatch.commands.replay import DEFAULT_PBX, Session, messages, recording_of
from qualitywatch.commands.rules_test import rule_directories
from qualitywatch.config import read_config
from qualitywatch.document import Selector, compile_selector, format_duration
from qualitywatch.errors import AmiProtocolError, QualitywatchError
from qualitywatch.model import AlertKey, Signal, Transition, Verdict
from qualitywatch.pipeline import Effects, Pipeline
from qualitywatch.rules.loader import load_rules
from qualitywatch.rules.spec import RuleSpec
from qualitywatch.rules.witness import Witness
from qualitywatch.testing.account import Account, Moment, account, figure, last_word

AROUND_S: Final = 120.0  # so much of the timeline on either side of --at
_ROWS: Final = 60
LEFT_OUT: Final[Mapping[Verdict, str]] = {
    Verdict.OK: "not of a direction or subject this rule looks at",
    Verdict.FIRST: "a first report: nothing to subtract from",
    Verdict.SSRC_RESET: "the stream began anew",
    Verdict.SEQ_FROZEN: "nothing had arrived since the last report",
    Verdict.ABSURD: "counters that contradict each other",
    Verdict.ABSURD_JITTER: "absurd jitter",
    Verdict.ASSUMED_CLOCK: "the stream's clock is not known: no jitter in milliseconds",
    Verdict.MIXED_CLOCK: "bridged undecoded: jitter timed by another clock",
    Verdict.RTT_SKEW: "the peer's clock is wrong",
    Verdict.NEGATIVE_LOSS: "more duplicates than losses",
    Verdict.NOT_SPLIT: "gaps of the call's other leg may be included",
    Verdict.UNGROUNDED_CODEC: "a codec without published constants",
    Verdict.UNKNOWN_CODEC: "nobody told the codec: the score is a guess",
}


@dataclass(frozen=True, slots=True)
class ExplainOptions:
    """Which alert, on which recordings."""

    files: tuple[Path, ...]
    rule: str
    subject: str
    at: str | None = None
    config: Path | None = None
    rules: Path | None = None


@dataclass(slots=True)
class _Listener:
    """Keeps what the pipeline says."""

    transitions: list[Transition] = field(default_factory=list)
    first_at: float | None = None

    def begin(self, pipeline: Pipeline) -> None:
        """Nothing to keep."""

    def show(self, effects: Effects, pipeline: Pipeline) -> None:
        """Keep the transitions of one step."""
        self.transitions.extend(effects.transitions)
        if self.first_at is None and pipeline.now:
            self.first_at = pipeline.now

    def close(self, pipeline: Pipeline) -> None:
        """Nothing to say."""


def explain(options: ExplainOptions, out: TextIO) -> int:
    """Print the account of the alerts that are meant; raises QualitywatchError for an unknown rule or an unreadable file."""
    config = read_config(options.config) if options.config else None
    specs = load_rules(rule_directories(config, options.rules))
    spec = next((spec for spec in specs if spec.name == options.rule), None)
    if spec is None:
        raise QualitywatchError(f"there is no rule named {options.rule}; there are {', '.join(one.name for one in specs)}")
    selector = _selector(options.subject)
    zone = config.timezone if config else UTC
    witness, listener = Witness(), _Listener()
    watched = [witness.watch(one) if one is spec else one for one in specs]
    names = {**config.names, **config.trunks} if config else {}
    pbx = config.pbxes[0].name if config else DEFAULT_PBX
    session = Session(pbx, watched, names, config.trunk_peers if config else {}, listener, config.sites if config else None)
    damaged = 0
    for path in options.files:
        try:
            for number, timed in enumerate(messages(recording_of(path), interactive=True)):
                if number == 0:
                    session.connect(timed.at)
                session.hear(timed)
        except AmiProtocolError as exc:
            damaged = 1
            print(f"{path}: {exc}", file=sys.stderr)
    at = _instant(options.at, listener.first_at or 0.0, zone) if options.at is not None else None
    left_out = [sample for _, sample in witness.left_out]
    keys = {evaluation.key for evaluation in witness.evaluations}
    keys |= {AlertKey(spec.name, pbx, sample.subject, sample.direction) for sample in left_out}
    found = sorted(
        (key for key in keys if selector.matches(key.subject)), key=lambda key: (key.pbx, key.subject, key.direction or "")
    )
    print(f"rule {spec.name} ({spec.kind}, {spec.source}): {spec.summary}", file=out)
    if not found:
        print(f"nothing that {spec.name} could judge was seen of {selector}.", file=out)
        others = ", ".join(sorted({key.subject for key in keys}))
        print(f"it was asked about {others}." if others else "it was asked about nobody in this recording.", file=out)
    for key in found:
        for line in _account_lines(account(spec, key, witness.evaluations, listener.transitions, left_out), zone, at):
            print(line, file=out)
    return damaged


def _account_lines(found: Account, zone: tzinfo, at: float | None) -> Iterator[str]:
    def clock(instant: float) -> str:
        return f"{datetime.fromtimestamp(instant, zone):%H:%M:%S}"

    direction = f" {found.key.direction}" if found.key.direction else ""
    yield ""
    yield f"{found.key.subject}{direction}"
    limits = _limits(found.spec, found.key)
    if limits:
        yield f"  limits of this subject: {limits}"
    rows = [_row(moment) for moment in found.moments]
    shown: list[str] = []
    before: tuple[object, ...] | None = None
    for moment, row in zip(found.moments, rows, strict=True):
        near = at is None or abs(moment.evaluation.at - at) <= AROUND_S
        if near and row != before:
            shown.append(f"  {clock(moment.evaluation.at)}  {_text(moment)}")
        before = row
    if len(shown) > _ROWS:
        half = _ROWS // 2
        shown = [*shown[:half], f"  ... {len(shown) - _ROWS} more, see them with --at TIME ...", *shown[-half:]]
    yield from shown
    for verdict, count in found.left_out.most_common():
        yield f"  left out: {count} sample{'s' * (count != 1)}, {verdict}: {LEFT_OUT[verdict]}"
    if at is not None:
        yield f"  at {clock(at)} {_standing(found, at)}"
    for line in last_word(found, clock):
        yield f"  => {line}"


def _row(moment: Moment) -> tuple[object, ...]:
    """What makes a moment worth a line of its own."""
    evaluation = moment.evaluation
    happened = evaluation.at if evaluation.one_shot else None
    return happened, moment.state, evaluation.value, moment.explained_by, tuple(level.signal for level in evaluation.levels)


def _text(moment: Moment) -> str:
    evaluation = moment.evaluation
    value = "-" if evaluation.value is None else figure(evaluation.value, evaluation.topic)
    levels = []
    for level in evaluation.levels:
        since_at = moment.active.get(level.severity)
        lasted = f" {format_duration(round(max(0.0, evaluation.at - since_at)))}" if since_at is not None else ""
        needed = (
            f" of {format_duration(level.hold_s)}"
            if since_at is not None and round(evaluation.at - since_at) <= level.hold_s
            else ""
        )
        levels.append(f"{level.severity} {level.signal}{'' if evaluation.one_shot else lasted + needed}")
    if moment.clear_since is not None and evaluation.clear_hold_s:
        lasted_s = round(max(0.0, evaluation.at - moment.clear_since))
        levels.append(f"well {format_duration(lasted_s)} of {format_duration(evaluation.clear_hold_s)}")
    why = f", explained by {moment.explained_by}" if moment.explained_by else ""
    details = ", ".join(f"{name.replace('_', ' ')} {text}" for name, text in evaluation.details.items() if text)
    if not details and all(level.signal is Signal.UNKNOWN for level in evaluation.levels):
        details = "not enough to judge by"
    elif not details and all(level.signal is Signal.GONE for level in evaluation.levels):
        details = "nothing left to judge"
    state = moment.state.upper() if moment.state == "firing" else moment.state
    return f"{value:>9}  {', '.join(levels):<60} {state + why:<9} {details}".rstrip()


def _standing(found: Account, at: float) -> str:
    past = [moment for moment in found.moments if moment.evaluation.at <= at]
    if not past:
        return "it had not been judged yet"
    moment = past[-1]
    return f"it was {moment.state}: {' '.join(_text(moment).split())}"


def _limits(spec: RuleSpec, key: AlertKey) -> str:
    limits = spec.limits_for(key.pbx, key.subject)
    if limits == spec.limits:
        return ""
    order = sorted(limits, key=lambda limit: limit.severity.rank)
    return ", ".join(f"{limit.severity} at {figure(limit.enter, limit.metric)}" for limit in order)


def _selector(text: str) -> Selector:
    try:
        return compile_selector(text)
    except ValueError as exc:
        raise QualitywatchError(f"--subject {exc}") from exc


def _instant(text: str, first_at: float, zone: tzinfo) -> float:
    """``19:58:12`` on the recording's (first or second) day, or a date and a time."""
    try:
        alone = time.fromisoformat(text)
    except ValueError:
        try:
            whole = datetime.fromisoformat(text)
        except ValueError:
            raise QualitywatchError(f'--at must be a time such as 19:58:12 or "2026-11-22 19:58:12", not {text}') from None
        return (whole if whole.tzinfo is not None else whole.replace(tzinfo=zone)).timestamp()
    begins = datetime.fromtimestamp(first_at, zone)
    found = datetime.combine(begins.date(), alone, zone)
    return (found if found >= begins - timedelta(minutes=5) else found + timedelta(days=1)).timestamp()
