"""Values of the model for store tests: builders with sensible defaults, and hypothesis strategies."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final, TypeVar, get_type_hints

from hypothesis import strategies as st

from qualitywatch.model import (
    AgentRecord,
    Alert,
    AlertKey,
    AlertState,
    CallRecord,
    Direction,
    DirectionTotals,
    LogRecord,
    Metric,
    Notification,
    NotifyReason,
    Sample,
    Severity,
    Transition,
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


def a_notification(target: str = "noc", *, subject: str = "SIP/6117", not_before: float = 0.0) -> Notification:
    alert = an_alert(subject)
    transition = Transition(NOW, alert, AlertState.PENDING, AlertState.FIRING, NotifyReason.FIRING)
    return Notification(target, transition, NOW, not_before=not_before)


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
transitions = every_field(Transition, alert=alerts)
notifications = every_field(Notification, transition=transitions, id=st.just(0), attempts=st.integers(0, 100))
agents = every_field(AgentRecord)


def without_id(notification: Notification) -> Notification:
    return replace(notification, id=0)
