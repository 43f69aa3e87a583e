"""Values of the model for store tests: builders with sensible defaults, and hypothesis strategies."""

from __future__ import annotations

from typing import Any, Final, TypeVar, get_type_hints

from hypothesis import strategies as st

from qualitywatch.model import (
    Acknowledgement,
    AgentRecord,
    Alert,
    AlertKey,
    AlertState,
    AuditRow,
    CallRecord,
    Direction,
    DirectionTotals,
    Incident,
    LogRecord,
    Member,
    MemberState,
    Metric,
    Mute,
    NewsReason,
    Post,
    Refusal,
    RemedyNote,
    Sample,
    Severity,
    Silence,
    Told,
    Verdict,
)

NOW: Final = 1_700_000_000.0  # 20 s past a minute, 800 s past an hour


def an_alert(subject: str = "SIP/6117", *, state: AlertState = AlertState.FIRING, value: float = 5.45) -> Alert:
    return Alert(
        key=AlertKey("peer-loss", "office", subject, Direction.TO_PEER),
        state=state,
        severity=Severity.WARNING,
        topic="loss_percent",
        since_at=NOW - 30,
        level_since={Severity.WARNING: NOW - 30},
        fired_at=NOW,
        value=value,
        peak=value,
        display_name="Anna",
        details={"channel": f"{subject}-00000002"},
        texts={"ru": "Потери до {peer}"},
    )


def an_incident(
    number: int = 1,
    *,
    closed_at: float | None = None,
    news: int = 1,
    revision: int = 1,
    targets: tuple[str, ...] = ("noc",),
    subject: str = "SIP/6117",
) -> Incident:
    alert = an_alert(subject)
    state = MemberState.FIRING if closed_at is None else MemberState.RESOLVED
    return Incident(
        id=number,
        pbx="office",
        opened_at=NOW,
        members=(Member(alert, state, joined_at=NOW, ended_at=closed_at, fires=(NOW,)),),
        severity=Severity.WARNING,
        worst=Severity.WARNING,
        revision=revision,
        news=news,
        news_reason=NewsReason.OPENED,
        news_at=NOW,
        targets=targets,
        ack=Acknowledgement("Anna (12345)", NOW + 60),
        closed_at=closed_at,
    )


def a_post(number: int = 1, *told: Told, target: str = "noc", superseded: tuple[int, ...] = (), failed: str = "") -> Post:
    return Post(
        id=number,
        target=target,
        told=told or (Told(1, news=1, revision=1),),
        message_id=1000 + number,
        looks="e3b0c442",
        superseded=superseded,
        failed=failed,
    )


def a_silence(number: int = 1, *, ends_at: float = NOW + 3600, expired_at: float | None = None) -> Silence:
    return Silence(number, ends_at, "Anna (12345)", NOW, subjects=("SIP/61*",), comment="a drill", expired_at=expired_at)


def an_audit_row(what: str = "incident 1", *, at: float = NOW) -> AuditRow:
    return AuditRow(at, "Anna (12345)", "acknowledge", what, incident=1)


def an_agent(peer: str = "SIP/105", user_agent: str | None = "Cisco-CP7960G/8.0") -> AgentRecord:
    return AgentRecord("office", peer, user_agent, "37.110.158.23:5060", NOW)


def a_sample(
    value: float = 4.0,
    *,
    at: float = NOW,
    metric: Metric = Metric.LOSS_PERCENT,
    weight: float = 250.0,
    uniqueid: str = "1700000000.1",
    verdict: Verdict = Verdict.OK,
    subject: str = "SIP/6117",
) -> Sample:
    direction = None if metric is Metric.RTT_MS else Direction.TO_PEER
    return Sample(at, metric, value, "office", subject, direction, f"{subject}-00000002", uniqueid, verdict, weight)


def a_call(subject: str = "SIP/6117", *, ended_at: float = NOW) -> CallRecord:
    return CallRecord(
        pbx="office",
        subject=subject,
        channel=f"{subject}-00000002",
        uniqueid="1700000000.1",
        linkedid="1700000000.1",
        started_at=ended_at - 45.5,
        answered_at=ended_at - 40,
        ended_at=ended_at,
        cause=16,
        codec="alaw",
        to_peer=DirectionTotals(lost=90.0, lost_reported=150.0, expected=1000.0, expected_reported=1060.0, mos_min=3.2),
        from_peer=DirectionTotals(),
        rtt_max_ms=41.2,
    )


def a_log(text: str = "trunk SIP/provider is down", *, at: float = NOW) -> LogRecord:
    return LogRecord(at, "office", "SIP/provider", "trunk_state", text)


# Any string a peer could make us hold: half surrogate pairs, NUL, emoji, line breaks.
any_text = st.text(alphabet=st.characters(exclude_categories=[]), max_size=12)
numbers = st.floats(allow_nan=False)
instants = st.floats(min_value=0, max_value=4e9)
mappings = st.dictionaries(any_text, any_text, max_size=3)
T = TypeVar("T")


def every_field(kind: type[T], **given: st.SearchStrategy[Any]) -> st.SearchStrategy[T]:
    """Values with all fields drawn, those with defaults and those added to the model later included."""
    simple: dict[Any, st.SearchStrategy[Any]] = {str: any_text, float: instants, str | None: st.none() | any_text}
    simple |= {float | None: st.none() | numbers, tuple[str, ...]: st.lists(any_text, max_size=3).map(tuple)}
    hints = get_type_hints(kind)
    strategies = {name: given.get(name, simple.get(hint, st.from_type(hint))) for name, hint in hints.items()}
    return st.builds(kind, **strategies)


alerts = every_field(
    Alert,
    key=every_field(AlertKey),
    level_since=st.dictionaries(st.sampled_from(Severity), instants),
    details=mappings,
    texts=mappings,
)
mutes = every_field(Mute, parent=st.none() | every_field(AlertKey))
members = every_field(
    Member, alert=alerts, mute=st.none() | mutes, fires=st.lists(instants, max_size=3).map(tuple), ended_at=st.none() | instants
)
numbers_of = st.integers(1, 6)  # few, so that incidents and posts meet
targets = st.sampled_from(["noc", "duty", "\udc80"])
incidents = every_field(
    Incident,
    id=numbers_of,
    members=st.lists(members, max_size=2).map(tuple),
    revision=st.integers(1, 3),
    news=st.integers(0, 3),
    targets=st.lists(targets, max_size=3).map(tuple),
    ack=st.none() | every_field(Acknowledgement),
    remedies=st.lists(every_field(RemedyNote, values=mappings), max_size=2).map(tuple),
)
some_told = st.lists(
    every_field(Told, incident=numbers_of, news=st.integers(0, 3), revision=st.integers(1, 3)),
    max_size=3,
    unique_by=lambda told: told.incident,
).map(tuple)
posts = every_field(
    Post,
    id=numbers_of,
    target=targets,
    told=some_told,
    refusal=st.none() | every_field(Refusal, told=some_told),
    superseded=st.lists(st.integers(), max_size=2).map(tuple),
    message_id=st.none() | st.integers(),
    failed=st.just("") | any_text,
)
silences = every_field(Silence, id=numbers_of)
audit_rows = every_field(AuditRow, incident=numbers_of)
agents = every_field(AgentRecord)
