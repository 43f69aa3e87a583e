"""Messages for the tests of channels: what a renderer is given, and what it makes of it."""

from __future__ import annotations

from html import escape
from typing import Any, Final

from qualitywatch.model import (
    Alert,
    AlertKey,
    AlertState,
    Bulletin,
    Button,
    Direction,
    Form,
    Incident,
    Member,
    MemberState,
    Notification,
    Severity,
)

SINCE: Final = 1_763_848_800.0  # 2025-11-22 22:00:00 UTC
BUTTONS: Final = ((Button("Acknowledge", "ack:1"), Button("Mute 1 h", "mute1h:1")), (Button("Chart", "chart:1"),))
PNG: Final = bytes.fromhex(
    "89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c489"
    "0000000d49444154789c6360606060000000050001a5f645400000000049454e44ae426082"
)


def notification(
    subject: str = "SIP/6117",
    *,
    mark: str = "🟡",
    severity: Severity = Severity.WARNING,
    buttons: tuple[tuple[Button, ...], ...] = (),
    **more: Any,
) -> Notification:
    """A rendered loss alert of two lines, the first bold."""
    head, tail = f"loss to {subject} 5.45%", "since 22:00:00"
    plain, html = f"{mark} {head}\n{tail}", f"{mark} <b>{escape(head, quote=False)}</b>\n{tail}"
    return Notification(plain, html, looks=plain, severity=severity, buttons=buttons, **more)


def bulletin(subject: str = "SIP/6117") -> Bulletin:
    """An incident of one firing loss alert, as it begins."""
    alert = Alert(
        key=AlertKey("call-loss", "office", subject, Direction.TO_PEER),
        state=AlertState.FIRING,
        severity=Severity.WARNING,
        topic="loss_percent",
        since_at=SINCE,
        level_since={Severity.WARNING: SINCE},
        fired_at=SINCE + 10,
        value=5.45,
        peak=6.0,
    )
    member = Member(alert, MemberState.FIRING, joined_at=SINCE + 10, fires=(SINCE + 10,))
    return Bulletin(
        Form.LIVING, (Incident(1, "office", SINCE, (member,), Severity.WARNING, Severity.WARNING, news=1, targets=("ops",)),)
    )
