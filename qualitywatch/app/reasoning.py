"""Why an alert fires, or does not: asked of the rules at work themselves, so that the answer is what the daemon thinks.

Strategy: who is meant is found as people write it: a rule by its name, a peer by its number, its name or a wildcard, an
incident by ``#12``.  The rule then gives its present opinion of each alert that could be, with the samples of its window, those
it left out among them; how the alert stands is asked of the pipeline, and whether anybody is told of the desk.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from qualitywatch.document import compile_bounded
from qualitywatch.model import (
    Alert,
    AlertKey,
    AlertState,
    Direction,
    Evaluation,
    Incident,
    Member,
    MemberState,
    Observation,
    Sample,
    Signal,
    TallyObservation,
)
from qualitywatch.pipeline import Pipeline
from qualitywatch.rules.spec import RuleSpec
from qualitywatch.why import Reason, Why, WhyLevel, WhyRequest, WhySample

MOST_REASONS = 50
MOST_SAMPLES = 200  # of one window, the latest
_WAYS = {"to": Direction.TO_PEER, "from": Direction.FROM_PEER, "до": Direction.TO_PEER, "от": Direction.FROM_PEER}
_SAYS_SOMETHING = frozenset({Signal.BREACH, Signal.CLEAR, Signal.KEEP})


def why(
    request: WhyRequest, now: float, specs: Sequence[RuleSpec], pipelines: Mapping[str, Pipeline], incidents: Sequence[Incident]
) -> Why:
    """Return the account of every alert that is meant."""
    words = [part for word in request.words for part in word.split()]
    asked = {name: one for name, one in pipelines.items() if request.pbx in {None, name}}
    if not asked:
        return Why(now, nothing=f"no PBX is named {request.pbx}: there are {', '.join(pipelines)}")
    members = {member.key: (incident.id, member) for incident in incidents for member in incident.members if _lasts(member)}
    if len(words) == 1 and words[0].startswith("#") and words[0][1:].isdecimal():
        keys = [key for key, (number, _) in members.items() if number == int(words[0][1:])]
        nothing = f"incident {words[0]} is not open, or nothing in it fires any more"
    else:
        keys, nothing = _meant(words, specs, asked)
    known = {spec.name: spec for spec in specs}
    reasons: list[Reason] = []
    for key in keys:
        found = _reason(key, known[key.rule], asked[key.pbx], members) if key.rule in known and key.pbx in asked else None
        if found is not None:
            reasons.append(found)
    reasons.sort(key=lambda each: (_ORDER[each.state], each.pbx, each.rule, each.subject, each.direction or ""))
    return Why(now, tuple(reasons[:MOST_REASONS]), "" if reasons else nothing)


_ORDER = {AlertState.FIRING: 0, AlertState.PENDING: 1, AlertState.INACTIVE: 2}


def _lasts(member: Member) -> bool:
    return member.state is MemberState.FIRING


def _meant(words: Sequence[str], specs: Sequence[RuleSpec], asked: Mapping[str, Pipeline]) -> tuple[list[AlertKey], str]:
    rules = [spec.name for spec in specs if spec.name.casefold() in {word.casefold() for word in words}]
    ways = [_WAYS[word.casefold()] for word in words if word.casefold() in _WAYS]
    rest = [word for word in words if word.casefold() not in {*_WAYS, *(rule.casefold() for rule in rules)}]
    chosen = rules or [spec.name for spec in specs]
    text = " ".join(rest)
    keys: list[AlertKey] = []
    for pbx, pipeline in asked.items():
        if not rest:  # the rule alone: whoever has an alert of it
            keys += [alert.key for alert in pipeline.alerts if alert.key.rule in chosen]
            continue
        for subject in _subjects(text, pipeline):
            keys += [AlertKey(rule, pbx, subject, way) for rule in chosen for way in (ways or (None, *Direction))]
    what = " or ".join(rules) if rules else "any rule"
    there_are = f" (rules: {', '.join(spec.name for spec in specs)})" if not rules else ""
    if not rest:
        return keys, f"{what} has no alert, pending or firing{there_are}; name a peer too to see why not"
    return keys, f"nothing that {what} could judge was seen of {text}{there_are}"


def _subjects(text: str, pipeline: Pipeline) -> list[str]:
    """Everybody who may be meant; the text itself where nobody is known by it, for an address or a queue has no list."""
    folded = text.casefold()
    known = list(dict.fromkeys(_everybody(pipeline)))
    exact = [each for each in known if each.casefold() == folded or each.partition("/")[2].casefold() == folded]
    if exact:
        return exact
    named = [each for each in known if folded in (pipeline.names.name(each) or "").casefold()]
    if named:
        return named
    try:
        selector = compile_bounded(text)
    except ValueError:
        return [text]
    return [each for each in known if selector.matches(each)] or [text]


def _everybody(pipeline: Pipeline) -> Iterator[str]:
    yield from (alert.key.subject for alert in pipeline.alerts)
    yield from (peer.subject for peer in pipeline.peers.standings())
    yield from pipeline.trunks.states()
    yield from pipeline.observed_subjects()


def _reason(key: AlertKey, spec: RuleSpec, pipeline: Pipeline, members: Mapping[AlertKey, tuple[int, Member]]) -> Reason | None:
    alert = next((alert for alert in pipeline.alerts if alert.key == key), None)
    opinion = pipeline.opinion(key)
    samples = tuple(_samples(pipeline.observed(key)))[-MOST_SAMPLES:]
    if alert is None and not samples and not _says_something(opinion):
        return None
    incident, member = members.get(key, (0, None))
    return Reason(
        rule=spec.name,
        kind=spec.kind,
        source=spec.source,
        summary=spec.summary,
        pbx=key.pbx,
        subject=key.subject,
        direction=key.direction,
        name=pipeline.names.name(key.subject),
        topic=opinion.topic if opinion is not None else alert.topic if alert is not None else spec.kind,
        state=alert.state if alert is not None else AlertState.INACTIVE,
        levels=_levels(opinion, alert),
        value=opinion.value if opinion is not None else None,
        details=dict(opinion.details) if opinion is not None else {},
        samples=samples,
        clear_hold_s=opinion.clear_hold_s if opinion is not None else 0.0,
        since_at=alert.since_at if alert is not None else None,
        fired_at=alert.fired_at if alert is not None else None,
        clear_since=alert.clear_since if alert is not None else None,
        explained_by=_explained_by(opinion, key, pipeline.alerts) if alert is None else None,
        off_duty=opinion is not None and opinion.off_duty,
        blind_since=pipeline.blind_since,
        incident=incident,
        mute=member.mute if member is not None else None,
    )


def _says_something(opinion: Evaluation | None) -> bool:
    return opinion is not None and (
        opinion.value is not None or any(level.signal in _SAYS_SOMETHING for level in opinion.levels)
    )


def _levels(opinion: Evaluation | None, alert: Alert | None) -> tuple[WhyLevel, ...]:
    since = alert.level_since if alert is not None else {}
    levels = opinion.levels if opinion is not None else ()
    return tuple(WhyLevel(level.severity, level.signal, level.hold_s, since.get(level.severity)) for level in levels)


def _explained_by(opinion: Evaluation | None, key: AlertKey, alerts: Iterable[Alert]) -> str | None:
    others = [
        alert.key
        for alert in alerts
        if opinion is not None and alert.key.rule in opinion.yields_to and alert.key.subject == key.subject
    ]
    return next((other.rule for other in others if other.direction in {None, key.direction} or key.direction is None), None)


def _samples(seen: Iterable[tuple[Observation, bool]]) -> Iterator[WhySample]:
    for observation, counted in seen:
        match observation:
            case Sample():
                yield WhySample(observation.at, observation.value, observation.weight, observation.verdict, counted)
            case TallyObservation():
                yield WhySample(observation.at, observation.good, observation.total, counted=counted)
            case _:
                pass  # it has no figure
