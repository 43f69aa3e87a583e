"""Incidents as people meet them, by the name of the situation."""

from __future__ import annotations

from typing import Any, Final

from qualitywatch.model import (
    Acknowledgement,
    AlertKey,
    Bulletin,
    Direction,
    Form,
    Incident,
    Member,
    MemberState,
    Mute,
    MuteKind,
    NewsReason,
    Severity,
)
from tests.notify.build import SINCE, bulletin, incident, member

JUDGED: Final = {"packets": "1100", "window_s": "60", "codec": "alaw", "calls": "2"}
ANNA: Final = Acknowledgement("Anna", SINCE + 720)
SILENCE: Final = Mute(MuteKind.SILENCE, "3", until=SINCE + 4_320, by="Anna")
LONG_SILENCE: Final = Mute(MuteKind.SILENCE, "4", until=SINCE + 180_000, by="Anna", comment="provider is at it")
MAINTENANCE: Final = Mute(MuteKind.MAINTENANCE, "night backup", until=SINCE + 7_200)
BY_TRUNK: Final = Mute(MuteKind.INHIBITED, "mango", parent=AlertKey("trunk-down", "office", "mango"))
CRITICAL: Final = Severity.CRITICAL


def loss(number: int, percent: float | None, peak: float | None = None, **facts: Any) -> Member:
    """Loss that SIP/<number> hears."""
    facts = {"direction": Direction.TO_PEER, "rule": "loss", "peak": peak if peak is not None else percent, **facts}
    return member(subject=f"SIP/{number}", value=percent, **facts)


def loss_over(number: int, peak: float, **facts: Any) -> Member:
    """The same, over."""
    return loss(number, 0.0, peak, state=MemberState.RESOLVED, **facts)


def trunk(name: str, state: str, **facts: Any) -> Member:
    """A registration of ours; ``registered`` is one that is back."""
    is_over = state == "registered"
    facts = {"state": MemberState.RESOLVED if is_over else MemberState.FIRING, "severity": CRITICAL, **facts}
    return member("trunk_state", name, details={"state": state}, rule="trunk-down", **facts)


def new_agent(number: int) -> Member:
    """Another device under a known name."""
    details = {"old": "Yealink T46", "new": "scanner", "address": "185.1.2.3:5060"}
    return member("user_agent", f"SIP/{number}", state=MemberState.HAPPENED, details=details, rule="user-agent")


def anna(**facts: Any) -> Member:
    """Loss that Anna hears."""
    facts = {"value": 12.4, "peak": 14.1, "details": JUDGED, **facts}
    return member(direction=Direction.TO_PEER, name="Anna", rule="loss", **facts)


STORM: Final = tuple(loss(6200 + number, 24.51 - number) for number in range(14))
STORM_OVER: Final = tuple(loss_over(6200 + number, 24.51 - number) for number in range(14))
FLOOD: Final = tuple(loss(60000 + number, 3 + number / 100, name=f"A long name of colleague {number}") for number in range(350))

_LIVING: Final[dict[str, Incident]] = {
    "one alert": incident(anna()),
    "one alert at its peak": incident(anna(peak=12.4, severity=CRITICAL)),
    "nothing is known of the value": incident(loss(6117, None)),
    "acknowledged": incident(anna(), ack=ANNA),
    "muted by a button": incident(anna(mute=SILENCE)),
    "acknowledged and muted for days": incident(anna(mute=LONG_SILENCE), ack=ANNA),
    "muted by maintenance": incident(anna(mute=MAINTENANCE)),
    "explained by another incident": incident(anna(mute=BY_TRUNK)),
    "its mute is over": incident(anna(), news=1, news_reason=NewsReason.UNMUTED, news_at=SINCE + 4_320),
    "flapping": incident(anna(fires=(SINCE - 600, SINCE - 300, SINCE - 100, SINCE)), flapping=True),
    "repeated": incident(anna(), news=2, news_reason=NewsReason.REPEATED, news_at=SINCE + 14_410),
    "escalated": incident(anna(), escalated_at=SINCE + 900),
    "reminder": incident(anna(), ack=ANNA, news=2, news_reason=NewsReason.REMINDER, news_at=SINCE + 29_520),
    "worse": incident(anna(severity=CRITICAL), news=2, news_reason=NewsReason.WORSE),
    "over": incident(anna(state=MemberState.RESOLVED)),
    "over, was acknowledged": incident(anna(state=MemberState.RESOLVED), ack=ANNA),
    "ended for lack of calls": incident(anna(state=MemberState.RESOLVED, because="no_data")),
    "ended with its rule": incident(anna(state=MemberState.RESOLVED, because="dropped")),
    "a trunk ended with its rule": incident(trunk("mango", "registered", because="dropped")),
    "a trunk is no longer configured": incident(trunk("mango", "registered", because="removed")),
    "two trunks are no longer configured": incident(
        trunk("mango", "registered", because="removed"), trunk("mtt", "registered", because="removed")
    ),
    "something happened": incident(new_agent(105)),
    "happened to several": incident(new_agent(105), new_agent(106)),
    "14 peers": incident(*STORM),
    "12 of 14 over": incident(*(loss(6200 + number, 9.5 - number, 24.51) for number in range(2)), *STORM_OVER[2:]),
    "14 peers, all over": incident(*STORM_OVER),
    "two peers without calls": incident(loss_over(1, 9, because="no_data"), loss_over(2, 8, because="no_data")),
    "two trunks": incident(trunk("mango", "rejected"), trunk("mtt", "silent", severity=Severity.WARNING)),
    "two trunks, different troubles": incident(trunk("mango", "rejected"), trunk("mtt", "unreachable")),
    "five trunks": incident(*(trunk(f"line{number}", "silent") for number in range(5))),
    "one trunk of two is back": incident(trunk("mango", "rejected"), trunk("mtt", "registered")),
    "two trunks are back": incident(trunk("mango", "registered"), trunk("mtt", "registered", since_s=60)),
    "one peer, two troubles": incident(loss(6117, 9.2), member("jitter_ms", "SIP/6117", value=80, rule="jitter")),
    "one peer, two troubles over": incident(
        loss_over(6117, 9.2), member("jitter_ms", "SIP/6117", state=MemberState.RESOLVED, peak=80, rule="jitter")
    ),
    "one peer, both directions": incident(loss(6117, 9.2), loss(6117, 4.1, direction=Direction.FROM_PEER)),
    "many peers, both directions": incident(
        *(loss(6200 + number, 20 - number) for number in range(7)),
        *(loss(6200 + number, 10 - number, direction=Direction.FROM_PEER) for number in range(7)),
    ),
    "worst MOS is the lowest": incident(
        *(member("mos", f"SIP/{number}", value=3 - number / 10, peak=2.0, rule="mos") for number in range(3))
    ),
    "various": incident(loss(6117, 9.2), trunk("mango", "rejected"), loss_over(6118, 5.0)),
    "various, all over": incident(loss_over(6118, 5.0), trunk("mango", "registered")),
    "a trunk and whom it affects": incident(
        trunk("mango", "rejected"), *(loss(6200 + number, 9.0 - number, mute=BY_TRUNK) for number in range(3))
    ),
    "a trunk that is back and whom it affected": incident(
        trunk("mango", "registered"), *(loss_over(6200 + number, 9.0 - number, mute=BY_TRUNK) for number in range(3))
    ),
    "outlived its explanation": incident(trunk("mango", "registered"), loss(6200, 9.0), loss_over(6201, 8.0, mute=BY_TRUNK)),
    "partly muted": incident(loss(6200, 9.0), loss(6201, 8.0, mute=SILENCE), loss(6202, 7.0, mute=MAINTENANCE)),
    "all muted": incident(loss(6200, 9.0, mute=SILENCE), loss(6201, 8.0, mute=SILENCE)),
    "350 peers": incident(*FLOOD),
}

DIGESTED: Final = (
    incident(trunk("mango", "rejected"), number=1, ack=ANNA),
    incident(*STORM, number=2),
    incident(anna(state=MemberState.RESOLVED), number=3),
    incident(loss(6117, 9.2, mute=SILENCE), number=4),
)

SITUATIONS: Final[dict[str, Bulletin]] = {
    **{name: bulletin(each) for name, each in _LIVING.items()},
    "continued in a newer message": bulletin(_LIVING["one alert"], form=Form.SUPERSEDED),
    "a digest": bulletin(*DIGESTED, form=Form.DIGEST),
    "a digest of more than ten": bulletin(
        *(incident(loss(6200 + number, 20.0 - number), number=number) for number in range(12)),
        *(incident(loss_over(6300 + number, 5.0), number=20 + number) for number in range(3)),
        form=Form.DIGEST,
    ),
    "a digest, all over": bulletin(
        *(incident(loss_over(6300 + number, 5.0), number=20 + number) for number in range(3)), form=Form.DIGEST
    ),
    "a digest of two PBXes": bulletin(
        incident(trunk("mango", "rejected")), incident(trunk("mtt", "silent", pbx="branch")), form=Form.DIGEST
    ),
    "a digest with a trunk and whom it affects": bulletin(
        _LIVING["a trunk and whom it affects"], incident(new_agent(105)), form=Form.DIGEST
    ),
}
