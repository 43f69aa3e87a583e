"""A small office at three in the morning, and an assistant that answers for it."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from qualitywatch.charts.request import ChartRequest
from qualitywatch.chat.assistant import Access, Assistant
from qualitywatch.model import (
    Alert,
    AlertKey,
    AlertState,
    Direction,
    HistoryPoint,
    Incident,
    Member,
    MemberState,
    PeerState,
    Severity,
    TrunkState,
)
from qualitywatch.notify.inbound import Answer, Command, Press, PressAnswer
from qualitywatch.room import PbxView, PeerView, TrunkView
from tests.chat.room import MemoryRoom

MOSCOW = ZoneInfo("Europe/Moscow")
NOW = datetime(2025, 11, 23, 3, 12, tzinfo=MOSCOW).timestamp()
CHAT, ANNA, BORIS, STRANGER = -1001, 12345, 777, 666
USERS = {ANNA: "Anna", BORIS: "Boris"}
OFFICE_PEERS = (
    PeerView("SIP/6117", "Anna", PeerState.REACHABLE, NOW - 90_000, "10.0.4.7:5060", "Yealink SIP-T46S 66.86", 23.4),
    PeerView("SIP/6118", "Boris <b>", PeerState.UNREACHABLE, NOW - 600, "10.0.4.8:5060"),
    PeerView("SIP/6120", None, PeerState.REGISTERED, NOW - 7200),
    PeerView(
        "SIP/mango", None, PeerState.REACHABLE, NOW - 90_000, "sip.mango.ru:5060", None, 11.0, "SIP/74993801@sip.mango.ru"
    ),
)
OFFICE_TRUNKS = (
    TrunkView("SIP/74993801@sip.mango.ru", "Mango", TrunkState.REGISTERED, NOW - 90_000),
    TrunkView("SIP/74995555@sip.beeline.ru", None, TrunkState.REJECTED, NOW - 720, "403 Forbidden"),
)


def office(**changes: Any) -> PbxView:
    values: dict[str, Any] = {
        "name": "office",
        "now": NOW,
        "is_seen": True,
        "since_at": None,
        "peers": OFFICE_PEERS,
        "trunks": OFFICE_TRUNKS,
        "calls": 5,
    }
    return PbxView(**values | changes)


def point(at: float, direction: Direction | None = Direction.TO_PEER, *, seconds: float = 60.0, **figures: Any) -> HistoryPoint:
    values: dict[str, Any] = {
        "calls": 1,
        "packets": 3000.0,
        "loss_percent": None,
        "loss_percent_max": None,
        "loss_percent_reported": None,
        "jitter_ms": None,
        "jitter_ms_max": None,
        "rtt_ms": None,
        "rtt_ms_max": None,
        "mos": None,
        "mos_min": None,
    }
    return HistoryPoint(at, seconds, direction, **values | figures)


def lossy(subject_loss: float, *, minutes: int = 5, ago_s: float = 600.0) -> list[HistoryPoint]:
    """One call of so many minutes: lossy towards the phone, clean from it."""
    start = NOW - ago_s
    points = []
    for minute in range(minutes):
        at = start + 60 * minute
        points += [
            point(
                at,
                Direction.TO_PEER,
                loss_percent=subject_loss,
                loss_percent_max=2 * subject_loss,
                jitter_ms=8.0,
                jitter_ms_max=41.5,
                mos=3.6,
                mos_min=3.1,
            ),
            point(
                at,
                Direction.FROM_PEER,
                loss_percent=0.0,
                loss_percent_max=0.0,
                jitter_ms=2.0,
                jitter_ms_max=4.0,
                mos=4.4,
                mos_min=4.4,
            ),
            point(at, None, packets=None, rtt_ms=40.0, rtt_ms_max=120.0),
        ]
    return points


def alert(
    topic: str = "loss_percent",
    subject: str = "SIP/6117",
    *,
    name: str | None = "Anna",
    severity: Severity = Severity.WARNING,
    value: float | None = 5.45,
    state: AlertState = AlertState.FIRING,
    since_at: float = NOW - 720,
    **details: str,
) -> Alert:
    direction = Direction.TO_PEER if topic == "loss_percent" else None
    return Alert(
        AlertKey("loss" if direction else "trunk-down", "office", subject, direction),
        state,
        severity,
        topic,
        since_at,
        {severity: since_at},
        since_at + 20,
        value=value,
        peak=value,
        display_name=name,
        details=details,
        worst=severity,
    )


def incident(incident_id: int, *alerts: Alert, **changes: Any) -> Incident:
    members = tuple(Member(one, MemberState.FIRING, one.since_at + 20) for one in alerts)
    severity = max((one.severity for one in alerts), key=lambda one: one.rank)
    values: dict[str, Any] = {
        "pbx": "office",
        "opened_at": alerts[0].since_at + 20,
        "members": members,
        "severity": severity,
        "worst": severity,
        "news": 1,
    }
    return Incident(incident_id, **values | changes)


MARK = "5f0c9a3e"  # of the state
LOSS = incident(12, alert())
TRUNK = incident(
    11,
    alert(
        "trunk_state", "SIP/74995555@sip.beeline.ru", name=None, severity=Severity.CRITICAL, value=None, state=AlertState.FIRING
    ),
)


class Desk:
    """An assistant at work, and what came of it."""

    def __init__(
        self,
        room: MemoryRoom,
        *,
        language: str = "en",
        access: Access | None = None,
        zone: ZoneInfo = MOSCOW,
        picture: bytes | None = None,
    ) -> None:
        self.room = room
        self.asked: list[ChartRequest] = []
        self.remembered: list[tuple[int, str]] = []
        self.warnings: list[str] = []
        self._picture = picture
        self.assistant = Assistant(
            room,
            access if access is not None else Access(USERS, frozenset({CHAT})),
            language_of=lambda _: None,
            default_language=language,
            zone=zone,
            paint=self._paint,
            remember=self._remember,
            warn=self.warnings.append,
            mark=MARK,
        )

    async def say(self, text: str, user: int = ANNA, chat: int = CHAT) -> Answer:
        return await self.assistant.command(Command(chat, user, "Somebody\nelse", text))

    async def press(self, data: str, user: int = ANNA, chat: int = CHAT) -> PressAnswer:
        return await self.assistant.press(Press(chat, user, "Somebody", data, 55))

    async def _paint(self, request: ChartRequest) -> bytes | None:
        self.asked.append(request)
        return self._picture

    async def _remember(self, chat_id: int, language: str) -> None:
        self.remembered.append((chat_id, language))


def busy_room() -> MemoryRoom:
    """An office with trouble."""
    return MemoryRoom(
        NOW,
        [office(alerts=(alert(), alert("jitter_ms", "SIP/6120", name=None, state=AlertState.PENDING)))],
        [TRUNK, LOSS],
        points={
            ("office", "SIP/6117"): lossy(5.45),
            ("office", "SIP/6118"): lossy(0.5),
            ("office", "SIP/6120"): [point(NOW - 300, packets=None)],
            ("office", "SIP/mango"): lossy(1.25, minutes=8),
            ("office", "SIP/6130"): [point(NOW - 300, packets=200.0, loss_percent=50.0)],
        },
    )
